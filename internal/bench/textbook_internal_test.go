package bench

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheTextbookIsAsDocumented wants the statements of docs/performance.md to be those that run, in their order, on
// each engine. They are frozen: numbers of different versions are compared by them.
func TestTheTextbookIsAsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	engines := []*engine{postgresEngine(), mysqlEngine(), sqliteEngine()}
	if len(blocks) != len(engines) {
		t.Fatalf("the document has %d blocks of SQL, want one for each of %d engines", len(blocks), len(engines))
	}
	blanks := regexp.MustCompile(`\s+`)
	for i, e := range engines {
		var shown, run []string
		for line := range strings.Lines(blocks[i][1]) {
			statement, _, _ := strings.Cut(line, " --")
			switch statement = strings.TrimRight(statement, " \n"); {
			case strings.HasPrefix(statement, " "):
				shown[len(shown)-1] += " " + strings.TrimSpace(statement)
			case statement != "":
				shown = append(shown, statement)
			}
		}
		s := e.textbook
		for _, statement := range []string{
			s.accounts, s.transfers, s.begin, s.lock, s.lock, s.insert, s.update, s.update, "COMMIT",
		} {
			run = append(run, blanks.ReplaceAllString(strings.Replace(statement, "%s", "P", 1), " "))
		}
		if got, want := strings.Join(shown, "\n"), strings.Join(run, "\n"); got != want {
			t.Errorf("%s: the document has\n%s\nand the program runs\n%s", e.name, got, want)
		}
	}
}
