// Package orms_test compares docs/adopting.md with the code and the versions that it shows.
package orms_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const guide = "../../docs/adopting.md"

// TestCodeOfTheGuide wants every Go block of the guide to stand in a shop, line for line.
func TestCodeOfTheGuide(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*shop*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code string
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			code += read(t, file)
		}
	}
	blocks := strings.Split(read(t, guide), "\n```go\n")[1:]
	if len(blocks) < 6 {
		t.Fatalf("the guide shows %d pieces of Go", len(blocks))
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "\n```")
		if !strings.Contains(code, "\n"+block+"\n") {
			t.Errorf("no shop has the lines\n%s", block)
		}
	}
}

var row = regexp.MustCompile("(?m)^\\| `([a-z][^` ,]*\\.[^` ,]*)` \\| (v[0-9.]+) \\|")

// TestVersionsOfTheGuide wants every module that the guide names to be the one that is built.
func TestVersionsOfTheGuide(t *testing.T) {
	t.Parallel()
	built := read(t, "go.mod")
	rows := row.FindAllStringSubmatch(read(t, guide), -1)
	if len(rows) < 10 {
		t.Fatalf("the guide names %d modules", len(rows))
	}
	for _, r := range rows {
		if !strings.Contains(built, "\t"+r[1]+" "+r[2]) {
			t.Errorf("go.mod does not have %s %s", r[1], r[2])
		}
	}
	sqlc := regexp.MustCompile("(?m)^\\| `sqlc`[^|]*\\| (v[0-9.]+) ").FindStringSubmatch(read(t, guide))
	if generated := read(t, "sqlcshop/pgq/db.go"); sqlc == nil || !strings.Contains(generated, "sqlc "+sqlc[1]+"\n") {
		t.Errorf("sqlc generated with another version than %v", sqlc)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
