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

// replacements delete rows without firing a delete trigger, unless the schema sees to it.
var replacements = []string{
	`INSERT OR REPLACE INTO bursar_entry SELECT * FROM bursar_entry WHERE seq = 4`,
	`REPLACE INTO bursar_entry SELECT * FROM bursar_entry`,
	`INSERT OR REPLACE INTO bursar_entry (entry, book, seq, at, hash, kind, request_id, leg, request_hash, to_account,
			amount, to_version, to_balance, decided)
		SELECT 9999, book, seq, at, hash, kind, request_id, leg, request_hash, to_account, amount + 1, to_version,
				to_balance, decided FROM bursar_entry WHERE seq = 4`,
	`INSERT OR REPLACE INTO bursar_request SELECT * FROM bursar_request`,
	`INSERT OR REPLACE INTO bursar_request (book, id, content, decided, refusal)
			SELECT book, id, content, decided, 'x' FROM bursar_request`,
	`UPDATE OR REPLACE bursar_entry SET seq = seq + 1`,
	`UPDATE OR REPLACE bursar_entry SET entry = entry + 1`,
	`UPDATE OR REPLACE bursar_request SET request = request + 1`,
	`INSERT INTO bursar_entry SELECT * FROM bursar_entry WHERE true ON CONFLICT DO UPDATE SET amount = 7`,
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

// TestAnEntryIsSealedOnce inserts an entry without a position, which other engines have, and changes each column of it
// while sealing it: sealing alone is allowed.
func TestAnEntryIsSealedOnce(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	db.SetMaxOpenConns(1) // which keeps the temporary table
	startLedger(t, sqlite.New(db))
	exec := func(statement string) error {
		_, err := db.ExecContext(t.Context(), statement)
		return err
	}
	for _, statement := range []string{
		"CREATE TEMP TABLE copy AS SELECT * FROM bursar_entry WHERE seq = 4",
		"UPDATE copy SET entry = 1000, seq = NULL, at = NULL, hash = NULL",
		"INSERT INTO bursar_entry SELECT * FROM copy",
	} {
		if err := exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	const seal = "UPDATE bursar_entry SET seq = 6, at = 1, hash = request_hash"
	const here = " WHERE entry = 1000"
	columns := []string{"entry", "book", "kind", "request_id", "leg", "request_hash", "from_account", "to_account",
		"amount", "amount_hi",
		"from_version", "from_balance", "from_balance_hi", "from_held", "from_held_hi", "to_version", "to_balance",
		"to_balance_hi",
		"to_held", "to_held_hi", "from_prev", "to_prev", "effective", "decided"}
	var count int
	if err := db.QueryRowContext(
		t.Context(), "SELECT count(*) FROM pragma_table_info('bursar_entry')",
	).Scan(&count); err != nil || count != len(columns)+3 {
		t.Fatalf("the journal has %d columns, this test knows %d: %v", count, len(columns)+3, err)
	}
	for _, column := range columns {
		value := "coalesce(" + column + ", 0) + 1"
		if strings.HasPrefix(column, "request") {
			value = "randomblob(length(" + column + "))"
		}
		for _, what := range []string{
			seal + ", " + column + " = " + value, "UPDATE bursar_entry SET " + column + " = " + value,
		} {
			if err := exec(what + here); err == nil || !strings.Contains(err.Error(), "bursar: ") {
				t.Errorf("%s: %v, want a refusal by the schema", what, err)
			}
		}
	}
	if err := exec(seal + here); err != nil {
		t.Errorf("sealing: %v", err)
	}
	if err := exec(seal + here); err == nil {
		t.Error("an entry was sealed twice")
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
