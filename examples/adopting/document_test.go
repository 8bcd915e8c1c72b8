package adopting_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const guide = "../../docs/moving.md"

// document is the SQL of the guide by the name that its first line gives, and what of it has run.
type document struct {
	sql map[string]string
	ran map[string]bool
}

func readDocument(t *testing.T) *document {
	t.Helper()
	d := &document{sql: map[string]string{}, ran: map[string]bool{}}
	for _, block := range blocks(t, "sql") {
		name, _, named := strings.Cut(strings.TrimPrefix(block, "-- "), ": ")
		if !named || strings.Contains(name, " ") || d.sql[name] != "" {
			t.Fatalf("a block does not begin with a name of its own:\n%s", block)
		}
		d.sql[name] = block
	}
	return d
}

// take is the SQL with this name.
func (d *document) take(t *testing.T, name string) string {
	t.Helper()
	query, ok := d.sql[name]
	if !ok {
		t.Fatalf("%s has no SQL with the name %s", guide, name)
	}
	d.ran[name] = true
	return query
}

// wantAllRun fails the test if the guide shows SQL that nobody has run.
func (d *document) wantAllRun(t *testing.T) {
	t.Helper()
	for name := range d.sql {
		if !d.ran[name] {
			t.Errorf("the SQL %s of %s was not run", name, guide)
		}
	}
}

// TestCodeOfTheGuide wants every Go block of the guide to stand in the application, line for line.
func TestCodeOfTheGuide(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code string
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			code += trimmed(t, file)
		}
	}
	shown := blocks(t, "go")
	if len(shown) == 0 {
		t.Fatal("the guide shows no Go")
	}
	for _, block := range shown {
		if !strings.Contains(code, "\n"+block+"\n") {
			t.Errorf("the application does not have the lines\n%s", block)
		}
	}
}

// blocks are the blocks of the guide in one language, without indentation.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	list := strings.Split(trimmed(t, guide), "\n```"+language+"\n")[1:]
	for i := range list {
		list[i], _, _ = strings.Cut(list[i], "\n```")
	}
	return list
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
