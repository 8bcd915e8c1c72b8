package tidy_test

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// marker matches what a writer leaves for later. XXX alone is the code of no
// currency in ISO 4217, so it counts with a colon or a name only.
var marker = regexp.MustCompile(`\b(?:TODO|FIXME)\b|\bXXX[:(]`)

// checkMarkers looks for leftovers in the comments of Go files and in all other
// texts.
func checkMarkers(t *tree) []string {
	var found []string
	for _, f := range t.files {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if m := marker.FindString(c.Text); m != "" {
					found = append(found, fmt.Sprintf("%s: leftover %s", t.at(c.Pos()), m))
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		for i, line := range strings.Split(t.texts[name], "\n") {
			if m := marker.FindString(line); m != "" {
				found = append(found, fmt.Sprintf("%s:%d: leftover %s", name, i+1, m))
			}
		}
	}
	return found
}

var markerExamples = []example{
	{name: "nothing left over", files: map[string]string{
		"money/a.go": "package money\n// XXX is the code of no currency.\nvar s = \"TODO\"",
		"README.md":  "# Bursar\nAutodone.",
	}},
	{
		name: "left over",
		files: map[string]string{
			"money/a.go":            "package money\n// TODO(me): round",
			"money/b_test.go":       "package money\n/* XXX: slow */",
			"docs/design.md":        "# Design\n\nFIXME",
			"testdata/ledger/a.txt": "# XXX(me)",
			"Makefile":              "all: # TODO",
			".ci/run":               "# FIXME",
		},
		want: []string{
			".ci/run:1: leftover FIXME",
			"Makefile:1: leftover TODO",
			"docs/design.md:3: leftover FIXME",
			"money/a.go:2: leftover TODO",
			"money/b_test.go:2: leftover XXX:",
			"testdata/ledger/a.txt:1: leftover XXX(",
		},
	},
}

var (
	inlineLink  = regexp.MustCompile(`\]\(\s*<?([^()\s<>]+)>?(?:\s+"[^"]*")?\s*\)`)
	definedLink = regexp.MustCompile(`^ {0,3}\[[^\]]+\]:\s*<?([^\s<>]+)`)
	codeSpan    = regexp.MustCompile("`[^`]*`")
	scheme      = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`)
	underline   = regexp.MustCompile(`^ {0,3}=+\s*$`)
)

// checkDocuments wants exactly one first-level heading in each Markdown file, and
// links to files that exist.
func checkDocuments(t *tree) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		if path.Ext(name) != ".md" || within(name, "testdata") {
			continue
		}
		headings, previous := 0, ""
		for i, line := range prose(t.texts[name]) {
			isHeading := strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "<h1") ||
				underline.MatchString(line) && strings.TrimSpace(previous) != ""
			if isHeading {
				headings++
			}
			previous = line
			for _, target := range links(line) {
				if why := t.deadLink(name, target); why != "" {
					found = append(found, fmt.Sprintf("%s:%d: %s", name, i+1, why))
				}
			}
		}
		if headings != 1 {
			found = append(found, fmt.Sprintf("%s: %d first-level headings, want 1", name, headings))
		}
	}
	return found
}

// prose returns the lines of a document with code blocked out, so that line
// numbers stay right.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	fence := ""
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
			lines[i] = ""
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
			lines[i] = ""
		default:
			lines[i] = codeSpan.ReplaceAllString(line, "")
		}
	}
	return lines
}

func links(line string) []string {
	var targets []string
	for _, link := range []*regexp.Regexp{inlineLink, definedLink} {
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			targets = append(targets, m[1])
		}
	}
	return targets
}

// deadLink says why a link of a document leads nowhere, or "". Links to other
// sites and to headings are not followed.
func (t *tree) deadLink(from, target string) string {
	file, _, _ := strings.Cut(target, "#")
	if file == "" || scheme.MatchString(target) {
		return ""
	}
	if strings.HasPrefix(file, "/") {
		return "link to " + target + " is not relative"
	}
	if _, err := fs.Stat(t.fsys, path.Join(path.Dir(from), file)); err != nil {
		return "link to " + target + " leads nowhere"
	}
	return ""
}

var documentExamples = []example{
	{name: "sound", files: map[string]string{
		"README.md": "# Bursar\n\n" +
			"[design](docs/design.md#money), [site](https://example.org/x), [below](#more), [docs](docs)\n" +
			"```sh\n# a comment\n[x](nowhere.md)\n```\n`[y](nowhere.md)`\n## More\n[d]: docs/design.md \"title\"\n",
		"docs/design.md":     "Design\n======\n\n[![up](../README.md)](../LICENSE)\n",
		"LICENSE":            "",
		"testdata/broken.md": "no heading",
	}},
	{
		name: "unsound",
		files: map[string]string{
			"README.md": "# Bursar\n\n[design](docs/plan.md) and [up](../up.md)\n# Again\n[d]: gone.md\n[r](/docs)\n",
			"docs/a.md": "## Second level only\n",
		},
		want: []string{
			"README.md: 2 first-level headings, want 1",
			"README.md:3: link to ../up.md leads nowhere",
			"README.md:3: link to docs/plan.md leads nowhere",
			"README.md:5: link to gone.md leads nowhere",
			"README.md:6: link to /docs is not relative",
			"docs/a.md: 0 first-level headings, want 1",
		},
	},
}
