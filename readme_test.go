package bursar_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeCodeIsExampleCode wants every Go block of the README to stand, line for line, in an example that compiles
// and runs.
func TestReadmeCodeIsExampleCode(t *testing.T) {
	var examples string
	for _, file := range []string{
		"ledger/example_test.go", "ledger/example_in_test.go", "store/postgres/example_test.go",
	} {
		examples += trimmed(t, file)
	}
	blocks := strings.Split(trimmed(t, "README.md"), "\n```go\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("the README shows no Go")
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "\n```")
		if !strings.Contains(examples, "\n"+code+"\n") {
			t.Errorf("no example has the lines\n%s", code)
		}
	}
}

// trimmed is a file without indentation.
func trimmed(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
