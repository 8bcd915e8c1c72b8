package sqlite_test

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// facts are the columns of an entry that are stored.
const facts = `entry, at, hash, kind, request_id, leg, from_account, to_account, amount, amount_hi, from_version,
	from_balance, from_balance_hi, from_held, from_held_hi, to_version, to_balance, to_balance_hi, to_held, to_held_hi,
	from_prev, to_prev, effective, lag`

// replacements delete rows without firing a delete trigger, unless the schema sees to it.
var replacements = []string{
	`INSERT OR REPLACE INTO bursar_entry (` + facts + `) SELECT ` + facts + ` FROM bursar_entry WHERE seq = 4`,
	`REPLACE INTO bursar_entry (` + facts + `) SELECT ` + facts + ` FROM bursar_entry`,
	`INSERT OR REPLACE INTO bursar_entry (entry, at, hash, kind, request_id, leg, to_account,
			amount, to_version, to_balance, lag)
		SELECT 9999, at, hash, kind, request_id, leg, to_account, amount + 1, to_version,
				to_balance, lag FROM bursar_entry WHERE seq = 4`,
	`INSERT INTO bursar_entry (entry, at, hash, kind, request_id, leg, to_account, amount, to_version, to_balance, lag)
		SELECT 9999, at, hash, 1, (SELECT id FROM bursar_request), 0, to_account, 1, 9, 0, 0
			FROM bursar_entry WHERE seq = 4`,
	`INSERT INTO bursar_request (book, id, content, decided, refusal)
		SELECT book, request_id, hash, decided, 'too_late' FROM bursar_entry WHERE seq = 4`,
	`INSERT OR REPLACE INTO bursar_request SELECT * FROM bursar_request`,
	`INSERT OR REPLACE INTO bursar_request (book, id, content, decided, refusal)
			SELECT book, id, content, decided, 'x' FROM bursar_request`,
	`UPDATE OR REPLACE bursar_entry SET entry = entry + 1`,
	`UPDATE OR REPLACE bursar_request SET request = request + 1`,
	`INSERT INTO bursar_entry (` + facts + `) SELECT ` + facts + ` FROM bursar_entry WHERE true
		ON CONFLICT DO UPDATE SET amount = 7`,
	`INSERT INTO bursar_request SELECT * FROM bursar_request WHERE true ON CONFLICT DO UPDATE SET reference = 'x'`,
	`INSERT INTO bursar_request SELECT * FROM bursar_request WHERE true ON CONFLICT DO NOTHING`,
	`INSERT OR REPLACE INTO bursar_account SELECT * FROM bursar_account`,
	`REPLACE INTO bursar_account (account, book, path, currency, scale, opened)
			SELECT 99, book, path, 'JPY', 0, opened FROM bursar_account`,
	`UPDATE bursar_book SET uuid = zeroblob(16)`,
}

func TestRowsAreNeverReplaced(t *testing.T) {
	t.Parallel()
	for _, recursive := range []string{"0", "1"} {
		db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db"))+"&_pragma=recursive_triggers("+recursive+")")
		l := startLedger(t, sqlite.New(db))
		before, err := l.Journal(t.Context(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range replacements {
			if _, err := db.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "bursar: ") {
				t.Errorf("%s: %v, want a refusal by the schema", statement, err)
			}
		}
		after, err := l.Journal(t.Context(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the journal was changed (-before +after):\n%s", diff)
		}
	}
}

// TestAnEntryIsNeverChanged changes each column of an entry.
func TestAnEntryIsNeverChanged(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	startLedger(t, sqlite.New(db))
	columns := strings.Split(strings.NewReplacer("\n", "", "\t", "", " ", "").Replace(facts), ",")
	var count int
	if err := db.QueryRowContext(
		t.Context(), "SELECT count(*) FROM pragma_table_info('bursar_entry')",
	).Scan(&count); err != nil || count != len(columns) {
		t.Fatalf("the journal has %d columns, this test knows %d: %v", count, len(columns), err)
	}
	for _, column := range columns {
		value := "coalesce(" + column + ", 0) + 1"
		if column == "hash" || column == "request_id" {
			value = "randomblob(length(" + column + "))"
		}
		for _, value := range []string{column, value} {
			update := "UPDATE bursar_entry SET " + column + " = " + value + " WHERE seq = 4"
			if _, err := db.ExecContext(t.Context(), update); err == nil || !strings.Contains(err.Error(), "bursar: ") {
				t.Errorf("%s: %v, want a refusal by the schema", update, err)
			}
		}
	}
}

// TestMigrationsWithAnotherTool applies the files as a tool such as goose does.
func TestMigrationsWithAnotherTool(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	files, err := fs.Glob(sqlite.Migrations(), "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("migrations: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(sqlite.Migrations(), file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	store := sqlite.New(db)
	if have, want, err := store.Schema(t.Context()); err != nil || have != want || have != len(files) {
		t.Fatalf("schema %d of %d, %v; want %d", have, want, err, len(files))
	}
	if _, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true}); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantBalance(t, startLedger(t, store), "users:1", "100.00 USD")
}

// TestTheSchemaIsTheSameEitherWay compares what Migrate makes with what the files make.
func TestTheSchemaIsTheSameEitherWay(t *testing.T) {
	t.Parallel()
	schema := func(db *sql.DB) (text string) {
		const all = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema " +
			"WHERE name LIKE '%bursar%' ORDER BY type, name)"
		if err := db.QueryRowContext(t.Context(), all).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	migrated := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	if err := sqlite.New(migrated).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	plain := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	err := fs.WalkDir(sqlite.Migrations(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(sqlite.Migrations(), path)
		if err == nil {
			_, err = plain.ExecContext(t.Context(), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(schema(migrated), schema(plain)); diff != "" {
		t.Errorf("schemas (-Migrate +files):\n%s", diff)
	}
}
