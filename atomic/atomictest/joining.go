package atomictest

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

var joiningBehaviours = []behaviour{
	{23, "a joined block's writes are committed with the outer block", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			return f.inner(ctx, f.adding("joined"), atomic.Join)
		}, nil))
		f.wantWords("joined")
	}},
	{24, "a joined block that fails rolls the outer back although the outer swallows the error", func(f *fixture) {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "outer"))
			if err := f.inner(ctx, f.addingThen("joined", errRefused), atomic.Join); err != errRefused {
				f.Errorf("the joined Do = %v, want the very error", err)
			}
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken, errRefused)
		f.wantWords()
	}},
	{25, "after a joined failure each further statement is refused with the first cause", func(f *fixture) {
		_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
			_ = f.inner(ctx, f.addingThen("joined", errRefused), atomic.Join)
			f.is(f.add(ctx, tx, "more"), atomic.ErrBroken, errRefused)
			f.is(f.inner(ctx, f.adding("nested"), atomic.Nested), atomic.ErrBroken, errRefused)
			return nil
		}, nil)
		f.wantWords()
	}},
	{26, "a joined failure is healed by the savepoint around it", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.is(f.inner(ctx, func(ctx context.Context, _ *atomic.Tx) error {
				return f.inner(ctx, f.addingThen("gone", errRefused), atomic.Join)
			}, atomic.Nested), errRefused)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{27, "a savepoint that swallows a joined failure fails itself, and undoes its writes", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			err := f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "savepoint"))
				_ = f.inner(ctx, f.addingThen("joined", errRefused), atomic.Join)
				return nil
			}, atomic.Nested)
			f.is(err, atomic.ErrBroken, errRefused)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{28, "a savepoint inside a joined block is undone alone", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			return f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "joined"))
				f.is(f.inner(ctx, f.addingThen("gone", errRefused), atomic.Nested), errRefused)
				return nil
			}, atomic.Join)
		}, nil))
		f.wantWords("joined")
	}},
	{29, "a panic in a joined block that the outer recovers still rolls the outer back", func(f *fixture) {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "outer"))
			func() {
				defer func() { f.same("recovered", recover(), "joined") }()
				_ = f.inner(ctx, func(context.Context, *atomic.Tx) error { panic("joined") }, atomic.Join)
			}()
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken)
		f.wantWords()
	}},
	{30, "Join outside any block begins one", func(f *fixture) {
		f.must(f.do(f.adding("kept"), &atomic.Options{Nesting: atomic.Join}))
		f.is(f.do(f.addingThen("gone", errRefused), &atomic.Options{Nesting: atomic.Join}), errRefused)
		f.wantWords("kept")
	}},
	{31, "hooks of a joined block belong to the block around it", func(f *fixture) {
		var log eventLog
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("outer"))
			return f.inner(ctx, func(_ context.Context, tx *atomic.Tx) error {
				tx.OnCommit(log.commits("joined"))
				return nil
			}, atomic.Join)
		}, nil))
		log.want(f, "outer", "joined")
	}},
	{32, "two joined blocks beside each other: the first failure decides", func(f *fixture) {
		second := errors.New("second")
		err := f.do(func(ctx context.Context, _ *atomic.Tx) error {
			_ = f.inner(ctx, f.addingThen("one", errRefused), atomic.Join)
			f.is(f.inner(ctx, f.addingThen("two", second), atomic.Join), atomic.ErrBroken, errRefused)
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken, errRefused)
		f.isNot(err, second)
		f.wantWords()
	}},
}
