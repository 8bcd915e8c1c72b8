package atomic

import (
	"context"
	"fmt"
)

// Swap runs an UPDATE or DELETE that names the version it was decided on, and must concern exactly n rows:
//
//	atomic.Swap(ctx, tx, 1, `UPDATE accounts SET owner = ?, version = version + 1 WHERE id = ? AND version = ?`, owner, id, version)
//
// Any other number of rows is an error that wraps [ErrStale]. The block must then fail, unless it knows that nothing was
// written; with [Options.RetryStale] it begins again, so it must read the version itself. Compare a version, never the
// value: a value can come back to what it was while the world has moved on.
//
// The UPDATE must change every row that it finds, as raising a version does. MySQL counts the rows that were changed
// unless the connection was opened with clientFoundRows=true ([Traits.ChangedRows]), and no statement can ask a connection which of the
// two it does. With a version both count the same; without one, a write of what was there already looks stale, which is
// the safe side of the mistake.
func Swap(ctx context.Context, tx Execer, n int64, query string, args ...any) error {
	count, err := execCount(ctx, tx, query, args)
	if err == nil && count != n {
		return fmt.Errorf("%w: %d rows were concerned instead of %d", ErrStale, count, n)
	}
	return err
}

// LockAt runs a locking SELECT of one version column and compares it with the version that the caller has read before
// without a lock. If they differ, or the row is gone, it returns an error that wraps [ErrStale] and nothing is
// written yet. If it returns nil the row is locked as it was read, and what was decided on it still holds. The clause
// comes from [Tx.LockClause].
func LockAt(ctx context.Context, tx Querier, version int64, query string, args ...any) error {
	versions, err := QueryAll(ctx, tx, Value[int64], query, args...)
	switch {
	case err != nil:
		return err
	case len(versions) == 0:
		return fmt.Errorf("%w: the row is gone", ErrStale)
	case len(versions) > 1:
		return fmt.Errorf("%w: the query found several", ErrNotOne)
	case versions[0] != version:
		return fmt.Errorf("%w: version %d instead of %d", ErrStale, versions[0], version)
	}
	return nil
}

// Hybrid reads without a lock, outside any database transaction, so that read may be slow or ask others; then it runs write in
// a Do with what was read. write locks what it relies on and checks that it has not changed, with [LockAt], or writes with
// [Swap]; when it returns [ErrStale] both functions run again, within the budget of o.Retry. So the lock is held for the
// writing alone, nothing is decided on old data, and nobody starves behind a slow reader.
//
// Both functions MAY RUN MORE THAN ONCE. Hybrid is an outermost block: inside another one it returns [ErrNested], because what it
// reads would be as old as the block around it. Errors are those of [Do] and of read; a budget spent on staleness is [ErrBudget] and
// wraps ErrStale. o may be nil.
func Hybrid[T any](
	ctx context.Context, db *DB, read func(ctx context.Context) (T, error),
	write func(ctx context.Context, tx *Tx, was T) error, o *Options,
) error {
	options := outermost(o)
	if _, open := From(ctx, db); open {
		return fmt.Errorf("%s%w", options.label(), ErrNested)
	}
	options.RetryStale = false // Do alone would not read again.
	r := newRetrier(db, &options)
	for {
		was, err := read(ctx)
		if err != nil {
			return err
		}
		options.Retry = r.left()
		err = Do(ctx, db, func(ctx context.Context, tx *Tx) error { return write(ctx, tx, was) }, &options)
		if err == nil || !isStale(err) {
			return err
		}
		if err := r.wait(ctx, "stale", err); err != nil {
			return err
		}
	}
}

// outermost is a copy of o for a block that begins a database transaction.
func outermost(o *Options) Options {
	var options Options
	if o != nil {
		options = *o
	}
	options.Nesting = Outermost
	return options
}
