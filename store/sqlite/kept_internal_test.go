package sqlite

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"path/filepath"
	"testing"

	modernc "modernc.org/sqlite"
)

// keptDB is a pool of one connection that keeps its statements, and that connection.
func keptDB(t *testing.T) (*sql.DB, func() *conn) {
	t.Helper()
	base, err := modernc.NewConnector(DSN(filepath.Join(t.TempDir(), "kept.db")))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector{base})
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	run(t, db, `CREATE TABLE words (n INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE)`)
	return db, func() (c *conn) {
		one, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		if err := one.Raw(func(driverConn any) error { c = driverConn.(*conn); return nil }); err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func run(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

const insertWord = `INSERT INTO words (n, word) VALUES (?, ?)`

func TestAStatementIsPreparedOnce(t *testing.T) {
	t.Parallel()
	db, raw := keptDB(t)
	for n := range 3 {
		run(t, db, insertWord, n, fmt.Sprint(n))
	}
	c := raw()
	first := c.kept[insertWord]
	if first == nil || len(c.kept) != 1 {
		t.Fatalf("%d statements are kept, want the insert alone", len(c.kept))
	}
	run(t, db, insertWord, 3, "3")
	if raw().kept[insertWord] != first {
		t.Error("the insert was prepared again")
	}
	var sum int
	if err := db.QueryRowContext(t.Context(), `SELECT sum(n) FROM words`).Scan(&sum); err != nil || sum != 6 {
		t.Errorf("the sum is %d, %v", sum, err)
	}
}

// TestTheSameQueryInsideItsOwnRows must not reset the outer one.
func TestTheSameQueryInsideItsOwnRows(t *testing.T) {
	t.Parallel()
	db, _ := keptDB(t)
	for n := range 4 {
		run(t, db, insertWord, n, fmt.Sprint(n))
	}
	one, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	var pairs int
	each(t, one, func() { each(t, one, func() { pairs++ }) })
	if pairs != 16 {
		t.Errorf("%d pairs of 4 rows, want 16", pairs)
	}
}

func each(t *testing.T, one *sql.Conn, fn func()) {
	t.Helper()
	rows, err := one.QueryContext(t.Context(), `SELECT n FROM words WHERE n >= ? ORDER BY n`, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		fn()
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

func TestAStatementThatFailsIsPreparedAgain(t *testing.T) {
	t.Parallel()
	db, raw := keptDB(t)
	run(t, db, insertWord, 1, "one")
	if _, err := db.ExecContext(t.Context(), insertWord, 2, "one"); err == nil {
		t.Fatal("a word twice was accepted")
	}
	if len(raw().kept) != 0 {
		t.Error("the statement that failed is still kept")
	}
	run(t, db, insertWord, 2, "two")
}

func TestASchemaThatChangesUnderAKeptStatement(t *testing.T) {
	t.Parallel()
	db, _ := keptDB(t)
	run(t, db, insertWord, 1, "one")
	const read = `SELECT * FROM words`
	for _, want := range []int{2, 3} {
		rows, err := db.QueryContext(t.Context(), read)
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		columns, err := rows.Columns()
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || len(columns) != want {
			t.Errorf("columns are %v, %v", columns, err)
		}
		run(t, db, `ALTER TABLE words ADD COLUMN language`+fmt.Sprint(want)+` TEXT`)
	}
}

func TestKeptStatementsAreBounded(t *testing.T) {
	t.Parallel()
	db, raw := keptDB(t)
	for n := range 2 * keptMax {
		run(t, db, fmt.Sprintf(`INSERT INTO words (n, word) VALUES (%d, 'w%d')`, n, n))
		run(t, db, insertWord, -n-1, fmt.Sprint(n))
	}
	c := raw()
	if len(c.kept) != keptMax || c.kept[insertWord] == nil {
		t.Errorf("%d statements are kept, want %d and the busiest among them", len(c.kept), keptMax)
	}
}

func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		insertWord:                   true,
		`SELECT 1`:                   true,
		`WITH a AS (SELECT 1) TABLE`: true,
		`BEGIN IMMEDIATE`:            false,
		`PRAGMA synchronous`:         false,
		`SELECT 1; SELECT 2`:         false,
		`CREATE TABLE t (a)`:         false,
	} {
		if got := keepable(query); got != want {
			t.Errorf("keepable(%q) is %v", query, got)
		}
	}
}

// bare is a connection without what database/sql may ask for.
type bare struct{ sqldriver.Conn }

func (bare) Connect(context.Context) (sqldriver.Conn, error) { return bare{}, nil }
func (bare) Driver() sqldriver.Driver                        { return nil }

func TestAnotherDriverIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := (connector{bare{}}).Connect(t.Context()); err == nil {
		t.Error("a connection without ExecContext was accepted")
	}
}
