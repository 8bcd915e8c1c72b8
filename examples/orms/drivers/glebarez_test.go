package drivers_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGlebarez builds one program twice. Both drivers in one program register one name, which ends it before main,
// where nobody can say what to do. The tag leaves one of them out.
func TestGlebarez(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tags, want string
		ends       bool
	}{
		{"", "sql: Register called twice for driver sqlite", true},
		{"bursar_no_modernc", "shop:sales has 25.00 USD", false},
	} {
		program := filepath.Join(t.TempDir(), "shop")
		build := exec.CommandContext(t.Context(), "go", "build", "-tags", c.tags, "-o", program, "./glebarez")
		out, err := build.CombinedOutput()
		if err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
		out, err = exec.CommandContext(t.Context(), program, filepath.Join(t.TempDir(), "shop.db")).CombinedOutput()
		if !strings.Contains(string(out), c.want) || (err != nil) != c.ends {
			t.Errorf("with the tags %q: %v, want %q:\n%s", c.tags, err, c.want, out)
		}
	}
}
