package postgres_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

// TestTortureTheSuiteOverLibPQ runs the tests of the module beside this package. lib/pq is no dependency of Bursar, so
// the module may have to be downloaded.
func TestTortureTheSuiteOverLibPQ(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it builds another module: BURSAR_TORTURE=1 asks for it")
	}
	run := func(ctx context.Context, args ...string) ([]byte, error) {
		command := exec.CommandContext(ctx, "go", args...)
		command.Dir = "libpq"
		return command.CombinedOutput()
	}
	if out, err := run(t.Context(), "mod", "download"); err != nil {
		t.Skipf("lib/pq cannot be had: %v\n%s", err, out)
	}
	if out, err := run(t.Context(), "test", "-count=1", "./..."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
