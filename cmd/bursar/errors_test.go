package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestErrorsDocument(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("..", "..", "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := line(t, t.Context(), "errors", "--markdown")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if diff := cmp.Diff(string(want), stdout); diff != "" {
		t.Errorf("docs/errors.md is behind (-file +table):\n%s\n"+
			"run: go run ./cmd/bursar errors --markdown > docs/errors.md", diff)
	}
}
