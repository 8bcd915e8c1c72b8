package atomictest

import (
	"context"
	"runtime"

	"github.com/bursar-ledger/bursar/atomic"
)

var unwindingBehaviours = []behaviour{
	{75, "a panic rolls back and travels on with its own value", func(f *fixture) {
		var log eventLog
		value := &struct{ n int }{1}
		func() {
			defer func() { f.same("the same value", recover() == any(value), true) }()
			_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnRollback(log.undoes("undone"))
				tx.OnCommit(log.commits("committed"))
				f.must(f.add(ctx, tx, "gone"))
				panic(value)
			}, nil)
		}()
		log.want(f, "undone")
		f.wantWords()
	}},
	{76, "a panic in a savepoint that nobody recovers rolls everything back", func(f *fixture) {
		func() {
			defer func() { f.same("recovered", recover(), "inner") }()
			_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "outer"))
				return f.inner(ctx, func(context.Context, *atomic.Tx) error { panic("inner") }, atomic.Nested)
			}, nil)
		}()
		f.wantWords()
	}},
	{77, "a panic in a savepoint that the outer block recovers undoes the savepoint alone", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "outer"))
			func() {
				defer func() { f.same("recovered", recover(), "inner") }()
				_ = f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
					f.must(f.add(ctx, tx, "inner"))
					panic("inner")
				}, atomic.Nested)
			}()
			return f.add(ctx, tx, "more")
		}, nil))
		f.wantWords("outer", "more")
	}},
	{78, "runtime.Goexit rolls back, as t.FailNow does in a test", func(f *fixture) {
		var log eventLog
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnRollback(log.undoes("undone"))
				return f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
					_ = f.add(ctx, tx, "gone")
					runtime.Goexit()
					return nil
				}, atomic.Nested)
			}, nil)
			f.Error("Do returned")
		}()
		<-done
		log.want(f, "undone")
		f.wantWords()
	}},
	{79, "a panic of a hook before the commit rolls back", func(f *fixture) {
		func() {
			defer func() { f.same("recovered", recover(), "hook") }()
			_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
				tx.BeforeCommit(func(context.Context) error { panic("hook") })
				return f.add(ctx, tx, "gone")
			}, nil)
		}()
		f.wantWords()
	}},
	{80, "a panic is not retried, even with a conflict as its value", func(f *fixture) {
		f.inject(&faultyDialect{})
		runs := 0
		func() {
			defer func() { f.same("recovered", recover(), errConflict) }()
			_ = f.do(func(context.Context, *atomic.Tx) error {
				runs++
				panic(errConflict)
			}, nil)
		}()
		f.same("runs", runs, 1)
		f.wantRetried()
	}},
}
