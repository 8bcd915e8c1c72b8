package sqlstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var strategiesDocument = filepath.Join("..", "..", "docs", "strategies.md")

const rewrite = "BURSAR_WRITE=1 go test ./internal/sqlstore -run StrategiesDocument"

// TestStrategiesDocument posts with every strategy on every engine and compares what happened with docs/strategies.md.
// With BURSAR_WRITE=1 it writes the document's tables instead. What is on an engine whose server is missing stays as it
// is.
func TestStrategiesDocument(t *testing.T) {
	content, err := os.ReadFile(strategiesDocument)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	hold := func(engine, table string) {
		changed, old := replaceBlock(t, text, engine, table)
		switch {
		case os.Getenv("BURSAR_WRITE") != "":
			text = changed
		default:
			if diff := cmp.Diff(strings.Split(old, "\n"), strings.Split(table, "\n")); diff != "" {
				t.Errorf("docs/strategies.md is behind, run: %s (-file +run):\n%s", rewrite, diff)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { hold("sqlite", table(run(t, onSQLite(t)))) })
	t.Run("postgres", func(t *testing.T) {
		pool := run(t, onPostgres(t, true))
		hold("postgres", table(pool)+"\n"+differences(pool, run(t, onPostgres(t, false))))
	})
	t.Run("mariadb", func(t *testing.T) { hold("mariadb", table(run(t, onMariaDB(t)))) })
	checkGlossary(t, text)
	if text != string(content) {
		if err := os.WriteFile(strategiesDocument, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// replaceBlock puts a table between the marks of an engine. It returns the whole text and what stood there before.
func replaceBlock(t *testing.T, text, engine, table string) (changed, old string) {
	t.Helper()
	begin, end := "<!-- "+engine+": measured -->\n", "<!-- "+engine+": end -->"
	before, rest, found := strings.Cut(text, begin)
	old, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		t.Fatalf("docs/strategies.md has no place for the table of %s: %q and %q", engine, begin, end)
	}
	return before + begin + table + end + after, old
}

// table shows what strategies do. Those that do the same share their rows.
func table(all []traces) string {
	var b strings.Builder
	b.WriteString(
		"| strategy | what | statements | round trips | the statements in order, and [the rows locked since] " +
			"|\n|---|---|---:|---:|---|\n",
	)
	for len(all) > 0 {
		first := all[0]
		name := first.strategy
		all = slices.DeleteFunc(slices.Clone(all[1:]), func(other traces) bool {
			same := cmp.Equal(first.rows(), other.rows())
			if same {
				name += ", " + other.strategy
			}
			return same
		})
		for _, row := range first.rows() {
			fmt.Fprintf(&b, "| %s | %s |\n", name, row)
		}
	}
	return b.String()
}

// rows are the lines of one strategy without its name.
func (s *traces) rows() (rows []string) {
	for _, l := range s.lines {
		rows = append(rows, l.trace.row(l.what, l.times))
	}
	return rows
}

// row is the numbers and the statements of a trace, which did something so many times.
func (tr *trace) row(what string, times int) string {
	var trips []string
	for i := 0; i < len(tr.steps); {
		n := 1
		for i+n < len(tr.steps) && tr.steps[i+n].together {
			n++
		}
		trips = append(trips, together(tr.steps[i:i+n]))
		i += n
	}
	return fmt.Sprintf(
		"%s | %s | %s | %s", what, each(len(tr.steps), times), each(tr.roundTrips, times), strings.Join(trips, " · "),
	)
}

// together writes the statements of one round trip, several of them in braces, and what they have locked.
func together(steps []step) string {
	var names []string
	for i := 0; i < len(steps); {
		n := 1
		for i+n < len(steps) && steps[i+n].name == steps[i].name {
			n++
		}
		name := steps[i].name
		if n > 1 {
			name = fmt.Sprintf("%d × %s", n, name)
		}
		names = append(names, name)
		i += n
	}
	text := strings.Join(names, " · ")
	if len(names) > 1 {
		text = "{" + text + "}"
	}
	if locks := steps[len(steps)-1].locks; len(locks) > 0 {
		text += " [" + strings.Join(locks, ", ") + "]"
	}
	return text
}

// each is a number, and what it comes to for one of a hundred.
func each(n, times int) string {
	switch {
	case n == 0:
		return "none"
	case times == 1:
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d: %d.%02d each", n, n/times, n*100/times%100)
}

// differences says how the traces over database/sql differ from those over a pool of pgx.
func differences(pool, std []traces) string {
	var differ []traces
	for i := range std {
		if !cmp.Equal(pool[i].rows(), std[i].rows()) {
			differ = append(differ, std[i])
		}
	}
	if len(differ) == 0 {
		return "Over `database/sql` (`postgres.NewSQL`) every row is the same, with In(*sql.Tx) in place of In(pgx.Tx).\n"
	}
	return "Over `database/sql` (`postgres.NewSQL`) these rows differ, In(*sql.Tx) standing for In(pgx.Tx):\n\n" +
		table(differ)
}

var (
	glossaryRow = regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)` \\|")
	statement   = regexp.MustCompile(`(?:[|·×] )([A-Z][A-Za-z]+)\b`)
)

// checkGlossary holds the document's list of statements against its tables.
func checkGlossary(t *testing.T, text string) {
	t.Helper()
	explained, used := map[string]bool{}, map[string]bool{}
	for _, row := range glossaryRow.FindAllStringSubmatch(text, -1) {
		explained[row[1]] = true
	}
	for _, line := range strings.Split(text, "\n") {
		cells := strings.Split(line, " | ")
		if len(cells) != 5 {
			continue
		}
		for _, name := range statement.FindAllStringSubmatch("| "+cells[4], -1) {
			used[name[1]] = true
		}
	}
	for name := range used {
		if !explained[name] {
			t.Errorf("docs/strategies.md does not explain %s", name)
		}
	}
	for name := range explained {
		if !used[name] {
			t.Errorf("docs/strategies.md explains %s, which no table has", name)
		}
	}
}
