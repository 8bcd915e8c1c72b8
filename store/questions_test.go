package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// question is a query of docs/schema.md with what stands above it.
type question struct {
	title string
	keys  []string // the indexes that must be used; "key of T" is T's primary key
	query string
	extra bool // it needs the indexes for reports
	// merged says that PostgreSQL and SQLite read two indexes in order, so that a limit ends the reading.
	merged bool
}

var (
	sectionForm = regexp.MustCompile("(?s)## Questions and their indexes\n(.*?)\n## ")
	keyForm     = regexp.MustCompile("(key of )?`(bursar_[a-z_]+)`")
)

// questions reads the document.
func questions(t *testing.T) (all []question) {
	t.Helper()
	text, err := os.ReadFile("../docs/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	section := sectionForm.FindStringSubmatch(string(text))
	if section == nil {
		t.Fatal("docs/schema.md has no section of questions")
	}
	own, reports, _ := strings.Cut(section[1], "### With the indexes for reports")
	return append(read(t, own, false), read(t, reports, true)...)
}

// read finds what stands in "title: indexes. More.", a paragraph, and then a query.
func read(t *testing.T, part string, extra bool) (all []question) {
	t.Helper()
	before := ""
	for paragraph := range strings.SplitSeq(part, "\n\n") {
		query, fenced := strings.CutPrefix(strings.TrimSpace(paragraph), "```sql\n")
		if !fenced {
			before = strings.ReplaceAll(paragraph, "\n", " ")
			continue
		}
		title, rest, _ := strings.Cut(before, ": ")
		keys, _, _ := strings.Cut(rest, ". ")
		q := question{title: title, query: strings.TrimSpace(strings.TrimSuffix(query, "```")), extra: extra}
		q.merged = strings.Contains(before, "merge the two")
		for _, k := range keyForm.FindAllStringSubmatch(keys, -1) {
			q.keys = append(q.keys, k[1]+k[2])
		}
		if len(q.keys) == 0 {
			t.Fatalf("no index stands above %s", query)
		}
		all = append(all, q)
	}
	if len(all) == 0 {
		t.Fatal("docs/schema.md has no questions")
	}
	return all
}

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

func planners() map[string]func(*testing.T) planner {
	hex := func(id bursar.ID) string { return fmt.Sprintf("X'%X'", id[:]) }
	return map[string]func(*testing.T) planner{
		"sqlite": func(t *testing.T) planner {
			path := filepath.Join(t.TempDir(), "bursar.db")
			db, err := sql.Open("sqlite", sqlite.DSN(path))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return planner{"sqlite:" + path, db, hex, "BLOB", "ANALYZE", "MERGE (UNION ALL)", planSQLite, keySQLite}
		},
		"postgres": func(t *testing.T) planner {
			server := sqltest.Postgres(t)
			text := func(id bursar.ID) string { return "'" + id.String() + "'" }
			return planner{server.URL(), server.Open(t), text, "uuid", "ANALYZE", "Merge Append", planPostgres, keyPostgres}
		},
		"mariadb": func(t *testing.T) planner {
			server := sqltest.MariaDB(t)
			return planner{server.URL(), server.Open(t), hex, "BINARY(16)", "ANALYZE TABLE bursar_account, " +
				"bursar_balance, bursar_request, bursar_entry, orders", "", planMariaDB, keyMariaDB}
		},
	}
}

const (
	batches   = 20
	perBatch  = 1000
	customers = 400
	shops     = 16
)

// TestQuestionsHaveIndexes runs the queries of docs/schema.md and reads their plans.
func TestQuestionsHaveIndexes(t *testing.T) {
	t.Parallel()
	for engine, begin := range planners() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			s, err := store.Open(p.url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			values := p.fill(t, s)
			for _, q := range questions(t) {
				if q.extra {
					_, whole := p.plan(t, p.db, values.Replace(q.query))
					if len(whole) == 0 {
						t.Errorf("without the indexes for reports %q reads nothing whole: does it need them?", q.title)
					}
				}
			}
			if _, err := s.IndexReports(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.exec(t, p.analyze)
			for _, q := range questions(t) {
				t.Run(q.title, func(t *testing.T) { p.check(t, q, values.Replace(q.query)) })
			}
		})
	}
}

