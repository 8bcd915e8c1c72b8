package atomic

import (
	"context"
	"database/sql"
	"fmt"
)

// DoValue is [Do] for a function with a result. It returns the result of the attempt that was committed. After an error
// the result is the zero value, but for a [*HookError]: that is an error after the commit, and the result is valid.
func DoValue[T any](
	ctx context.Context, db *DB, fn func(ctx context.Context, tx *Tx) (T, error), o *Options,
) (T, error) {
	need(fn != nil, "DoValue", "the function")
	var value, none T
	err := Do(ctx, db, func(ctx context.Context, tx *Tx) (err error) {
		value, err = fn(ctx, tx)
		return err
	}, o)
	if err != nil && !isHookError(err) {
		return none, err
	}
	return value, err
}

// RetryOptions are the choices of [Retry]. The zero value is the usual case.
type RetryOptions struct {
	// Name tells callers apart in errors and for Retried.
	Name string

	// Budget bounds the attempts.
	Budget Budget

	// Clock, Rand and Retried are those of [OpenOptions].
	Clock   Clock
	Rand    func(n int64) int64
	Retried func(ctx context.Context, name, code string, attempt int)
}

// Retry runs fn, and runs it again after a conflict ([KindRetry] of d), with the waits and the budget of [Do]. It is
// for those who begin and commit themselves, such as with pgx.BeginFunc or through GORM:
//
//	err := atomic.Retry(ctx, postgres.Dialect{}, func(ctx context.Context) error {
//		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { ... })
//	}, nil)
//
// fn MAY RUN MORE THAN ONCE. Each run begins a database transaction, and has ended it when it returns. It returns
// conflicts as they are or wrapped with %w.
//
// Retry does not see what fn sends. So a lost connection or a fault of storage ([KindLost], [KindDoubt]) is returned
// as it is: fn may have lost it at its COMMIT, and nobody knows whether that happened. Do knows, and begins again if
// COMMIT was not sent. [ErrOutcomeUnknown], [ErrBudget] and a [*HookError] from fn are never retried, whatever they
// wrap.
//
// Errors: what fn returned; [ErrBudget], which wraps the last conflict; [ErrNested] inside a block of any DB, because
// a conflict there is for the outermost block. If ctx is done, the error matches ctx.Err() and its cause. o may be nil.
// Retry is safe for concurrent use. It panics if d or fn is nil.
func Retry(ctx context.Context, d Dialect, fn func(ctx context.Context) error, o *RetryOptions) error {
	need(d != nil, "Retry", "the Dialect")
	need(fn != nil, "Retry", "the function")
	if o == nil {
		o = &RetryOptions{}
	}
	db := Open(nil, d, &OpenOptions{Clock: o.Clock, Rand: o.Rand, Retried: o.Retried})
	options := &Options{Name: o.Name, Retry: o.Budget}
	if InTransaction(ctx) {
		return fmt.Errorf("%s%w", options.label(), ErrNested)
	}
	if err := contextError(ctx); err != nil {
		return fmt.Errorf("atomic: %snot begun: %w", options.label(), err)
	}
	r := newRetrier(db, options)
	for {
		err := fn(ctx)
		if err == nil {
			return nil
		}
		if class := d.Classify(err); ctx.Err() != nil &&
			(isContextError(err) || class.Kind == KindLost || class.Kind == KindOther && class.Code != "") {
			return r.ended(caused(ctx, err))
		}
		code, ok := db.conflict(err, options)
		if !ok {
			return err
		}
		if err := r.wait(ctx, code, err); err != nil {
			return err
		}
	}
}

// A Classifier tells what an error of an engine means. Every [Dialect] is one, and so is a [*DB].
type Classifier interface {
	// Classify says what err means.
	Classify(err error) Class
}

// Classify says what an error of db's engine means, as its dialect does. It is the zero Class for an error that did
// not come from the engine.
func (db *DB) Classify(err error) Class { return db.dialect.Classify(err) }

// IsUnique reports whether err is or wraps a violated unique or primary key. constraint is its name where the driver
// tells it: on PostgreSQL, with pgx and lib/pq. Elsewhere the name is only a part of a text, and empty here.
func IsUnique(err error, c Classifier) (constraint string, ok bool) {
	if err == nil {
		return "", false
	}
	class := c.Classify(err)
	return class.Constraint, class.Kind == KindUnique
}

// A DBTX runs statements, inside a database transaction or outside of any. *sql.DB, *sql.Tx and [*Tx] do. The name and
// the methods are those of the interface that sqlc generates.
type DBTX interface {
	Execer
	Querier
	// PrepareContext prepares a statement.
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	// QueryRowContext runs a statement that returns at most one row.
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// TxOrPool returns the innermost open Tx of db in ctx, or the pool if there is none. It is for a function of a
// repository that runs one statement and may be called inside a block or outside of any.
//
// On the pool each statement is a database transaction of its own, perhaps on another connection each time. A function
// of two statements that belong together uses [Do], which joins the block around it as well; one that is right only
// inside a block uses [Required].
func TxOrPool(ctx context.Context, db *DB) DBTX {
	need(db != nil, "TxOrPool", "the *DB")
	if tx, ok := From(ctx, db); ok {
		return tx
	}
	need(db.pool != nil, "TxOrPool", "the pool of the *DB")
	return db.pool
}
