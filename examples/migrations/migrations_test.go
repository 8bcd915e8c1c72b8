package migrations_test

import (
	"context"
	"database/sql"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratemysql "github.com/golang-migrate/migrate/v4/database/mysql"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	migratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// place is an empty database of one engine.
type place struct {
	url  string
	open func(t *testing.T) *sql.DB // another handle, for a tool that may close it
	// goose and driver are what the tools call the engine. table keeps the versions that golang-migrate applied.
	goose  goose.Dialect
	driver func(db *sql.DB, table string) (database.Driver, error)
	atlas  atlasDriver
}

func places() map[string]func(*testing.T) place {
	return map[string]func(*testing.T) place{"sqlite": onSQLite, "postgres": onPostgres, "mariadb": onMariaDB}
}

func onSQLite(t *testing.T) place {
	path := filepath.Join(t.TempDir(), "app.db")
	open := func(t *testing.T) *sql.DB {
		db, err := sql.Open("sqlite", sqlite.DSN(path))
		must(t, err)
		t.Cleanup(func() { db.Close() })
		return db
	}
	driver := func(db *sql.DB, table string) (database.Driver, error) {
		return migratesqlite.WithInstance(db, &migratesqlite.Config{MigrationsTable: table})
	}
	return place{"sqlite:" + path, open, goose.DialectSQLite3, driver, atlasSQLite}
}

func onPostgres(t *testing.T) place {
	server := sqltest.Postgres(t)
	driver := func(db *sql.DB, table string) (database.Driver, error) {
		return migratepgx.WithInstance(db, &migratepgx.Config{MigrationsTable: table})
	}
	open := func(t *testing.T) *sql.DB { return server.Open(t) }
	return place{server.URL(), open, goose.DialectPostgres, driver, atlasPostgres}
}

func onMariaDB(t *testing.T) place {
	server := sqltest.MariaDB(t)
	driver := func(db *sql.DB, table string) (database.Driver, error) {
		return migratemysql.WithInstance(db, &migratemysql.Config{MigrationsTable: table})
	}
	// golang-migrate sends a file in one piece.
	open := func(t *testing.T) *sql.DB { return server.Open(t, "multiStatements=true", "parseTime=true") }
	return place{server.URL(), open, goose.DialectMySQL, driver, atlasMySQL}
}

// users is the first migration of the application, named as goose and golang-migrate want it.
func users(name string) fs.FS {
	return fstest.MapFS{name: {Data: []byte("-- +goose Up\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n")}}
}

func schema(t *testing.T, url string) fs.FS {
	t.Helper()
	files, err := store.Migrations(url)
	must(t, err)
	return files
}

func reports(t *testing.T, url string) fs.FS {
	t.Helper()
	files, err := store.ReportIndexes(url)
	must(t, err)
	return files
}

func TestGoose(t *testing.T) {
	t.Parallel()
	for engine, begin := range places() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			db := p.open(t)
			for _, want := range []int{1, 0} {
				wantApplied(t, p, db, users("0001_users.sql"), want)
				wantApplied(t, p, db, schema(t, p.url), want, goose.WithTableName("bursar_goose"))
			}
			wantApplied(t, p, db, reports(t, p.url), 4, goose.WithTableName("bursar_goose_reports"))
			wantLedger(t, p)
		})
	}
}

// TestOneTableForBothAppliesNothing is why the ledger's files need a table of versions of their own.
func TestOneTableForBothAppliesNothing(t *testing.T) {
	t.Parallel()
	p := onSQLite(t)
	db := p.open(t)
	wantApplied(t, p, db, users("0001_users.sql"), 1)
	wantApplied(t, p, db, schema(t, p.url), 0)
	s, err := store.Open(p.url)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	if _, err := ledger.New(t.Context(), s, nil); bursar.CodeOf(err) != bursar.CodeSchemaBehind {
		t.Errorf("a schema that goose has left out: %v, want schema_behind", err)
	}
}

// wantApplied runs goose over a folder.
func wantApplied(t *testing.T, p place, db *sql.DB, files fs.FS, want int, o ...goose.ProviderOption) {
	t.Helper()
	tool, err := goose.NewProvider(p.goose, db, files, o...)
	must(t, err)
	applied, err := tool.Up(t.Context())
	must(t, err)
	if len(applied) != want {
		t.Errorf("goose applied %d files, want %d", len(applied), want)
	}
}

