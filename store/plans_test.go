package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// planner is a database with a journal whose plans can be read.
type planner struct {
	url     string
	db      *sql.DB
	binary  func(bursar.ID) string // a literal of an id
	idType  string
	analyze string
	merge   string // what a plan says that reads two indexes in order; empty where there is none
	// plan explains a query. whole is what it reads whole of the ledger's tables.
	plan func(t *testing.T, db *sql.DB, query string) (text string, whole []string)
	key  func(name string) string // what a plan says where an index of the document is used
}

func planners() map[string]func(testing.TB) planner {
	hex := func(id bursar.ID) string { return fmt.Sprintf("X'%X'", id[:]) }
	return map[string]func(testing.TB) planner{
		"sqlite": func(t testing.TB) planner {
			path := filepath.Join(t.TempDir(), "bursar.db")
			db, err := sql.Open("sqlite", sqlite.DSN(path))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return planner{"sqlite:" + path, db, hex, "BLOB", "ANALYZE", "MERGE (UNION ALL)", planSQLite, keySQLite}
		},
		"postgres": func(t testing.TB) planner {
			server := sqltest.Postgres(t)
			text := func(id bursar.ID) string { return "'" + id.String() + "'" }
			return planner{server.URL(), server.Open(t), text, "uuid", "ANALYZE", "Merge Append", planPostgres, keyPostgres}
		},
		"mariadb": func(t testing.TB) planner {
			server := sqltest.MariaDB(t)
			return planner{server.URL(), server.Open(t), hex, "BINARY(16)", "ANALYZE TABLE bursar_account, " +
				"bursar_balance, bursar_request, bursar_entry, orders", "", planMariaDB, keyMariaDB}
		},
	}
}

// textsOf is the rows of a query.
func textsOf(t *testing.T, db *sql.DB, query string) (lines [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		texts := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(columns))
		for i, text := range texts {
			line[i] = text.String
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// grows reports whether a name in a plan is what the document or a view calls a table that grows: entries, requests,
// accounts or balances.
func grows(name string) bool { return slices.Contains([]string{"e", "r", "a", "b", "f", "t"}, name) }

// wholeBookSQLite reads all entries of the first book, whose keys are below those of all others.
const wholeBookSQLite = "SEARCH e USING INTEGER PRIMARY KEY (rowid<?)"

func planSQLite(t *testing.T, db *sql.DB, query string) (text string, whole []string) {
	for _, line := range textsOf(t, db, "EXPLAIN QUERY PLAN "+query) {
		step := line[3]
		text += step + "\n"
		if name, scan := strings.CutPrefix(step, "SCAN "); scan && grows(strings.Fields(name)[0]) {
			whole = append(whole, step)
		}
		if step == wholeBookSQLite {
			whole = append(whole, step)
		}
	}
	return text, whole
}

func keySQLite(name string) string {
	switch {
	case name == "bursar_account_path":
		return "sqlite_autoindex_bursar_account_1"
	case strings.HasPrefix(name, "key of "):
		return "USING INTEGER PRIMARY KEY"
	}
	return name + " "
}

// wholePostgres leaves out accounts: a few hundred are read faster whole, and PostgreSQL knows that.
var wholePostgres = regexp.MustCompile(`Seq Scan on bursar_(entry|request)\b`)

// throughPostgres is a step that reads a table by an index. The condition of an index stands in one of the next lines.
var throughPostgres = regexp.MustCompile(`Index (Only )?Scan .*bursar_(entry|request|report)`)

func planPostgres(t *testing.T, db *sql.DB, query string) (text string, whole []string) {
	var steps []string
	for _, line := range textsOf(t, db, "EXPLAIN "+query) {
		steps = append(steps, line[0])
	}
	for i, step := range steps {
		unbounded := throughPostgres.MatchString(step) &&
			(i+1 == len(steps) || !strings.Contains(steps[i+1], "Index Cond"))
		if unbounded || wholePostgres.MatchString(step) {
			whole = append(whole, step)
		}
	}
	return strings.Join(steps, "\n"), whole
}

func keyPostgres(name string) string {
	if table, primary := strings.CutPrefix(name, "key of "); primary {
		return table + "_pkey "
	}
	return name + " "
}

func planMariaDB(t *testing.T, db *sql.DB, query string) (text string, whole []string) {
	for _, line := range textsOf(t, db, "EXPLAIN "+query) {
		text += strings.Join(line, " | ") + "\n"
		table, how := line[2], line[3]
		if slices.Contains([]string{"ALL", "index"}, how) && grows(table) {
			whole = append(whole, strings.Join(line, " | "))
		}
	}
	return text, whole
}

func keyMariaDB(name string) string {
	switch {
	case strings.HasPrefix(name, "key of "):
		return "| PRIMARY |"
	case name == "bursar_report_request":
		return "| bursar_entry_id |" // which has all legs there
	}
	return "| " + name + " |"
}
