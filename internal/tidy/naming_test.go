package tidy_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// properNouns are the capitalised words of comments that name nothing in code, and
// the names that other programs give to their own things.
var properNouns = strings.Fields(`
	CockroachDB Galera InnoDB MariaDB MySQL PostgreSQL SQLite TiDB
	Atlas Debian Linux OpenTelemetry PgBouncer Prometheus Windows
	Bursar Go Goexit Makefile Markdown NaN Unicode
	Berka Challenge Discovery Hamilton Sochorova
	Arithmetic Canada Cowlishaw Czech English Frisian General Mike States United
	ConnPool Continue CounterVec HistogramVec StatementBegin StatementEnd TestMain
	clientFoundRows multiStatements operationId parseTime
`)

// checkNaming wants every name in a comment to exist. A link in brackets must lead
// to a declaration. A word that looks like a name must be one in the code of its
// own room, or be declared in a room that this one imports; for a comment outside
// the tests, outside the tests. So a renaming cannot leave its comments behind.
func checkNaming(t *tree) []string {
	n := t.namesOfHouse()
	var found []string
	for _, r := range t.rooms {
		for _, f := range r.files {
			if f.generated {
				continue
			}
			for _, group := range f.ast.Comments {
				for _, dead := range n.deadLinks(f, group) {
					found = append(found, t.misnamed(group.Pos(), dead))
				}
				found = append(found, t.strangers(n, f, group)...)
			}
		}
	}
	return found
}

func (t *tree) misnamed(pos token.Pos, name string) string {
	return fmt.Sprintf("%s: the comment names %s, which does not exist", t.at(pos), name)
}

// strangers reports the words of a comment that look like names and are none.
func (t *tree) strangers(n *names, f *source, group *ast.CommentGroup) []string {
	var found []string
	var s sentence
	for _, c := range group.List {
		line := t.fset.Position(c.Pos()).Line
		for i, text := range commentLines(c.Text) {
			for _, word := range s.words(text) {
				if !n.exists(f, word) {
					found = append(found, t.misnamed(t.fset.File(c.Pos()).LineStart(line+i), word))
				}
			}
		}
	}
	return found
}

// exists reports whether a word is a name in the code around it, or a proper noun.
// A word with members exists if all its parts do. An s at the end makes a plural.
func (n *names) exists(f *source, word string) bool {
	for part := range strings.SplitSeq(word, ".") {
		single := strings.TrimSuffix(part, "s")
		isNoun := slices.Contains(properNouns, part) || slices.Contains(properNouns, single)
		if !isNoun && !n.visible(f, part) && !n.visible(f, single) {
			return false
		}
	}
	return true
}

// commentLines returns the lines of a comment without its marks, nothing for a
// directive.
func commentLines(text string) []string {
	line, ok := strings.CutPrefix(text, "//")
	if !ok {
		return strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, "/*"), "*/"), "\n")
	}
	if line != "" && line[0] != ' ' && line[0] != '\t' {
		return nil
	}
	return []string{line}
}

// sentence is the state of a reader who goes through a comment line by line.
type sentence struct {
	inside bool // the next word does not begin a sentence
}

var (
	// word matches a word, with members if it has some.
	word = regexp.MustCompile(`[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*`)
	// camel matches what only a name in code looks like.
	camel = regexp.MustCompile(`^(?:[a-z]+[A-Z]\w*|[A-Z]\w*[a-z]\w*[A-Z]\w*)$`)
	// capitalised matches a capital before a small letter.
	capitalised = regexp.MustCompile(`^[A-Z][a-z]`)
	// foreign matches what is not said in the words of the house: quotations, paths,
	// addresses, file names, words with a hyphen, verbs of a format, and tags. Links
	// are judged elsewhere.
	foreign = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|'[^' ]+'|" + `\[[^\]]*\]|` +
		`\S*[/@\\]\S*\w|[\w*.-]+\.(?:go|md|sql|txt|csv|org|com|json|mjs)\b|\w+(?:-\w+)+|%[+#]?\w|<[^>]*>`)
)

