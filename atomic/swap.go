package atomic

import (
	"context"
	"fmt"
)

// Swap runs an UPDATE or DELETE that names the version it was decided on, and that must concern exactly n rows:
//
//	atomic.Swap(ctx, tx, 1, `UPDATE accounts SET owner = ?, version = version + 1 WHERE id = ? AND version = ?`,
//		owner, id, version)
//
// Any other number of rows is an error that wraps [ErrStale]. The block must then fail, unless it knows that
// nothing was written. With [Options.RetryStale] it begins again, so it must read the version itself. Compare a
// version, never the value: a value may change and change back.
//
// The UPDATE must change every row that it finds, as raising a version does. MySQL counts only the rows that were
// changed, unless the connection was opened with clientFoundRows=true ([Traits.ChangedRows]). No statement can ask
// a connection which of the two it does. With a version both counts are the same. Without one, writing the old
// value again looks stale, which is the safer mistake.
func Swap(ctx context.Context, tx Execer, n int64, query string, args ...any) error {
	count, err := execCount(ctx, tx, query, args)
	if err == nil && count != n {
		return fmt.Errorf("%w: %d rows were concerned instead of %d", ErrStale, count, n)
	}
	return err
}

// LockAt runs a locking SELECT of one version column. It compares the result with version, which the caller has
// read before without a lock. If they differ, or the row is gone, LockAt returns an error that wraps [ErrStale];
// nothing is written yet. If it returns nil, the row is locked and is as the caller has read it. The clause comes
// from [Tx.LockClause].
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

// Hybrid calls read outside any database transaction and without a lock, so read may be slow or ask other systems.
// Then it runs write in a Do, with the result of read. write locks what it relies on and checks with [LockAt] that
// it has not changed, or writes with [Swap]. When write returns [ErrStale], both functions run again, within the
// budget of o.Retry. So locks are held only while writing, nothing is decided on old data, and nobody waits for a
// slow reader.
//
// Both functions MAY RUN MORE THAN ONCE. Hybrid is an outermost block. Inside another one, of any DB, it returns
// [ErrNested], because what it reads would be as old as the block around it. Errors are those of [Do] and of read. A
// budget spent on stale reads is [ErrBudget] and wraps ErrStale. o may be nil.
func Hybrid[T any](
	ctx context.Context, db *DB, read func(ctx context.Context) (T, error),
	write func(ctx context.Context, tx *Tx, was T) error, o *Options,
) error {
	need(db != nil, "Hybrid", "the *DB")
	need(read != nil && write != nil, "Hybrid", "a function")
	options := outermost(o)
	if InTransaction(ctx) {
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