func (p *planner) check(t *testing.T, q question, query string) {
	plan, whole := p.plan(t, p.db, query)
	t.Logf("%s\n\n%s", query, plan)
	if len(whole) > 0 {
		t.Errorf("it reads a table whole: %q", whole)
	}
	for _, key := range q.keys {
		if !strings.Contains(plan, p.key(key)) {
			t.Errorf("it does not use %s, which plans call %q", key, p.key(key))
		}
	}
	if q.merged && p.merge != "" && !strings.Contains(plan, p.merge) {
		t.Errorf("it has no %q", p.merge)
	}
	rows, err := p.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Errorf("it finds nothing: %v", rows.Err())
	}
}

func (p *planner) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := p.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// fill posts a journal and makes a table of the application's, and returns what stands for the parameters of the
// document.
func (p *planner) fill(t *testing.T, s store.Store) *strings.Replacer {
	t.Helper()
	l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}, SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	for n := range customers {
		openFor(t, l, customer(n))
	}
	for n := range shops {
		openFor(t, l, fmt.Sprintf("shops:%d", n))
	}
	for b := range batches {
		results, err := l.PostBatch(t.Context(), sales(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	if _, err := l.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := sales(batches - 1)[0].ID
	p.exec(t, "CREATE TABLE orders (id INTEGER PRIMARY KEY, transfer_id "+p.idType+", paid BIGINT)")
	p.exec(t, "INSERT INTO orders VALUES (1, "+p.binary(id)+", 10), (2, "+p.binary(bursar.IDOf("sale", "lost"))+", 10)")
	p.exec(t, p.analyze)
	head, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := func(seq int64) (at string) {
		const query = "SELECT at FROM bursar_entry WHERE seq = "
		if err := p.db.QueryRowContext(t.Context(), fmt.Sprint(query, seq)).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	var shop string
	if err := p.db.QueryRowContext(t.Context(),
		"SELECT account FROM bursar_account WHERE path = 'shops:1'").Scan(&shop); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(
		"o.paid >= :since", "o.paid >= 10", ":book", "1", ":account", shop, ":path", "'"+customer(7)+"'",
		":id", p.binary(id), ":reference", "'order:7'", ":after", "19000",
		":since", at(head.Seq-60), ":until", at(head.Seq-10), ":first", at(1), ":last", at(head.Seq),
	)
}

func customer(n int) string { return fmt.Sprintf("users:%d", n%customers) }

func openFor(t *testing.T, l *ledger.Ledger, path string) {
	t.Helper()
	o := bursar.Opening{Path: path, Currency: money.USD{}.Currency(), NoMin: true}
	if _, err := l.OpenAccount(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// sales is a batch of transfers with two legs. One in ten has a reference, one in a hundred an effective time.
func sales(batch int) []bursar.Transfer {
	all := make([]bursar.Transfer, perBatch)
	for i := range all {
		n := batch*perBatch + i
		all[i] = bursar.Transfer{ID: bursar.IDOf("sale", n), Legs: []bursar.Leg{
			{From: customer(n), To: customer(n*7 + 3), Amount: money.MustParse("1.25 USD")},
			{From: customer(n*7 + 3), To: fmt.Sprintf("shops:%d", n%shops), Amount: money.MustParse("0.25 USD")},
		}}
		if n%10 == 7 {
			all[i].Reference = fmt.Sprintf("order:%d", n)
		}
		if n%100 == 1 {
			all[i].Effective = time.Date(2026, time.January, 1, 0, 0, 0, n, time.UTC)
		}
	}
	return all
}

// explained is the rows of an EXPLAIN.
func explained(t *testing.T, db *sql.DB, query string) (lines [][]string) {
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

func planSQLite(t *testing.T, db *sql.DB, query string) (text string, whole []string) {
	for _, line := range explained(t, db, "EXPLAIN QUERY PLAN "+query) {
		step := line[3]
		text += step + "\n"
		if name, scan := strings.CutPrefix(step, "SCAN "); scan && grows(strings.Fields(name)[0]) {
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
	for _, line := range explained(t, db, "EXPLAIN "+query) {
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
	for _, line := range explained(t, db, "EXPLAIN "+query) {
		text += strings.Join(line, " | ") + "\n"
		table, how := line[2], line[3]
		if slices.Contains([]string{"ALL", "index"}, how) && grows(table) {
			whole = append(whole, strings.Join(line, " | "))
		}
	}
	return text, whole
}

func keyMariaDB(name string) string {
	if strings.HasPrefix(name, "key of ") {
		return "| PRIMARY |"
	}
	return "| " + name + " |"
}