func TestGolangMigrate(t *testing.T) {
	t.Parallel()
	for engine, begin := range places() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			up := func(files fs.FS, table string, want error) {
				t.Helper()
				source, err := iofs.New(files, ".")
				must(t, err)
				driver, err := p.driver(p.open(t), table)
				must(t, err)
				tool, err := migrate.NewWithInstance("iofs", source, engine, driver)
				must(t, err)
				if err := tool.Up(); err != want {
					t.Errorf("golang-migrate with %s: %v, want %v", table, err, want)
				}
				sourceErr, err := tool.Close()
				must(t, sourceErr)
				must(t, err)
			}
			for _, want := range []error{nil, migrate.ErrNoChange} {
				up(users("0001_users.up.sql"), "", want)
				up(schema(t, p.url), "bursar_migrate", want)
			}
			up(reports(t, p.url), "bursar_migrate_reports", nil)
			wantLedger(t, p)
		})
	}
}

// wantLedger uses the database as an application does whose tool has migrated it.
func wantLedger(t *testing.T, p place) {
	t.Helper()
	db := p.open(t)
	_, err := db.ExecContext(t.Context(), "INSERT INTO users (id) VALUES (7)")
	must(t, err)
	s, err := store.Open(p.url)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	if _, err := ledger.New(t.Context(), s, nil); bursar.CodeOf(err) != bursar.CodeBookNotFound {
		t.Fatalf("a schema without a book: %v, want book_not_found", err)
	}
	program := build(t, p.url)
	wantMigrated(t, program, db) // makes the book, and nothing else
	l, err := ledger.New(t.Context(), s, nil)
	must(t, err)
	t.Cleanup(func() {
		if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	usd := money.USD{}.Currency()
	for _, o := range []bursar.Opening{{Path: "world", Currency: usd, NoMin: true}, {Path: "users:7", Currency: usd}} {
		_, err := l.OpenAccount(t.Context(), o)
		must(t, err)
	}
	_, err = l.Post(t.Context(), bursar.Transfer{Legs: []bursar.Leg{
		{From: "world", To: "users:7", Amount: money.MustParse("5.00 USD")},
	}})
	must(t, err)
	_, err = l.Seal(t.Context())
	must(t, err)
	report, err := verify.Run(t.Context(), s, l.Book(), nil)
	must(t, err)
	must(t, report.Err())
	if made, err := s.IndexReports(t.Context()); err != nil || len(made) != 0 {
		t.Errorf("the tool has left out %q, %v", made, err)
	}
	must(t, s.Migrate(t.Context()))
	wantMigrated(t, program, db)
	if out := program.run(t, "verify"); !strings.Contains(out, "ok") {
		t.Errorf("bursar verify prints\n%s", out)
	}
}

var versions = regexp.MustCompile(`(?m)^from +(\d+)\nto +(\d+)$`)

// wantMigrated has bursar migrate find nothing to do.
func wantMigrated(t *testing.T, program bursarOver, db *sql.DB) {
	t.Helper()
	recorded := func() (n int, stamped sql.NullString) {
		const query = "SELECT count(*), max(checksum) FROM bursar_migration"
		must(t, db.QueryRowContext(t.Context(), query).Scan(&n, &stamped))
		return n, stamped
	}
	before, _ := recorded()
	out := program.run(t, "migrate")
	if v := versions.FindStringSubmatch(out); v == nil || v[1] != v[2] {
		t.Errorf("bursar migrate prints\n%s", out)
	}
	if after, stamped := recorded(); after != before || stamped.Valid {
		t.Errorf("bursar migrate has changed %d recorded migrations into %d, with the checksum %v", before, after, stamped)
	}
}

// bursarOver is the program, built from this source, over a database.
type bursarOver struct{ bin, url string }

func build(t *testing.T, url string) bursarOver {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "bursar")
	tool := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/bursar")
	tool.Dir = filepath.Join("..", "..")
	if out, err := tool.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bursarOver{bin, url}
}

func (b bursarOver) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), b.bin, append([]string{"--db", b.url}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("bursar %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
