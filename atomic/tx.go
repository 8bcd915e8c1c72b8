package atomic

import (
	"context"
	"database/sql"
	"database/sql/driver"
	satomic "sync/atomic"
)

// A Tx is one block of an open database transaction. It lives as long as the function that it was given to, and
// runs one statement at a time. Use from several goroutines is [ErrConcurrent], late use is [ErrEnded].
//
// Where the engine allows it, statements may run while rows are open. Rows left open are closed with the block. The
// Tx does not know the rows of a prepared statement: close them, or Do waits for them. BEGIN, COMMIT, ROLLBACK,
// savepoint statements and statements that commit by themselves are refused with [ErrControl] before they are sent.
// The Tx cannot see into code that the server runs, such as a stored procedure.
//
// Its methods have the signatures of database/sql. So generated and hand-written code can use a Tx wherever it
// takes an interface with ExecContext, PrepareContext, QueryContext and QueryRowContext.
type Tx struct {
	s         *session
	parent    *Tx
	depth     int
	of        run
	savepoint string
	ended     satomic.Bool
	handle    bool // ends by a call, not with a function; set under s.mu

	// recorder is set by Record, under s.mu.
	recorder *Recorder

	// How many hooks there were when the block began. Later ones are its own.
	beforeMark, commitMark, rollbackMark int
}

// ExecContext runs a statement that returns no rows.
//
// Errors: [ErrEnded], [ErrConcurrent], [ErrBroken], [ErrRowsOpen], [ErrControl], or the driver's, unwrapped.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.admit(ctx, query); err != nil {
		return nil, err
	}
	var sent flight
	defer t.s.unwound(ctx, &sent)
	result, err := t.s.conn.ExecContext(ctx, query, args...)
	sent.returned = true
	t.s.leave(ctx, err)
	return result, err
}

// QueryContext runs a statement that returns rows. The caller closes the rows and checks their Err. Rows left open
// are closed when the block ends. A driver.Valuer among args is asked twice. Errors are those of [Tx.ExecContext].
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.admit(ctx, query); err != nil {
		return nil, err
	}
	var sent flight
	defer t.s.unwound(ctx, &sent)
	sent.ready(args)
	rows, err := t.s.conn.QueryContext(ctx, query, args...)
	sent.returned = true
	if err != nil {
		t.s.leave(ctx, err)
		return nil, err
	}
	err = t.s.keep(tableRows{rows}) // Before leave: after it the block may end.
	t.s.leave(ctx, nil)
	return rows, err
}

// QueryRowContext runs a statement that returns at most one row. It never returns nil. Scan and Err of the row
// return the errors of [Tx.ExecContext].
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := t.admit(ctx, query); err != nil {
		return errorRow(err)
	}
	var sent flight
	defer t.s.unwound(ctx, &sent)
	sent.ready(args)
	row := t.s.conn.QueryRowContext(t.s.rowContext(ctx), query, args...)
	sent.returned = true
	t.s.keepRow(row)
	t.s.leave(ctx, row.Err())
	return row
}

// PrepareContext prepares a statement for use inside the block. It is closed when the outermost block ends. A
// prepared statement runs on the connection directly: the Tx can neither refuse late or concurrent use of it nor
// see its errors. On an engine with [Traits.SilentRollback] each later statement of the Tx costs an extra check.
// Errors are those of [Tx.ExecContext].
func (t *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := t.admit(ctx, query); err != nil {
		return nil, err
	}
	stmt, err := t.s.conn.PrepareContext(ctx, query)
	if err != nil {
		t.s.leave(ctx, err)
		return nil, err
	}
	err = t.s.keepStmt(stmt)
	t.s.leave(ctx, nil)
	return stmt, err
}

