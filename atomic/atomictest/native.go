package atomictest

import (
	"context"
	"database/sql"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// Statements runs a behaviour's own statements in a block. Over database/sql it is the *atomic.Tx. [Harness.Native]
// puts the transaction of a driver in its place.
type Statements interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (Rows, error)
	// QueryRowContext runs a statement that returns at most one row.
	QueryRowContext(ctx context.Context, query string, args ...any) atomic.Row
	// PrepareContext prepares a statement.
	PrepareContext(ctx context.Context, query string) (Stmt, error)
}

// Rows are those of a driver or of database/sql.
type Rows interface {
	atomic.Row
	// Next goes to the next row, if there is one.
	Next() bool
	// Err is the error that ended the rows.
	Err() error
	// Close ends the rows.
	Close() error
}

// A Stmt is a prepared statement of a driver or of database/sql.
type Stmt interface {
	// ExecContext runs it.
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
}

// on is how behaviours run their statements in a block.
func (h *Harness) on(tx *atomic.Tx) Statements {
	if h.Native != nil {
		if own := h.Native(tx); own != nil {
			return own
		}
	}
	return overSQL{tx}
}

// overSQL is a Tx with the results that [Statements] has.
type overSQL struct{ *atomic.Tx }

// QueryContext implements Statements.
func (o overSQL) QueryContext(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := o.Tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err // not a Rows that holds a nil pointer
	}
	return rows, nil
}

// QueryRowContext implements Statements.
func (o overSQL) QueryRowContext(ctx context.Context, query string, args ...any) atomic.Row {
	return o.Tx.QueryRowContext(ctx, query, args...)
}

// PrepareContext implements Statements.
func (o overSQL) PrepareContext(ctx context.Context, query string) (Stmt, error) {
	stmt, err := o.Tx.PrepareContext(ctx, query)
	if err != nil {
		return nil, err // not a Stmt that holds a nil pointer
	}
	return stmt, nil
}

// savepoint runs a block inside the one of ctx as a savepoint of the driver's, if it has any.
func (f *fixture) savepoint(ctx context.Context, fn block) (ran bool, err error) {
	outer, open := atomic.From(ctx, f.db)
	if f.Savepoint == nil || !open || f.Native(outer) == nil {
		return false, nil
	}
	return true, f.Savepoint(ctx, outer, func(tx *atomic.Tx) error { return fn(ctx, tx) })
}

// rowError is the error of a row that nobody reads.
func rowError(row atomic.Row) error {
	if row, ok := row.(interface{ Err() error }); ok {
		return row.Err()
	}
	var nothing any
	return row.Scan(&nothing)
}

// wantConnections checks how many connections the pool has. A pool of the driver's drops closed ones in its own time.
func (f *fixture) wantConnections(when string, want int) {
	f.Helper()
	if f.Connections == nil {
		f.same("connections "+when, f.pool.Stats().OpenConnections, want)
		return
	}
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for f.Connections(f.pool) != want {
		select {
		case <-tick.C:
		case <-f.ctx.Done():
			f.Fatalf("connections %s = %d, want %d", when, f.Connections(f.pool), want)
		}
	}
}