// words returns the words of a line that look like names: those with a capital
// inside, and those with a capital first in the midst of a sentence. It leaves out
// lines that are set as code.
func (s *sentence) words(line string) []string {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" || strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "    ") {
		s.inside = false
		return nil
	}
	if strings.HasPrefix(trimmed, "- ") || strings.HasPrefix(trimmed, "# ") {
		s.inside = false
	}
	// A digit is part of no word here, but keeps its place in the sentence.
	line = foreign.ReplaceAllString(line, " 0 ")
	var found []string
	at := 0
	for _, m := range word.FindAllStringIndex(line, -1) {
		s.pass(line[at:m[0]])
		text := line[m[0]:m[1]]
		head, _, dotted := strings.Cut(text, ".")
		if camel.MatchString(head) || capitalised.MatchString(head) && (dotted || s.inside) {
			found = append(found, text)
		}
		s.inside, at = true, m[1]
	}
	s.pass(line[at:])
	return found
}

// pass reads what stands between two words.
func (s *sentence) pass(between string) {
	if i := strings.LastIndexAny(between, ".:?!0123456789"); i >= 0 {
		s.inside = between[i] >= '0' && between[i] <= '9'
	}
}

var namingExamples = []example{
	{name: "names that exist", files: map[string]string{
		"money/a.go": `// Package money counts. See [Amount], [Amount.Neg], [money.Amount] and [fmt.Stringer].
package money

import "fmt"

// An Amount is exact, says PostgreSQL's "ByVersion". It is made by [New] alone, for all Amounts: See docs/ByHand.md.
//
//	NoSuchName(x)
//
//go:generate DoNothing
type Amount struct {
	unitsOf int // of the Sum that New made. Then Neg.
}

// Neg is for [Amount.unitsOf]; all of Amount.Neg is here.
func (a Amount) Neg() Amount { return a }

// New takes n from [0, n) and index[Key].
func New(sum fmt.Stringer) Amount { type Sum int; return Amount{} }
`,
		"atomic/a.go": `package atomic

import (
	"io"
	m "github.com/bursar-ledger/bursar/money"
)

// Block embeds [io.Reader], so it has [Block.Read], and [m.Amount.Neg] besides. Amount and Neg are seen from here.
type Block struct{ io.Reader; m.Amount }
`,
		"atomic/a_test.go": "package atomic\n\n// Here Block is met by inTest.\nvar inTest = 1\n",
		"money/table.go":   generated + "package money\n\n// See noSuch and [Nothing].\n",
	}},
	{
		name: "names left behind",
		files: map[string]string{
			"money/a.go": `package money

// Amount was [Sum], and has [Amount.Plus].
//
// It is less than legsMax, or is found when ByVersion; Known
// sees it, and Amount.Minus.
type Amount int // of the Units

// See [rates.Table].
`,
			"atomic/a.go": `package atomic

import "github.com/bursar-ledger/bursar/money"

// Do counts in [money.Amount], not in [money.Rate] or [money.Amount.Plus].
func Do(money.Amount) {}

// Use is not for Helper, nor Amount.Half: that is Do.
func Use() {}
`,
			"atomic/a_test.go": "package atomic\n\nfunc Helper() {}\n",
			"posting/a.go":     "package posting\n\n/* Here an Amount\nis out of aSight. */\n",
		},
		want: []string{
			"atomic/a.go:5: the comment names money.Amount.Plus, which does not exist",
			"atomic/a.go:5: the comment names money.Rate, which does not exist",
			"atomic/a.go:8: the comment names Amount.Half, which does not exist",
			"atomic/a.go:8: the comment names Helper, which does not exist",
			"money/a.go:3: the comment names Amount.Plus, which does not exist",
			"money/a.go:3: the comment names Sum, which does not exist",
			"money/a.go:5: the comment names ByVersion, which does not exist",
			"money/a.go:5: the comment names Known, which does not exist",
			"money/a.go:5: the comment names legsMax, which does not exist",
			"money/a.go:6: the comment names Amount.Minus, which does not exist",
			"money/a.go:7: the comment names Units, which does not exist",
			"money/a.go:9: the comment names rates.Table, which does not exist",
			"posting/a.go:3: the comment names Amount, which does not exist",
			"posting/a.go:4: the comment names aSight, which does not exist",
		},
	},
}
