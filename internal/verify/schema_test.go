package verify_test

import (
	"database/sql"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// weakening is a change of the schema after which an object does nothing, or another thing.
type weakening struct {
	kind, object string
	change       func(raw *sql.DB)
}

// TestWhatDoesNothingIsFound replaces each object of the schema by one that does nothing. It reads from the schema what
// there is.
func TestWhatDoesNothingIsFound(t *testing.T) {
	t.Parallel()
	clean := closedFile(t)
	path := filepath.Join(t.TempDir(), "weak.db")
	m := &template{bytes: clean}
	raw := m.copyTo(t, path)
	all := weakenings(t, raw)
	store := sqlite.New(raw)
	book, err := verify.Book(t.Context(), store, "main")
	if err != nil {
		t.Fatal(err)
	}
	raw.Close()
	m.book = book
	counts := map[string]int{}
	for _, w := range all {
		raw := m.copyTo(t, path)
		w.change(raw)
		report, err := m.verifyWith(t, raw, path, &verify.Options{Findings: 1_000})
		if err != nil && strings.Contains(err.Error(), "malformed") {
			counts[w.kind]++ // the engine itself refuses such a schema
		} else if err != nil || !expect(&report, 0, checks{verify.Schema}) {
			t.Errorf("%s %s: %v%s", w.kind, w.object, err, summary(&report))
		} else {
			counts[w.kind]++
		}
	}
	t.Logf("SQLite: %d objects replaced or taken away in turn, each found: %v", len(all), counts)
	for kind, least := range map[string]int{"trigger": 13, "check": 20, "view": 3, "index": 4, "column": 70, "table": 9} {
		if counts[kind] < least {
			t.Errorf("only %d of kind %s", counts[kind], kind)
		}
	}
}

var (
	columnText  = regexp.MustCompile(`(?m)^    [a-z_]+ +(INTEGER|TEXT|BLOB)`)
	notNullText = regexp.MustCompile(` NOT NULL`)
	defaultText = regexp.MustCompile(`DEFAULT 0`)
	uniqueText  = regexp.MustCompile(` UNIQUE( \(|,|\n)`)
	strictText  = regexp.MustCompile(`STRICT`)
	foreignText = regexp.MustCompile(` REFERENCES bursar_book \(book\)`)
)

// weakenings are the changes for all that the schema has.
func weakenings(t *testing.T, raw *sql.DB) (all []weakening) {
	t.Helper()
	add := func(kind, object string, statements ...string) {
		all = append(all, weakening{kind, object, func(raw *sql.DB) {
			for _, s := range statements {
				run(t, raw, s)
			}
		}})
	}
	for _, name := range texts(t, raw, "SELECT name FROM sqlite_schema WHERE name LIKE 'bursar%'") {
		text := texts(t, raw, "SELECT sql FROM sqlite_schema WHERE name = ?", name)[0]
		switch kind := texts(t, raw, "SELECT type FROM sqlite_schema WHERE name = ?", name)[0]; kind {
		case "trigger":
			head, _, _ := strings.Cut(text, "BEGIN\n")
			add(kind, name, "DROP TRIGGER "+name)
			add(kind, name+" with an empty body", "DROP TRIGGER "+name, head+"BEGIN SELECT 1; END")
			head, _, _ = strings.Cut(head, "WHEN ")
			add(kind, name+" that never runs", "DROP TRIGGER "+name,
				head+" WHEN 0 BEGIN"+text[strings.Index(text, "BEGIN\n")+5:])
			add(kind, name+" in the file alone", rewritten(name, strings.Replace(text, "RAISE(ABORT", "coalesce(1", 1)))
		case "view":
			columns := texts(t, raw, "SELECT name FROM pragma_table_info(?)", name)
			add(kind, name, "DROP VIEW "+name)
			add(kind, name+" of nothing", "DROP VIEW "+name,
				"CREATE VIEW "+name+" AS SELECT NULL AS "+strings.Join(columns, ", NULL AS ")+" WHERE 0")
		case "index":
			add(kind, name, "DROP INDEX "+name)
			add(kind, name+" that is not unique", "DROP INDEX "+name, strings.Replace(text, " UNIQUE", "", 1))
			head, _, _ := strings.Cut(text, " WHERE")
			add(kind, name+" of nothing", "DROP INDEX "+name, head+" WHERE 0")
		case "table":
			for what, pattern := range map[string]*regexp.Regexp{
				"column": columnText, "not null": notNullText, "default": defaultText, "unique": uniqueText,
				"table": strictText, "foreign key": foreignText,
			} {
				for _, at := range pattern.FindAllStringIndex(text, -1) {
					add(what, name, rewritten(name, text[:at[0]]+weaker(text[at[0]:at[1]])+text[at[1]:]))
				}
			}
			for _, at := range checksOf(text) {
				add("check", name, rewritten(name, text[:at[0]]+"CHECK (true)"+text[at[1]:]))
			}
		}
	}
	add("extra", "trigger", "CREATE TRIGGER mine AFTER INSERT ON bursar_entry BEGIN SELECT 1; END")
	add("extra", "trigger on a view", "CREATE TRIGGER mine INSTEAD OF INSERT ON bursar_entries BEGIN SELECT 1; END")
	add("extra", "column", "ALTER TABLE bursar_account ADD COLUMN mine TEXT")
	return all
}

// weaker is a part of a table's statement that does less.
func weaker(part string) string {
	switch {
	case part == "STRICT":
		return ""
	case part == "DEFAULT 0":
		return "DEFAULT 7"
	case strings.HasPrefix(part, " UNIQUE ("):
		return " CHECK ("
	case strings.HasPrefix(part, " UNIQUE"):
		return part[len(" UNIQUE"):]
	case strings.HasPrefix(part, "    "):
		fields := strings.Fields(part)
		return "    " + fields[0] + " ANY"
	default:
		return ""
	}
}

// checksOf finds the checks of a table's statement.
func checksOf(text string) (all [][2]int) {
	const word = "CHECK ("
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return all
		}
		begin, depth := from+i, 0
		end := begin + len(word) - 1
		for ; end < len(text); end++ {
			switch text[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 0 {
				break
			}
		}
		all = append(all, [2]int{begin, end + 1})
		from = end
	}
}

