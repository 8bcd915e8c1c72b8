package atomic_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	modernc "modernc.org/sqlite"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/internal/clock"
)

const (
	pragmasDurable = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	pragmasUsual   = pragmasDurable + "&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	// Without a busy timeout a conflict is seen at once, so a test can order events by itself.
	pragmasNoWait = pragmasDurable + "&_pragma=busy_timeout(0)"
)

// A fixture is a database file with one table of words and a handle on it. Its driver injects faults.
type fixture struct {
	*atomic.DB
	t      testing.TB
	dsn    string
	pool   *sql.DB
	faults *faults
	clock  *stepClock

	mu      sync.Mutex
	retried []string
}

func newFixture(t testing.TB, pragmas string) *fixture {
	return newFixtureOf(t, pragmas, sqlite.Dialect{})
}

func newFixtureOf(t testing.TB, pragmas string, d atomic.Dialect) *fixture {
	t.Helper()
	f := &fixture{
		t: t, dsn: "file:" + filepath.Join(t.TempDir(), "words.db") + pragmas, faults: &faults{},
		clock: &stepClock{Fake: clock.NewFake(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))},
	}
	f.pool = sql.OpenDB(&connector{dsn: f.dsn, faults: f.faults})
	t.Cleanup(func() {
		if err := f.pool.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	f.exec(`CREATE TABLE words (word TEXT PRIMARY KEY) STRICT`)
	f.DB = atomic.Open(f.pool, d, &atomic.OpenOptions{
		Clock:   f.clock,
		Rand:    func(n int64) int64 { return n - 1 },
		Retried: f.note,
	})
	return f
}

func (f *fixture) dialect() atomic.Dialect { return sqlite.Dialect{} }

func (f *fixture) note(_ context.Context, name, code string, attempt int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retried = append(f.retried, name+" "+code+" "+string(rune('0'+attempt)))
}

// other opens a connection of its own on the same file, without injected faults.
func (f *fixture) other() *sql.Conn {
	f.t.Helper()
	pool, err := sql.Open("sqlite", f.dsn)
	if err != nil {
		f.t.Fatalf("open: %v", err)
	}
	conn, err := pool.Conn(f.t.Context())
	if err != nil {
		f.t.Fatalf("conn: %v", err)
	}
	f.t.Cleanup(func() {
		_ = conn.Close()
		_ = pool.Close()
	})
	return conn
}

func (f *fixture) exec(query string) {
	f.t.Helper()
	if _, err := f.pool.ExecContext(f.t.Context(), query); err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
}

// wantWords checks the words that are committed.
func (f *fixture) wantWords(want ...string) {
	f.t.Helper()
	rows, err := f.pool.QueryContext(context.WithoutCancel(f.t.Context()), `SELECT word FROM words ORDER BY word`)
	if err != nil {
		f.t.Fatalf("read words: %v", err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var word string
		if err := rows.Scan(&word); err != nil {
			f.t.Fatalf("scan: %v", err)
		}
		got = append(got, word)
	}
	if err := rows.Err(); err != nil {
		f.t.Fatalf("read words: %v", err)
	}
	slices.Sort(want)
	if !slices.Equal(want, got) {
		f.t.Errorf("committed words = %q, want %q", got, want)
	}
}

func (f *fixture) wantRetried(want ...string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff(want, f.retried); diff != "" {
		f.t.Errorf("retries (-want +got):\n%s", diff)
	}
}

// wantIdle checks that no statement was left open, and no connection in use or inside a database transaction.
func (f *fixture) wantIdle() {
	f.t.Helper()
	f.faults.mu.Lock()
	stmts := f.faults.stmts
	f.faults.mu.Unlock()
	if stmts != 0 {
		f.t.Errorf("%d prepared statements are still open", stmts)
	}
	if n := f.pool.Stats().InUse; n != 0 {
		f.t.Errorf("%d connections still in use", n)
	}
	if err := atomic.Do(context.WithoutCancel(f.t.Context()), f.DB, nothing, nil); err != nil {
		f.t.Errorf("the next block: %v", err)
	}
}

func nothing(context.Context, *atomic.Tx) error { return nil }

func add(ctx context.Context, tx *atomic.Tx, word string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO words VALUES (?)`, word)
	return err
}

// adding is the function of a block that adds one word.
func adding(word string) func(context.Context, *atomic.Tx) error {
	return func(ctx context.Context, tx *atomic.Tx) error { return add(ctx, tx, word) }
}

// A stepClock is a fake clock that lets a test act while somebody waits.
type stepClock struct {
	*clock.Fake
	mu      sync.Mutex
	onSleep func()
	slept   []time.Duration
}

func (c *stepClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.slept = append(c.slept, d)
	act := c.onSleep
	c.mu.Unlock()
	if act != nil {
		act()
	}
	return c.Fake.Sleep(ctx, d)
}

// sqliteError looks to a Dialect like an error of SQLite.
type sqliteError int

func (e sqliteError) Error() string { return "injected SQLite error" }
func (e sqliteError) Code() int     { return int(e) }

// faults are asked before each statement on a connection, and after those that return no rows.
type faults struct {
	mu            sync.Mutex
	before, after func(query string) error
	// onClose runs once, on the connection of rows that have been closed.
	onClose func(*faultyConn) error
	closed  int
	stmts   int
}

func (f *faults) countStmt(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stmts += n
}

func (f *faults) set(before, after func(query string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

func (f *faults) ask(query string, before bool) error {
	f.mu.Lock()
	act := f.after
	if before {
		act = f.before
	}
	f.mu.Unlock()
	if act == nil {
		return nil
	}
	return act(query)
}

// on makes a fault for one statement text.
func on(text string, err error) func(query string) error {
	return func(query string) error {
		if query == text {
			return err
		}
		return nil
	}
}

type connector struct {
	dsn    string
	faults *faults
}

func (c *connector) Driver() driver.Driver { return &modernc.Driver{} }

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := (&modernc.Driver{}).Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &faultyConn{moderncConn: conn.(moderncConn), faults: c.faults}, nil
}

type moderncConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type faultyConn struct {
	moderncConn
	faults *faults
}

func (c *faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.faults.ask(query, true); err != nil {
		return nil, err
	}
	result, err := c.moderncConn.ExecContext(ctx, query, args)
	if fault := c.faults.ask(query, false); fault != nil {
		return nil, fault
	}
	return result, err
}

func (c *faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.faults.ask(query, true); err != nil {
		return nil, err
	}
	stmt, err := c.moderncConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.faults.countStmt(1)
	return &countedStmt{moderncStmt: stmt.(moderncStmt), faults: c.faults}, nil
}

func (c *faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.faults.ask(query, true); err != nil {
		return nil, err
	}
	rows, err := c.moderncConn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return &faultyRows{Rows: rows, conn: c}, nil
}

func (c *faultyConn) Close() error {
	c.faults.mu.Lock()
	c.faults.closed++
	c.faults.mu.Unlock()
	return c.moderncConn.Close()
}

type moderncStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type countedStmt struct {
	moderncStmt
	faults *faults
}

func (s *countedStmt) Close() error {
	s.faults.countStmt(-1)
	return s.moderncStmt.Close()
}

type faultyRows struct {
	driver.Rows
	conn *faultyConn
}

func (r *faultyRows) Close() error {
	if err := r.Rows.Close(); err != nil {
		return err
	}
	f := r.conn.faults
	f.mu.Lock()
	act := f.onClose
	f.onClose = nil
	f.mu.Unlock()
	if act == nil {
		return nil
	}
	return act(r.conn)
}
