package tidy_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// lineRunesMax is how long a line may be. A tab counts as one character.
const lineRunesMax = 120

// checkWidth reports lines that are too long, in Go files, documents, statements
// in SQL and the Makefile. Generated files, the data of tests and migrations, whose
// checksums databases keep, are not measured.
func checkWidth(t *tree) []string {
	var found []string
	report := func(name string, lines []string) {
		for i, line := range lines {
			if n := utf8.RuneCountInString(line); n > lineRunesMax && !hasLongURL(line) {
				found = append(found, fmt.Sprintf("%s:%d: %d characters, at most %d", name, i+1, n, lineRunesMax))
			}
		}
	}
	for _, f := range t.files {
		if !f.generated {
			report(f.path, strings.Split(f.text, "\n"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		switch {
		case within(name, "testdata"), within(name, "migrations"):
		case path.Ext(name) == ".md":
			report(name, breakable(t.texts[name]))
		case path.Ext(name) == ".sql", path.Base(name) == "Makefile":
			report(name, strings.Split(t.texts[name], "\n"))
		}
	}
	return found
}

// hasLongURL reports whether a line is long because of an address, which cannot be
// broken.
func hasLongURL(line string) bool {
	return slices.ContainsFunc(strings.Fields(line), func(word string) bool {
		return strings.Contains(word, "://") && utf8.RuneCountInString(word) > lineRunesMax
	})
}

// breakable returns the lines of a document without those that nobody could
// break: the rows of tables, and what a program printed. A fenced block is output
// unless it names a language that is written by hand.
func breakable(text string) []string {
	lines := strings.Split(text, "\n")
	fence, written := "", false
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			} else if !written {
				lines[i] = ""
			}
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
			written = slices.Contains([]string{"go", "sql", "sh"}, trimmed[3:])
		case strings.HasPrefix(trimmed, "|"):
			lines[i] = ""
		}
	}
	return lines
}

var widthExamples = []example{
	{name: "narrow", files: map[string]string{
		"money/a.go":         "package money\n\n//" + strings.Repeat("é", lineRunesMax-2) + "\n\t" + strings.Repeat("\n", 3),
		"money/table.go":     generated + "package money\n\n//" + wide,
		"money/link_test.go": "package money\n\n// https://example.org/" + wide,
		"docs/a.md": "# A\n\n| " + wide + " |\n\n```\n" + wide + "\n```\n\n~~~text\n" + wide + "\n~~~\n" +
			"[1]: https://example.org/" + wide + "\n",
		"testdata/b.md": wide,
		"ci.yml":        wide,
	}},
	{
		name: "wide",
		files: map[string]string{
			"money/a.go":      "package money\n\n//" + wide,
			"money/a_test.go": "package money\n\nvar s = `\n" + wide + "`\n",
			"gen/gen.go":      "//go:build ignore\n\npackage main\n\nvar s = \"" + wide + "\"\n",
			"docs/a.md":       "# A\n\n```\n" + wide + "\n```\n" + wide + " https://example.org/\n```sh\n" + wide + "\n```\n",
			"store/a.sql":     wide,
			"Makefile":        "\n" + wide,
		},
		want: []string{
			"Makefile:2: 121 characters, at most 120",
			"docs/a.md:6: 142 characters, at most 120",
			"docs/a.md:8: 121 characters, at most 120",
			"gen/gen.go:5: 131 characters, at most 120",
			"money/a.go:3: 123 characters, at most 120",
			"money/a_test.go:4: 122 characters, at most 120",
			"store/a.sql:1: 121 characters, at most 120",
		},
	},
}

var wide = strings.Repeat("x", lineRunesMax+1)