// Raw gives fn the driver's connection, for what database/sql cannot do, such as several statements in one round
// trip. fn must not keep the connection. It must leave the database transaction as it is; the Tx does not look
// at what it sends. The error of fn is judged like that of a statement, and fn counts as one statement for
// [ErrConcurrent].
//
// Errors: those of [Tx.ExecContext], fn's own, and [ErrUnsupported] for an adopted database transaction.
func (t *Tx) Raw(ctx context.Context, fn func(ctx context.Context, driverConn any) error) error {
	need(fn != nil, "Raw", "the function")
	if t.s.owned == nil {
		return errNotLent
	}
	if err := t.begun(ctx); err != nil {
		return err
	}
	var sent flight
	defer t.s.unwound(ctx, &sent)
	err := t.s.owned.Raw(func(conn any) error { return fn(ctx, conn) })
	sent.returned = true
	t.s.leave(ctx, err)
	return err
}

// Savepoint runs fn as a block of its own inside the open database transaction, as a nested Do would. When fn
// fails, its writes and hooks are undone, and the block around it may go on. fn runs once. ctx is the context of
// the block around it. Errors are those of a nested [Do].
func (t *Tx) Savepoint(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	need(fn != nil, "Savepoint", "the function")
	if err := t.usable(); err != nil {
		return err
	}
	return t.s.nest(ctx, fn, &Options{Nesting: Savepoint})
}

// DatabaseTx returns the Tx itself, as the value that runs the statements of the database transaction. Another
// package can accept a Tx through this method without importing this one.
func (t *Tx) DatabaseTx() any { return t }

// OnCommit registers fn to run after the outermost block has been committed. Functions run in the order of
// registration. A block that is undone takes its hooks with it, and each attempt begins without any.
//
// fn gets a context with the values of Do's context but not its cancellation, because the commit stands even if the
// caller no longer waits. If fn fails, the later hooks run all the same, and Do returns a [*HookError]. If the
// process dies after the commit, fn never runs. What must not be lost belongs into a table; the hook then only
// wakes its reader up.
//
// OnCommit panics if fn is nil, and if the block has ended, because the hook would be lost. Inside a block of
// [Record], fn is kept for the test instead.
func (t *Tx) OnCommit(fn func(ctx context.Context) error) {
	h := hook{fn, callerOf()}
	t.register("OnCommit", fn != nil, func(s *session) {
		if r := t.recording(); r != nil {
			r.add(t, h)
			return
		}
		s.onCommit = append(s.onCommit, h)
	})
}

// OnRollback registers fn to run after the block, or one around it, has been undone. The last function registered
// runs first. Use it for memory that must go back with the database. fn runs for every attempt that is rolled back,
// after a panic too. It does not run when the outcome is unknown. OnRollback panics as [Tx.OnCommit] does.
func (t *Tx) OnRollback(fn func()) {
	t.register("OnRollback", fn != nil, func(s *session) { s.onRollback = append(s.onRollback, fn) })
}

// BeforeCommit registers fn to run as the last thing before COMMIT, with the context of the outermost block.
// Functions run in the order of registration. An error rolls everything back. A block that is undone takes its
// hooks with it. BeforeCommit panics as [Tx.OnCommit] does.
func (t *Tx) BeforeCommit(fn func(ctx context.Context) error) {
	t.register("BeforeCommit", fn != nil, func(s *session) { s.before = append(s.before, fn) })
}

func (t *Tx) register(method string, given bool, add func(*session)) {
	need(given, method, "the function")
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.over || t.ended.Load() {
		panic("atomic: " + method + " on a Tx whose block has ended")
	}
	add(t.s)
}

// errorRow makes a row that reports err. database/sql has no constructor for that. A database that cannot be
// connected to makes such a row.
func errorRow(err error) *sql.Row {
	db := sql.OpenDB(failingConnector{err})
	defer db.Close()
	return db.QueryRowContext(context.Background(), "")
}

type failingConnector struct{ err error }

func (c failingConnector) Connect(context.Context) (driver.Conn, error) { return nil, c.err }
func (c failingConnector) Driver() driver.Driver                        { return nil }
