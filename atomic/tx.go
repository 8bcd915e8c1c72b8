package atomic

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	satomic "sync/atomic"
)

// A Tx is one block of an open database transaction. It lives as long as the function that it was given to, and is
// for one statement at a time: several goroutines get [ErrConcurrent], late use gets [ErrEnded].
//
// Statements may be nested in open rows where the engine allows it. Rows left open are closed with the block, but rows
// of a prepared statement are not known to the Tx: close them, or Do waits for them. BEGIN, COMMIT, ROLLBACK,
// savepoint statements and what commits by itself on the engine are refused with [ErrControl] before they are sent. Code that
// the server runs, a stored procedure for one, is out of sight.
//
// Its methods have database/sql's signatures, so it serves wherever generated or hand-written code takes an
// ExecContext, PrepareContext, QueryContext, QueryRowContext interface.
type Tx struct {
	s         *session
	parent    *Tx
	depth     int
	savepoint string
	ended     satomic.Bool

	// recorder is set by Record, under s.mu.
	recorder *Recorder

	// How many hooks there were when the block began: the rest are its own.
	beforeMark, commitMark, rollbackMark int
}

// ExecContext runs a statement that returns no rows.
//
// Errors: [ErrEnded], [ErrConcurrent], [ErrBroken], [ErrRowsOpen], [ErrControl], or the driver's, unwrapped.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.admit(ctx, query); err != nil {
		return nil, err
	}
	result, err := t.s.conn.ExecContext(ctx, query, args...)
	t.s.leave(ctx, err)
	return result, err
}

// QueryContext runs a statement that returns rows. The caller closes the rows and checks their Err; those left open
// are closed when the block ends. Errors are those of [Tx.ExecContext].
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.admit(ctx, query); err != nil {
		return nil, err
	}
	rows, err := t.s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		t.s.leave(ctx, err)
		return nil, err
	}
	err = t.s.keep(rows) // Before leave, after which the block may end.
	t.s.leave(ctx, nil)
	return rows, err
}

// QueryRowContext runs a statement that returns at most one row. It never returns nil; the errors of [Tx.ExecContext]
// wait for the row's Scan or Err.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := t.admit(ctx, query); err != nil {
		return errorRow(err)
	}
	row := t.s.conn.QueryRowContext(t.s.rowContext(ctx), query, args...)
	t.s.keepRow(row)
	t.s.leave(ctx, row.Err())
	return row
}

// PrepareContext prepares a statement for use inside the block; it is closed when the outermost block ends. A prepared
// statement runs on the connection directly: the Tx cannot refuse late or concurrent use of it, nor see its
// errors, and with an engine of [Traits.SilentRollback] each later statement of the Tx costs an extra check. Errors are
// those of [Tx.ExecContext].
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

// Raw gives fn the driver's connection, for what database/sql has no words for, such as several statements in one
// round trip. fn must not keep it, and must leave the database transaction as it is: what it sends is not looked at. Its error
// is judged as that of a statement, and it counts as one for [ErrConcurrent].
//
// Errors: those of [Tx.ExecContext], fn's own, and [ErrUnsupported] for an adopted database transaction.
func (t *Tx) Raw(ctx context.Context, fn func(ctx context.Context, driverConn any) error) error {
	if t.s.owned == nil {
		return fmt.Errorf("%w: the connection of an adopted database transaction is its owner's", ErrUnsupported)
	}
	if err := t.begun(ctx); err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned { // It panicked, and nobody knows what it has sent.
			t.s.harm(DamageAll, errPanicked, true)
			t.s.leave(ctx, nil)
		}
	}()
	err := t.s.owned.Raw(func(conn any) error { return fn(ctx, conn) })
	returned = true
	t.s.leave(ctx, err)
	return err
}

// errPanicked is the cause when the function given to Raw has panicked.
var errPanicked = errors.New("a function with the driver's connection panicked")

// Savepoint runs fn as a block of its own inside the open database transaction, as a Do that nests would: when fn fails,
// its writes and hooks are undone, and the block around it may go on. fn runs once. ctx is the context of the block
// around it. Errors are those of a nested [Do].
func (t *Tx) Savepoint(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if err := t.usable(); err != nil {
		return err
	}
	return t.s.nest(ctx, fn, &Options{Nesting: Savepoint})
}

// DatabaseTx returns what runs the statements of the database transaction: the Tx itself. Another package can accept a
// Tx through this method, without importing this one.
func (t *Tx) DatabaseTx() any { return t }

// OnCommit registers fn to run after the outermost block has been committed, in the order of registration. A block
// that is undone takes its hooks with it, and each attempt begins without any.
//
// fn gets a context with the values of Do's context but not its cancellation, because the commit stands whether or not the
// caller still waits. If it fails, the later hooks run all the same, and Do returns a [*HookError]. A process that dies after the
// commit never runs it: what must not be lost belongs into a table, with the hook as a mere wake-up.
//
// OnCommit panics if the block has ended, because the hook would be lost. Inside a block of [Record] fn is kept for the
// test instead.
func (t *Tx) OnCommit(fn func(ctx context.Context) error) {
	t.register("OnCommit", func(s *session) {
		if r := t.recording(); r != nil {
			r.add(t, fn)
			return
		}
		s.onCommit = append(s.onCommit, fn)
	})
}

// OnRollback registers fn to run after the block, or one around it, has been undone; the last registered runs first. It is
// for memory that must follow the database back, and runs for every attempt that is rolled back, after panics too. It
// does not run when the outcome is unknown. OnRollback panics if the block has ended.
func (t *Tx) OnRollback(fn func()) {
	t.register("OnRollback", func(s *session) { s.onRollback = append(s.onRollback, fn) })
}

// BeforeCommit registers fn to run as the last thing before COMMIT of the outermost block, in the order of
// registration, with the context of that block. An error rolls everything back. A block that is undone takes its hooks
// with it. BeforeCommit panics if the block has ended.
func (t *Tx) BeforeCommit(fn func(ctx context.Context) error) {
	t.register("BeforeCommit", func(s *session) { s.before = append(s.before, fn) })
}

func (t *Tx) register(method string, add func(*session)) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.over || t.ended.Load() {
		panic("atomic: " + method + " on a Tx whose block has ended")
	}
	add(t.s)
}

// errorRow makes a row that reports err. database/sql has no constructor for one, so a database that cannot be
// connected to supplies it.
func errorRow(err error) *sql.Row {
	db := sql.OpenDB(failingConnector{err})
	defer db.Close()
	return db.QueryRowContext(context.Background(), "")
}

type failingConnector struct{ err error }

func (c failingConnector) Connect(context.Context) (driver.Conn, error) { return nil, c.err }
func (c failingConnector) Driver() driver.Driver                        { return nil }
