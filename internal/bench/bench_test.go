package bench_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/bench"
	"github.com/bursar-ledger/bursar/internal/httpapi"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// place is a database that a run may work in, and a handle to look into it.
type place struct {
	url    string
	handle func(testing.TB) *sql.DB
	tables string // a query for the names of its tables
}

func placesOf() map[string]func(testing.TB) place {
	return map[string]func(testing.TB) place{
		"sqlite": func(t testing.TB) place {
			path := filepath.Join(t.TempDir(), "bursar.db")
			return place{"sqlite:" + path, func(t testing.TB) *sql.DB {
				db, err := sql.Open("sqlite", sqlite.DSN(path))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				return db
			}, "SELECT name FROM sqlite_schema WHERE type = 'table'"}
		},
		"postgres": func(t testing.TB) place {
			s := sqltest.Postgres(t)
			return place{s.URL(), func(t testing.TB) *sql.DB { return s.Open(t) }, "SELECT tablename FROM pg_tables"}
		},
		"mariadb": func(t testing.TB) place {
			s := sqltest.MariaDB(t)
			return place{s.URL(), func(t testing.TB) *sql.DB { return s.Open(t) },
				"SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"}
		},
	}
}

// tiny is a run of every subject in a few milliseconds.
func tiny(database string) *bench.Config {
	return &bench.Config{
		Database: database, Strategies: []string{"queue", "none", bench.SubjectIn},
		Workload: bench.Workload{Accounts: 20, Zipf: 0.9, Seed: 1}, Hot: []int{50}, Clients: []int{1, 3},
		Batch: 1, Time: 20 * time.Millisecond, Rounds: 2,
		Handler: func(l *ledger.Ledger) http.Handler { return httpapi.New(l, nil) },
	}
}

// migrated makes the schema, as somebody does before a server's database is measured.
func migrated(t *testing.T, url string) {
	t.Helper()
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Migrate(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestARunOnEveryEngine wants a row for every subject under every load, each with what was asked of it, and a ledger
// that has what was answered. The tables of the run are gone afterwards.
func TestARunOnEveryEngine(t *testing.T) {
	t.Parallel()
	for engine, find := range placesOf() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := find(t)
			migrated(t, p.url)
			r, err := bench.Run(t.Context(), tiny(p.url))
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, &r)
			checkVerified(t, &r)
			if r.Engine.Version == "" || len(r.Engine.Settings) < 4 || r.Machine.Cores < 1 || r.Interrupted {
				t.Errorf("%+v, %+v", r.Engine, r.Machine)
			}
			for _, name := range names(t, &p) {
				if strings.Contains(name, "bursar_bench") {
					t.Errorf("the table %s is still there", name)
				}
			}
		})
	}
}

func names(t *testing.T, p *place) (all []string) {
	t.Helper()
	rows, err := p.handle(t).QueryContext(t.Context(), p.tables)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil || len(all) == 0 {
		t.Fatalf("%d tables, %v", len(all), err)
	}
	return all
}

func checkRows(t *testing.T, r *bench.Report) {
	t.Helper()
	type load struct {
		subject      string
		clients, hot int
	}
	var got, want []load
	for i := range r.Rows {
		row := &r.Rows[i]
		l := load{row.Subject, row.Clients, row.Hot}
		if row.Subject == bench.SubjectTextbook {
			if !slices.Contains([]int{1, 4, 16}, row.Clients) || len(row.Tried) != 3 {
				t.Errorf("%+v", row)
			}
			l.clients = 0
		}
		got = append(got, l)
		if len(row.Rounds) != 2 || row.Rate.Min <= 0 || row.Rate.Min > row.Rate.Median || row.Rate.Median > row.Rate.Max ||
			row.Posted <= 0 || row.Open == nil || row.Open.Calls <= 0 || row.Open.P50 <= 0 || row.Closed.P50 <= 0 ||
			(row.Open.P99 > 0) != (row.Open.Calls >= 100) || (row.Open.P999 > 0) != (row.Open.Calls >= 1000) {
			t.Errorf("%+v", row)
		}
		if (row.ToTextbook > 0) == (row.Subject == bench.SubjectPlain) ||
			(row.ToPlain > 0) != (row.Subject == bench.SubjectHTTP) {
			t.Errorf("%s: to textbook %v, to plain %v", row.Subject, row.ToTextbook, row.ToPlain)
		}
	}
	for _, subject := range []string{"queue", "none", bench.SubjectHTTP, bench.SubjectPlain} {
		want = append(want, load{subject, 1, 50}, load{subject, 3, 50})
	}
	for _, clients := range []int{1, 3, 16} {
		want = append(want, load{bench.SubjectIn, clients, 50})
	}
	want = append(want, load{bench.SubjectTextbook, 0, 50})
	if !slices.Equal(got, want) {
		t.Errorf("the rows are of\n%v, want\n%v", got, want)
	}
}

// checkVerified wants every book sound, with exactly the transfers that the rows say.
func checkVerified(t *testing.T, r *bench.Report) {
	t.Helper()
	posted := map[string]int64{}
	for i := range r.Rows {
		posted[r.Rows[i].Subject] += r.Rows[i].Posted
	}
	books := map[string]string{"queue": "queue", "none": "none", "http-queue": bench.SubjectHTTP, "in": bench.SubjectIn}
	if len(r.Verified) != len(books) {
		t.Errorf("%d books were verified, want %d", len(r.Verified), len(books))
	}
	for _, v := range r.Verified {
		if want := posted[books[v.Subject]]; !v.OK || v.Posted != want || v.Entries != want+20 || v.Accounts != 20 {
			t.Errorf("%+v, want %d transfers between 20 accounts", v, want)
		}
	}
}