// rewritten puts another text in the place of an object's, behind the engine's back.
func rewritten(name, text string) string {
	return "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = '" + strings.ReplaceAll(text, "'", "''") +
		"' WHERE name = '" + name + "'; PRAGMA writable_schema = 0"
}

// TestWhatUsersAddIsNoFinding adds what concerns nobody, and writes a statement of the schema with other spaces.
func TestWhatUsersAddIsNoFinding(t *testing.T) {
	t.Parallel()
	m := &template{bytes: closedFile(t)}
	path := filepath.Join(t.TempDir(), "mine.db")
	raw := m.copyTo(t, path)
	book, err := verify.Book(t.Context(), sqlite.New(raw), "main")
	if err != nil {
		t.Fatal(err)
	}
	m.book = book
	run(t, raw, `CREATE INDEX mine ON bursar_entry (effective); CREATE UNIQUE INDEX bursar_mine ON bursar_head (hash);
		CREATE TABLE orders (id INTEGER PRIMARY KEY, account INTEGER REFERENCES bursar_account (account));
		CREATE TABLE bursar_report (day TEXT); CREATE VIEW bursar_mine_too AS SELECT * FROM bursar_accounts;
		CREATE TRIGGER orders_insert AFTER INSERT ON orders BEGIN SELECT 1; END;
		CREATE TRIGGER report_insert AFTER INSERT ON bursar_report BEGIN SELECT 1; END;
		ANALYZE`)
	report, err := m.verifyFile(t, raw, path)
	if err != nil || !report.OK() || len(report.Warnings) > 0 {
		t.Errorf("%v%s, warnings %q", err, summary(&report), report.Warnings)
	}
	raw = open(t, path)
	run(t, raw, "DROP VIEW bursar_transfers; CREATE VIEW  bursar_transfers AS\n SELECT e.book,e.request_id AS id, "+
		"coalesce(l.seq, e.seq) AS seq, coalesce(l.at, e.at) AS at, e.decided, r.reference, r.metadata -- the same\n"+
		"FROM bursar_entry e LEFT JOIN bursar_request r ON r.book = e.book AND r.id=e.request_id "+
		"LEFT JOIN bursar_entry l ON l.entry = r.last_entry WHERE e.leg = 0 AND e.kind = 1")
	report, err = m.verifyFile(t, raw, path)
	if err != nil || !report.OK() || len(report.Warnings) != 1 ||
		!slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.Contains(w, "view bursar_transfers") }) {
		t.Errorf("%v%s, warnings %q", err, summary(&report), report.Warnings)
	}
}
