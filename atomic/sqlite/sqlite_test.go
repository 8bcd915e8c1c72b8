package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

func openPool(t *testing.T, path, pragmas string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)"+pragmas)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func openConn(t *testing.T, path, pragmas string) *sql.Conn {
	t.Helper()
	conn, err := openPool(t, path, pragmas).Conn(t.Context())
	if err != nil {
		t.Fatalf("conn: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func exec(t *testing.T, conn *sql.Conn, query string) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

const schema = `CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE CHECK (word <> '')) STRICT;
	CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) STRICT;
	CREATE TABLE uses (word INTEGER REFERENCES words) STRICT;
	CREATE TRIGGER no_stop BEFORE INSERT ON words WHEN new.word = 'stop' BEGIN SELECT RAISE(ROLLBACK, 'stop'); END;
	INSERT INTO words VALUES (1, 'one'); INSERT INTO pairs VALUES ('a', 'b')`

func TestRealErrorsAreClassified(t *testing.T) {
	t.Parallel()
	statement := func(kind atomic.Kind, code string) atomic.Class { return atomic.Class{Kind: kind, Code: code} }
	tests := []struct {
		name, query string
		want        atomic.Class
		active      bool
	}{
		{"unique", `INSERT INTO words VALUES (2, 'one')`, statement(atomic.KindUnique, "SQLITE_CONSTRAINT_UNIQUE"), true},
		{"rowid", `INSERT INTO words VALUES (1, 'two')`, statement(atomic.KindUnique, "SQLITE_CONSTRAINT_PRIMARYKEY"), true},
		{"primary key", `INSERT INTO pairs VALUES ('a', 'b')`,
			statement(atomic.KindUnique, "SQLITE_CONSTRAINT_PRIMARYKEY"), true},
		{"check", `INSERT INTO words VALUES (2, '')`, statement(atomic.KindConstraint, "SQLITE_CONSTRAINT(275)"), true},
		{"foreign key", `INSERT INTO uses VALUES (7)`, statement(atomic.KindConstraint, "SQLITE_CONSTRAINT(787)"), true},
		{
			"datatype", `INSERT INTO words VALUES (2, x'00')`,
			statement(atomic.KindConstraint, "SQLITE_CONSTRAINT(3091)"), true,
		},
		{"syntax", `SELEKT`, statement(atomic.KindStatement, "SQLITE_ERROR"), true},
		{"conflict clause", `INSERT OR ROLLBACK INTO words VALUES (1, 'two')`,
			statement(atomic.KindUnique, "SQLITE_CONSTRAINT_PRIMARYKEY"), false},
		{"trigger", `INSERT INTO words VALUES (3, 'stop')`,
			statement(atomic.KindConstraint, "SQLITE_CONSTRAINT(1811)"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := openConn(t, filepath.Join(t.TempDir(), "words.db"), "")
			exec(t, conn, schema)
			d := sqlite.Dialect{}
			if _, err := d.Begin(t.Context(), conn, atomic.Mode{}); err != nil {
				t.Fatalf("Begin: %v", err)
			}
			_, err := conn.ExecContext(t.Context(), tt.query)
			if diff := cmp.Diff(tt.want, d.Classify(fmt.Errorf("wrapped: %w", err))); diff != "" {
				t.Errorf("class of %v (-want +got):\n%s", err, diff)
			}
			// Twice, because asking must not change the answer.
			for range 2 {
				if state, err := d.State(t.Context(), conn); err != nil || (state == atomic.StateOpen) != tt.active {
					t.Errorf("State = %v, %v, want open: %v", state, err, tt.active)
				}
			}
		})
	}
}

type codeError int

func (e codeError) Error() string { return "injected" }
func (e codeError) Code() int     { return int(e) }

// fieldError is like an error of mattn/go-sqlite3, which has its codes in fields.
type fieldError struct{ Code, ExtendedCode int }

func (e fieldError) Error() string { return "injected" }

func TestCodesAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want atomic.Class
	}{
		{codeError(5), atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_BUSY"}},
		{fieldError{5, 261}, atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_BUSY_RECOVERY"}},
		{&fieldError{19, 2067}, atomic.Class{Kind: atomic.KindUnique, Code: "SQLITE_CONSTRAINT_UNIQUE"}},
		{errors.Join(io.EOF, fieldError{5, 517}),
			atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageAll, Code: "SQLITE_BUSY_SNAPSHOT"}},
		{(*fieldError)(nil), atomic.Class{}},
		{io.EOF, atomic.Class{}},
		{codeError(261), atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_BUSY_RECOVERY"}},
		{codeError(517), atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageAll, Code: "SQLITE_BUSY_SNAPSHOT"}},
		{codeError(773), atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_BUSY_TIMEOUT"}},
		{codeError(6), atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_LOCKED"}},
		{codeError(262), atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_LOCKED_SHAREDCACHE"}},
		{codeError(518), atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_LOCKED_VTAB"}},
		{codeError(15), atomic.Class{Kind: atomic.KindRetry, Code: "SQLITE_PROTOCOL"}},
		{codeError(10), atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "SQLITE_IOERR"}},
		{codeError(1034), atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "SQLITE_IOERR(1034)"}},
		{codeError(3850), atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "SQLITE_IOERR(3850)"}},
		{codeError(13), atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "SQLITE_FULL"}},
		{codeError(7), atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "SQLITE_NOMEM"}},
		{codeError(11), atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "SQLITE_CORRUPT"}},
		{codeError(9), atomic.Class{Kind: atomic.KindOther, Code: "SQLITE_INTERRUPT"}},
		{codeError(8), atomic.Class{Kind: atomic.KindStatement, Code: "SQLITE_READONLY"}},
		{codeError(2579), atomic.Class{Kind: atomic.KindUnique, Code: "SQLITE_CONSTRAINT_ROWID"}},
		{codeError(20), atomic.Class{Kind: atomic.KindStatement, Code: "20"}},
		{context.Canceled, atomic.Class{}},
		{errors.New("database is locked"), atomic.Class{}},
		{nil, atomic.Class{}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, (sqlite.Dialect{}).Classify(tt.err)); diff != "" {
			t.Errorf("class of %#v (-want +got):\n%s", tt.err, diff)
		}
	}
}

func TestAWriterHoldsTheWriteLockFromTheStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words.db")
	first, second := openConn(t, path, ""), openConn(t, path, "")
	exec(t, first, schema)
	d := sqlite.Dialect{}
	if _, err := d.Begin(t.Context(), first, atomic.Mode{}); err != nil {
		t.Fatalf("Begin: %v", err)
	}
	_, err := d.Begin(t.Context(), second, atomic.Mode{})
	if got := d.Classify(err); got.Kind != atomic.KindRetry {
		t.Errorf("a second writer: %v, class %+v, want a conflict", err, got)
	}
	if state, err := d.State(t.Context(), second); err != nil || state != atomic.StateNone {
		t.Errorf("State after the failed Begin = %v, %v, want none", state, err)
	}
	restore, err := d.Begin(t.Context(), second, atomic.Mode{ReadOnly: true})
	if err != nil || restore == "" {
		t.Errorf("a reader beside the writer: %q, %v, want a statement to restore the connection", restore, err)
	}
}

func TestACommittedAndARolledBackTransactionAreOver(t *testing.T) {
	t.Parallel()
	conn := openConn(t, filepath.Join(t.TempDir(), "words.db"), "")
	d := sqlite.Dialect{}
	for _, end := range []func(context.Context, *sql.Conn) error{d.Commit, d.Rollback} {
		if _, err := d.Begin(t.Context(), conn, atomic.Mode{}); err != nil {
			t.Fatalf("Begin: %v", err)
		}
		if err := end(t.Context(), conn); err != nil {
			t.Fatalf("end: %v", err)
		}
		if state, err := d.State(t.Context(), conn); err != nil || state != atomic.StateNone {
			t.Errorf("Active = %v, %v, want false", state, err)
		}
		if err := end(t.Context(), conn); err == nil {
			t.Error("ending twice succeeded")
		}
	}
}

func TestReadOnlyKeepsAReadersPragma(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words.db")
	for _, before := range []bool{false, true} {
		pool := openPool(t, path, fmt.Sprintf("&_pragma=query_only(%t)", before))
		pool.SetMaxOpenConns(1)
		db := atomic.Open(pool, sqlite.Dialect{}, nil)
		for _, end := range []error{nil, errors.New("refused")} {
			err := atomic.Do(t.Context(), db, func(context.Context, *atomic.Tx) error {
				return end
			}, &atomic.Options{ReadOnly: true})
			if !errors.Is(err, end) {
				t.Errorf("Do = %v, want %v", err, end)
			}
			var after bool
			if err := pool.QueryRowContext(t.Context(), `PRAGMA query_only`).Scan(&after); err != nil || after != before {
				t.Errorf("query_only = %v, %v, want %v as before", after, err, before)
			}
		}
	}
}

func TestEveryStandardIsolationLevelIsGranted(t *testing.T) {
	t.Parallel()
	conn := openConn(t, filepath.Join(t.TempDir(), "words.db"), "")
	d := sqlite.Dialect{}
	for level := sql.LevelDefault; level <= sql.LevelLinearizable; level++ {
		if _, err := d.Begin(t.Context(), conn, atomic.Mode{Isolation: level}); err != nil {
			t.Errorf("%v: %v", level, err)
			continue
		}
		exec(t, conn, "ROLLBACK")
	}
	for _, level := range []sql.IsolationLevel{-1, 8} {
		if _, err := d.Begin(t.Context(), conn, atomic.Mode{Isolation: level}); err == nil {
			t.Errorf("level %d was granted", level)
		}
	}
}
