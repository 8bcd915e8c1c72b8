package atomictest

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

var hookBehaviours = []behaviour{
	{52, "hooks after the commit run in the order of registration, inner blocks included", func(f *fixture) {
		var log eventLog
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("1"))
			err := f.inner(ctx, func(_ context.Context, tx *atomic.Tx) error {
				tx.OnCommit(log.commits("2 inner"))
				return nil
			}, atomic.Nested)
			tx.OnCommit(log.commits("3"))
			log.want(f)
			return err
		}, nil))
		log.want(f, "1", "2 inner", "3")
	}},
	{53, "a hook runs after the real commit, when others see the rows and the connection is back", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		ran := false
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(ctx context.Context) error {
				ran = true
				f.wantWords("kept")
				return f.do(f.adding("from the hook"), nil)
			})
			return f.add(ctx, tx, "kept")
		}, nil))
		f.same("the hook ran", ran, true)
		f.wantWords("kept", "from the hook")
	}},
	{54, "a hook of a savepoint waits for the outermost commit", func(f *fixture) {
		var log eventLog
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			f.must(f.inner(ctx, func(_ context.Context, tx *atomic.Tx) error {
				tx.OnCommit(log.commits("inner"))
				return nil
			}, atomic.Nested))
			log.want(f)
			return nil
		}, nil))
		log.want(f, "inner")
	}},
	{55, "hooks of a savepoint that was undone are dropped, those around it stay", func(f *fixture) {
		var log eventLog
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("before"))
			_ = f.inner(ctx, func(_ context.Context, tx *atomic.Tx) error {
				tx.OnCommit(log.commits("dropped"))
				tx.BeforeCommit(log.commits("dropped too"))
				return errRefused
			}, atomic.Nested)
			tx.OnCommit(log.commits("after"))
			return nil
		}, nil))
		log.want(f, "before", "after")
	}},
	{56, "hooks of a savepoint released inside one that was undone are dropped with it", func(f *fixture) {
		var log eventLog
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			_ = f.inner(ctx, func(ctx context.Context, _ *atomic.Tx) error {
				f.must(f.inner(ctx, func(_ context.Context, tx *atomic.Tx) error {
					tx.OnCommit(log.commits("dropped"))
					return nil
				}, atomic.Nested))
				return errRefused
			}, atomic.Nested)
			return nil
		}, nil))
		log.want(f)
	}},
	{57, "no hook after the commit runs when the block fails", func(f *fixture) {
		var log eventLog
		f.is(f.do(func(_ context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("never"))
			return errRefused
		}, nil), errRefused)
		log.want(f)
	}},
	{58, "a hook that fails does not stop the others, and never looks like a failed commit", func(f *fixture) {
		var log eventLog
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(context.Context) error { return errRefused })
			tx.OnCommit(log.commits("the other"))
			tx.OnRollback(log.undoes("undone"))
			return f.add(ctx, tx, "kept")
		}, nil)
		var hook *atomic.HookError
		if !errors.As(err, &hook) || len(hook.Errs) != 1 || hook.Errs[0] != errRefused {
			f.Errorf("Do = %v, want a HookError with the hook's error", err)
		}
		f.isNot(err, errRefused, atomic.ErrBroken, atomic.ErrOutcomeUnknown)
		log.want(f, "the other")
		f.wantWords("kept")
	}},
	{59, "a conflict reported by a hook does not make the committed block run again", func(f *fixture) {
		f.inject(&faultyDialect{})
		runs := 0
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			runs++
			tx.OnCommit(func(context.Context) error { return errConflict })
			return f.add(ctx, tx, "kept")
		}, nil)
		var hook *atomic.HookError
		f.same("is a HookError", errors.As(err, &hook), true)
		f.same("runs", runs, 1)
		f.wantRetried()
		f.wantWords("kept")
	}},
	{60, "a hook that panics lets the others run, then the panic travels on", func(f *fixture) {
		var log eventLog
		func() {
			defer func() { f.same("recovered", recover(), "hook") }()
			_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnCommit(func(context.Context) error { panic("hook") })
				tx.OnCommit(log.commits("the other"))
				return f.add(ctx, tx, "kept")
			}, nil)
		}()
		log.want(f, "the other")
		f.wantWords("kept")
	}},
	{61, "hooks before the commit run last in the transaction, and their writes are committed with it", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.BeforeCommit(func(ctx context.Context) error {
				f.same("words seen by the hook", f.count(ctx, tx), 1)
				return f.add(ctx, tx, "hook")
			})
			return f.add(ctx, tx, "body")
		}, nil))
		f.wantWords("body", "hook")
	}},
	{62, "a hook before the commit that fails rolls everything back, and its error comes back itself", func(f *fixture) {
		var log eventLog
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnRollback(log.undoes("undone"))
			tx.BeforeCommit(func(context.Context) error { return errRefused })
			tx.BeforeCommit(log.commits("never"))
			return f.add(ctx, tx, "gone")
		}, nil)
		if err != errRefused {
			f.Errorf("Do = %v, want the very error", err)
		}
		log.want(f, "undone")
		f.wantWords()
	}},
	{63, "a hook before the commit may register another, which runs too", func(f *fixture) {
		var log eventLog
		f.must(f.do(func(_ context.Context, tx *atomic.Tx) error {
			tx.BeforeCommit(func(context.Context) error {
				log.note("first")
				tx.BeforeCommit(log.commits("second"))
				tx.OnCommit(log.commits("after"))
				return nil
			})
			return nil
		}, nil))
		log.want(f, "first", "second", "after")
	}},
	{64, "hooks after a rollback run last to first, those of a savepoint at its own undoing", func(f *fixture) {
		var log eventLog
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnRollback(log.undoes("outer 1"))
			_ = f.inner(ctx, func(_ context.Context, tx *atomic.Tx) error {
				tx.OnRollback(log.undoes("inner 1"))
				tx.OnRollback(log.undoes("inner 2"))
				return errRefused
			}, atomic.Nested)
			log.note("between")
			tx.OnRollback(log.undoes("outer 2"))
			return errRefused
		}, nil), errRefused)
		log.want(f, "inner 2", "inner 1", "between", "outer 2", "outer 1")
	}},
	{65, "a hook after the commit gets the caller's values but not the caller's cancellation", func(f *fixture) {
		type key struct{}
		ctx, cancel := context.WithCancel(context.WithValue(f.ctx, key{}, "value"))
		f.must(atomic.Do(ctx, f.db, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(ctx context.Context) error {
				cancel()
				f.same("value", ctx.Value(key{}), "value")
				return ctx.Err()
			})
			return nil
		}, nil))
	}},
}