// TestBatchesAndGrowth posts batches, also over HTTP, and grows a ledger to a size that is no multiple of a batch.
func TestBatchesAndGrowth(t *testing.T) {
	t.Parallel()
	c := tiny("")
	c.Strategies, c.Batch, c.Clients, c.Rounds, c.Growth = []string{"queue"}, 7, []int{2}, 1, 1234
	r, err := bench.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if batched := row.Batch == 7; batched != (row.Subject != bench.SubjectIn && row.Subject != bench.SubjectTextbook) ||
			batched && row.Posted%7 != 0 {
			t.Errorf("%s: %d transfers in batches of %d", row.Subject, row.Posted, row.Batch)
		}
	}
	if len(r.Growth) != 1 {
		t.Fatalf("%d marks, want 1", len(r.Growth))
	}
	if m := r.Growth[0]; m.Transfers != 1234 || m.Over != 1234 || m.Rate <= 0 || m.Balance.P50 <= 0 ||
		m.Statement.P50 <= 0 || m.Bytes <= 0 {
		t.Errorf("%+v", m)
	}
	i := slices.IndexFunc(r.Verified, func(v bench.Verified) bool { return v.Subject == "growth" })
	if i < 0 || r.Verified[i].Posted != 1234 || r.Verified[i].Entries != 1254 {
		t.Errorf("verified %+v", r.Verified)
	}
}

// TestAnInterruptKeepsWhatWasMeasured ends a run in its second round. Its files, tables and rounds are as they should.
func TestAnInterruptKeepsWhatWasMeasured(t *testing.T) {
	for engine, find := range placesOf() {
		t.Run(engine, func(t *testing.T) {
			p := find(t)
			migrated(t, p.url)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := tiny(p.url)
			c.Handler, c.Rounds, c.Strategies = nil, 1000, []string{"queue"}
			c.Progress = func(what string, _, _ int) {
				if strings.HasPrefix(what, "round 2 ") {
					cancel()
				}
			}
			r, err := bench.Run(ctx, c)
			if err != nil || !r.Interrupted || len(r.Verified) > 0 {
				t.Errorf("%v, interrupted %v, verified %v", err, r.Interrupted, r.Verified)
			}
			if len(r.Rows) == 0 {
				t.Error("there are no rows")
			}
			for i := range r.Rows {
				if row := &r.Rows[i]; len(row.Rounds) != 1 || row.Rate.Median <= 0 || row.Open != nil {
					t.Errorf("%+v", row)
				}
			}
			for _, name := range names(t, &p) {
				if strings.Contains(name, "bursar_bench") {
					t.Errorf("the table %s is still there", name)
				}
			}
		})
	}
}

// TestATemporaryFolderIsRemoved also after an interrupt before anything was measured.
func TestATemporaryFolderIsRemoved(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := tiny("")
	c.Workload.Accounts = 5000
	c.Progress = func(what string, _, _ int) {
		if strings.Contains(what, "1000 of") {
			cancel()
		}
	}
	r, err := bench.Run(ctx, c)
	if err != nil || !r.Interrupted || len(r.Rows) > 0 {
		t.Errorf("%v, %+v", err, r)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestOtherBooksStayAsTheyAre runs twice beside a ledger that somebody uses.
func TestOtherBooksStayAsTheyAre(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	before, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	books := map[string]bool{}
	for range 2 {
		c := tiny("sqlite:" + path)
		c.Handler, c.Rounds, c.Clients = nil, 1, []int{1}
		r, err := bench.Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, book := range r.Setup.Books {
			books[book] = true
		}
	}
	after, err := l.Head(t.Context())
	if err != nil || after != before {
		t.Errorf("the head of main went from %v to %v, %v", before, after, err)
	}
	if len(books) != 6 {
		t.Errorf("two runs made the books %v, want three each", books)
	}
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bench.Config)
		code   bursar.Code
	}{
		"an unknown strategy": {func(c *bench.Config) { c.Strategies = []string{"hope"} }, bursar.CodeMalformed},
		"no strategy":         {func(c *bench.Config) { c.Strategies = nil }, bursar.CodeMalformed},
		"one account":         {func(c *bench.Config) { c.Workload.Accounts = 1 }, bursar.CodeMalformed},
		"a negative exponent": {func(c *bench.Config) { c.Workload.Zipf = -1 }, bursar.CodeMalformed},
		"no client":           {func(c *bench.Config) { c.Clients = []int{4, 0} }, bursar.CodeMalformed},
		"more than a queue": {func(c *bench.Config) {
			c.Clients, c.Batch, c.Handler = []int{9}, 8190, nil
		}, bursar.CodeMalformed},
		"more than a server":     {func(c *bench.Config) { c.Clients = []int{1025} }, bursar.CodeMalformed},
		"more batches than that": {func(c *bench.Config) { c.Clients, c.Batch = []int{17}, 2 }, bursar.CodeMalformed},
		"too hot":                {func(c *bench.Config) { c.Hot = []int{101} }, bursar.CodeMalformed},
		"no time":                {func(c *bench.Config) { c.Time = 0 }, bursar.CodeMalformed},
		"an untried engine": {func(c *bench.Config) {
			c.Database = "cockroach://root@localhost/db"
		}, bursar.CodeUnsupported},
	} {
		config := tiny("")
		c.change(config)
		if _, err := bench.Run(t.Context(), config); bursar.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if err := tiny("").Check(); err != nil {
		t.Error(err)
	}
}
