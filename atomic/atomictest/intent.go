package atomictest

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar/atomic"
)

var intentBehaviours = []behaviour{
	{33, "a durable block outside any other is committed when it returns", func(f *fixture) {
		f.must(f.do(f.adding("kept"), &atomic.Options{Nesting: atomic.Outermost}))
		f.wantWords("kept")
	}},
	{34, "a durable block inside another is refused before it runs, and the other goes on", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.is(f.inner(ctx, func(context.Context, *atomic.Tx) error {
				f.Error("fn ran")
				return nil
			}, atomic.Outermost), atomic.ErrNested)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{35, "a durable block is refused at any depth, savepoint or joined", func(f *fixture) {
		durable := func(ctx context.Context, _ *atomic.Tx) error {
			return f.inner(ctx, f.adding("never"), atomic.Outermost)
		}
		for _, nesting := range []atomic.Nesting{atomic.Nested, atomic.Join} {
			f.is(f.do(func(ctx context.Context, _ *atomic.Tx) error {
				return f.inner(ctx, durable, nesting)
			}, nil), atomic.ErrNested)
		}
		f.wantWords()
	}},
	{36, "a durable block is refused inside a block of another database, which may run again", func(f *fixture) {
		second := newFixture(f.T, f.Harness)
		f.is(second.do(func(ctx context.Context, _ *atomic.Tx) error {
			return f.inner(ctx, f.adding("never"), atomic.Outermost)
		}, nil), atomic.ErrNested)
		f.wantWords()
	}},
	{37, "a durable block may run in a hook after the commit", func(f *fixture) {
		f.must(f.do(func(_ context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(ctx context.Context) error { return f.inner(ctx, f.adding("hook"), atomic.Outermost) })
			return nil
		}, nil))
		f.wantWords("hook")
	}},
	{38, "an inner block cannot ask for another isolation level", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.is(atomic.Do(ctx, f.db, f.adding("never"), &atomic.Options{Isolation: sql.LevelSerializable}), atomic.ErrMode)
			return f.add(ctx, tx, "kept")
		}, &atomic.Options{Isolation: sql.LevelRepeatableRead}))
		f.wantWords("kept")
	}},
	{39, "an inner block may repeat the isolation level around it", func(f *fixture) {
		o := &atomic.Options{Isolation: sql.LevelRepeatableRead}
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error { return atomic.Do(ctx, f.db, f.adding("kept"), o) }, o))
		f.wantWords("kept")
	}},
	{40, "an inner block cannot become read-only, but may be silent about it inside one that is", func(f *fixture) {
		readOnly := &atomic.Options{ReadOnly: true}
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			f.is(atomic.Do(ctx, f.db, f.adding("never"), readOnly), atomic.ErrMode)
			return nil
		}, nil))
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			return f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				f.same("words", f.count(ctx, tx), 0)
				return nil
			}, atomic.Nested)
		}, readOnly))
	}},
}
