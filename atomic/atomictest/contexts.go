package atomictest

import (
	"context"
	"errors"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

var contextBehaviours = []behaviour{
	{66, "a context that is done begins nothing, and its cause is told", func(f *fixture) {
		ctx, cancel := context.WithCancelCause(f.ctx)
		cancel(errRefused)
		err := atomic.Do(ctx, f.db, func(context.Context, *atomic.Tx) error {
			f.Error("fn ran")
			return nil
		}, nil)
		f.is(err, context.Canceled, errRefused)
	}},
	{67, "a context cancelled before the commit rolls back, although the block returned nil", func(f *fixture) {
		ctx, cancel := context.WithCancelCause(f.ctx)
		var log eventLog
		err := atomic.Do(ctx, f.db, func(ctx context.Context, tx *atomic.Tx) error {
			defer cancel(errRefused)
			tx.OnCommit(log.commits("committed"))
			tx.OnRollback(log.undoes("undone"))
			return f.add(ctx, tx, "gone")
		}, nil)
		f.is(err, context.Canceled, errRefused)
		f.isNot(err, atomic.ErrOutcomeUnknown)
		log.want(f, "undone")
		f.wantWords()
	}},
	{68, "a context cancelled once COMMIT is under way does not stop it, and the answer is success", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		f.inject(&faultyDialect{commit: beforeCommitting(f.Dialect, cancel)})
		f.must(atomic.Do(ctx, f.db, f.adding("kept"), nil))
		f.wantWords("kept")
	}},
	{69, "a statement cut short by its context breaks the block, because it may have taken effect", func(f *fixture) {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			short, cancel := context.WithCancel(ctx)
			cancel()
			f.is(f.add(short, tx, "short"), context.Canceled)
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken, context.Canceled)
		f.wantWords()
	}},
	{70, "a deadline that passed is told as such, and the connection is fit or closed", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		ctx, cancel := context.WithDeadline(f.ctx, time.Unix(0, 0))
		defer cancel()
		f.is(atomic.Do(ctx, f.db, f.adding("never"), nil), context.DeadlineExceeded)
		f.must(f.do(f.adding("later"), nil))
		f.wantWords("later")
	}},
	{71, "a context cancelled in mid-work leaves the only connection fit for the next block", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		for range 5 {
			ctx, cancel := context.WithCancel(f.ctx)
			err := atomic.Do(ctx, f.db, func(ctx context.Context, tx *atomic.Tx) error {
				err := f.add(ctx, tx, "gone")
				cancel()
				return errors.Join(err, f.add(ctx, tx, "gone too"))
			}, nil)
			f.is(err, context.Canceled)
		}
		f.must(f.do(f.adding("kept"), nil))
		f.wantWords("kept")
	}},
	{72, "a savepoint whose context was cancelled is undone all the same, and the outer block goes on", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			short, cancel := context.WithCancel(ctx)
			err := f.inner(short, func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "gone"))
				cancel()
				return ctx.Err()
			}, atomic.Nested)
			f.is(err, context.Canceled)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{73, "a block inside is not begun with a context that is done, and the outer block goes on", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			short, cancel := context.WithCancel(ctx)
			cancel()
			f.is(f.inner(short, func(context.Context, *atomic.Tx) error {
				f.Error("fn ran")
				return nil
			}, atomic.Nested), context.Canceled)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{74, "a cancelled wait between attempts ends with the cancellation and the conflict", func(f *fixture) {
		f.inject(&faultyDialect{})
		ctx, cancel := context.WithCancelCause(f.ctx)
		f.clock.onSleep = func() { cancel(errRefused) }
		runs := 0
		err := atomic.Do(ctx, f.db, func(context.Context, *atomic.Tx) error {
			runs++
			return errConflict
		}, nil)
		f.is(err, context.Canceled, errRefused, errConflict)
		f.same("runs", runs, 1)
		f.clock.onSleep = nil
	}},
}
