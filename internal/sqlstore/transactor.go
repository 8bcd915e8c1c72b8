package sqlstore

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// How often, and for how long, an application's database transaction is begun again.
const (
	callerAttempts = 20
	callerTime     = time.Minute
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
func OnSQL(db *sql.DB, d Dialect) driver.Transactor[*sql.Tx] { return onSQL{db, &d} }

type onSQL struct {
	db      *sql.DB
	dialect *Dialect
}

// Do implements driver.Transactor.
func (t onSQL) Do(ctx context.Context, fn func(context.Context, *sql.Tx, driver.CallerTx) error) error {
	var own error // what fn has returned
	err := atomic.Retry(ctx, conflicts{t.dialect.Atomic}, func(ctx context.Context) error {
		own = nil
		return t.once(ctx, func(ctx context.Context, tx *sql.Tx) error {
			own = fn(ctx, tx, Caller(tx))
			return own
		})
	}, &atomic.RetryOptions{Budget: atomic.Budget{Attempts: callerAttempts, Time: callerTime}})
	return t.dialect.codedAround(err, own)
}

// once runs fn in one database transaction, and says so when nobody knows whether it was committed.
func (t onSQL) once(ctx context.Context, fn func(context.Context, *sql.Tx) error) (err error) {
	o := &sql.TxOptions{Isolation: t.dialect.isolation(driver.ModeLocks)}
	if o.Isolation == sql.LevelDefault && t.dialect.Can.ManyWriters {
		o.Isolation = sql.LevelReadCommitted
	}
	tx, err := t.db.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := fn(ctx, tx); err != nil {
		return err
	}
	err = tx.Commit()
	switch kind := t.dialect.kind(err); {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrTxDone) && ctx.Err() == nil: // fn has ended it
		return fmt.Errorf("commit: %w", err)
	case kind == atomic.KindLost, kind == atomic.KindDoubt, kind == atomic.KindOther, errors.Is(err, sqldriver.ErrBadConn),
		ctx.Err() != nil:
		return fmt.Errorf("%w: %w", atomic.ErrOutcomeUnknown, err)
	default:
		return fmt.Errorf("commit: %w", err)
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
		Nesting: atomic.Outermost, RetryStale: true, Retry: atomic.Budget{Attempts: callerAttempts, Time: callerTime},
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
