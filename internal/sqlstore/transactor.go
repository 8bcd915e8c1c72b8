package sqlstore

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// conflicts is an engine whose conflicts may have the ledger's code already.
type conflicts struct{ atomic.Dialect }

// Classify implements atomic.Dialect.
func (c conflicts) Classify(err error) atomic.Class {
	class := c.Dialect.Classify(err)
	if class.Kind == atomic.KindOther && bursar.CodeOf(err) == bursar.CodeConflict {
		class.Kind = atomic.KindRetry
	}
	return class
}

// OnSQL runs database transactions of an application's over database/sql, for ledger.Do.
func OnSQL(db *sql.DB, d Dialect) driver.Transactor[*sql.Tx] {
	o := &sql.TxOptions{Isolation: d.isolation(driver.ModeLocks)}
	if o.Isolation == sql.LevelDefault && d.Can.ManyWriters {
		o.Isolation = sql.LevelReadCommitted
	}
	return OnFunc(func(ctx context.Context, fn func(*sql.Tx) error) error {
		conn, tx, err := d.begin(ctx, db, o)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		defer func() { _ = conn.Close() }()
		defer func() { _ = tx.Rollback() }() // after a commit it does nothing
		if err := fn(tx); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			d.discard(conn)
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	}, func(tx *sql.Tx) DBTX { return tx }, d)
}

// begin begins on a connection of its own. Like database/sql it passes over connections that have gone bad while they
// lay in the pool.
func (d *Dialect) begin(ctx context.Context, db *sql.DB, o *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	for stale := db.Stats().Idle; ; stale-- {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := conn.BeginTx(ctx, o)
		if err == nil {
			return conn, tx, nil
		}
		d.discard(conn)
		_ = conn.Close() // or it is closed already
		if stale <= 0 || !errors.Is(err, sqldriver.ErrBadConn) {
			return nil, nil, err
		}
	}
}

// discard closes a connection to a server instead of giving it back. A COMMIT that was refused may have left the
// database transaction open, as on a node of Galera without a majority, and whoever gets the connection next could not
// begin. A connection to a file is kept, because a database in memory would go with it.
func (d *Dialect) discard(conn *sql.Conn) {
	if d.Can.ManyWriters {
		_ = conn.Raw(func(any) error { return sqldriver.ErrBadConn })
	}
}

// Within runs fn in one database transaction, which it commits when fn returns nil and rolls back otherwise.
type Within[T any] = func(ctx context.Context, fn func(tx T) error) error

// OnFunc runs database transactions that somebody else begins and ends, for ledger.Do. of is what runs the statements
// of one.
func OnFunc[T any](within Within[T], of func(tx T) DBTX, d Dialect) driver.Transactor[T] {
	return onFunc[T]{within, of, &d}
}

type onFunc[T any] struct {
	within  Within[T]
	of      func(tx T) DBTX
	dialect *Dialect
}

// Do implements driver.Transactor.
func (t onFunc[T]) Do(ctx context.Context, fn func(context.Context, T, driver.CallerTx) error) error {
	var own error // what fn has returned
	err := atomic.Retry(ctx, conflicts{t.dialect.Atomic}, func(ctx context.Context) error {
		own = nil
		return t.once(ctx, func(ctx context.Context, tx T) error {
			own = fn(ctx, tx, Caller(t.of(tx)))
			return own
		})
	}, &atomic.RetryOptions{Budget: t.dialect.budget()})
	return t.dialect.codedAround(err, own)
}

// once runs fn in one database transaction, and says so when nobody knows whether it was committed: after fn there is
// nothing left to fail but the commit.
func (t onFunc[T]) once(ctx context.Context, fn func(context.Context, T) error) error {
	done := false
	err := t.within(ctx, func(tx T) error {
		err := fn(ctx, tx)
		done = err == nil
		return err
	})
	switch {
	case err == nil, !done:
		return err
	case t.dialect.RolledBack != nil && t.dialect.RolledBack(err):
		return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
			Message: "nothing was committed: a statement has failed before, and its error was not returned"}
	case ctx.Err() == nil && t.refused(err):
		return err
	default:
		return fmt.Errorf("%w: %w", atomic.ErrOutcomeUnknown, err)
	}
}

// refused reports whether the engine has answered a commit, and committed nothing. What a driver says by itself, such
// as that the connection is closed, is no answer.
func (t onFunc[T]) refused(err error) bool {
	switch class := t.dialect.Atomic.Classify(err); class.Kind {
	case atomic.KindLost, atomic.KindDoubt:
		return false
	default:
		return class.Code != ""
	}
}

// OnAtomic runs database transactions of package atomic, for ledger.Do.
func OnAtomic(db *atomic.DB, d Dialect) driver.Transactor[*atomic.Tx] {
	return onAtomic[*atomic.Tx]{db, &d, func(tx *atomic.Tx) (*atomic.Tx, error) { return tx, nil }}
}

// OnOwn is OnAtomic for a driver's own type of database transaction, which of makes of a block.
func OnOwn[T any](db *atomic.DB, d Dialect, of func(*atomic.Tx) (T, error)) driver.Transactor[T] {
	return onAtomic[T]{db, &d, of}
}

type onAtomic[T any] struct {
	db      *atomic.DB
	dialect *Dialect
	of      func(*atomic.Tx) (T, error)
}

// Do implements driver.Transactor.
func (t onAtomic[T]) Do(ctx context.Context, fn func(context.Context, T, driver.CallerTx) error) error {
	var own error
	err := atomic.Do(ctx, t.db, func(ctx context.Context, block *atomic.Tx) error {
		own = nil
		tx, err := t.of(block)
		if err != nil {
			return err
		}
		own = fn(ctx, tx, block)
		return own
	}, &atomic.Options{
		Nesting: atomic.Outermost, RetryStale: true, Retry: t.dialect.budget(),
	})
	return t.dialect.codedAround(err, own)
}

// codedAround gives a code to what went wrong around a function of the application's, and leaves own, which is what the
// function has returned last, as it is.
func (d *Dialect) codedAround(err, own error) error {
	around := errors.Is(err, atomic.ErrBudget) || errors.Is(err, atomic.ErrOutcomeUnknown)
	if err == nil || !around && own != nil && errors.Is(err, own) {
		return err
	}
	return d.coded(err)
}
