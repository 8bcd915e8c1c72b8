package atomictest

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

var endingBehaviours = []behaviour{
	{1, "what a block wrote is committed when it returns nil", func(f *fixture) {
		f.must(f.do(f.adding("kept", "kept too"), nil))
		f.wantWords("kept", "kept too")
	}},
	{2, "what a block wrote is gone when it returns an error, and the error comes back itself", func(f *fixture) {
		if err := f.do(f.addingThen("gone", errRefused), nil); err != errRefused {
			f.Errorf("Do = %v, want the very error", err)
		}
		f.wantWords()
	}},
	{3, "a wrapped error comes back wrapped as it was", func(f *fixture) {
		wrapped := errors.Join(errors.New("outer"), errRefused)
		if err := f.do(f.addingThen("gone", wrapped), nil); err != wrapped {
			f.Errorf("Do = %v, want the very error", err)
		}
	}},
	{4, "nothing of a block is seen by another session before the commit", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			if err := f.add(ctx, tx, "kept"); err != nil {
				return err
			}
			f.wantWords()
			f.same("words inside", f.count(ctx, tx), 1)
			return nil
		}, nil))
		f.wantWords("kept")
	}},
	{5, "a block that does nothing commits nothing and is no error", func(f *fixture) {
		f.must(f.do(func(context.Context, *atomic.Tx) error { return nil }, nil))
		f.wantWords()
	}},
	{6, "blocks one after the other share one connection of a pool of one", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		for _, word := range []string{"a", "b", "c"} {
			f.must(f.do(f.adding(word), nil))
			f.is(f.do(f.addingThen(word+"!", errRefused), nil), errRefused)
		}
		f.wantWords("a", "b", "c")
	}},
	{7, "nested blocks and statements through the context need no second connection", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			tx, ok := atomic.From(ctx, f.db)
			f.same("found in the context", ok, true)
			return errors.Join(f.add(ctx, tx, "outer"), f.inner(ctx, f.adding("inner"), atomic.Nested))
		}, nil))
		f.wantWords("outer", "inner")
	}},
	{8, "two handles on one pool do not see each other's blocks", func(f *fixture) {
		second := f.open(f.Dialect)
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			_, ok := atomic.From(ctx, second)
			f.same("found through the other handle", ok, false)
			return atomic.Do(ctx, second, func(ctx context.Context, tx *atomic.Tx) error {
				f.same("words", f.count(ctx, tx), 0)
				first, ok := atomic.From(ctx, f.db)
				f.same("the first block is still found, and is another one", []bool{ok, first != tx}, []bool{true, true})
				return nil
			}, &atomic.Options{ReadOnly: true})
		}, nil))
	}},
	{9, "a block on another database is not undone with the one around it", func(f *fixture) {
		second := newFixture(f.T, f.Harness)
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			if err := f.add(ctx, tx, "gone"); err != nil {
				return err
			}
			return errors.Join(atomic.Do(ctx, second.db, second.adding("kept"), nil), errRefused)
		}, nil), errRefused)
		f.wantWords()
		second.wantWords("kept")
	}},
	{10, "any open block is seen by InTransaction, and none after its end", func(f *fixture) {
		var kept context.Context
		f.same("before", atomic.InTransaction(f.ctx), false)
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			kept = ctx
			f.same("inside", atomic.InTransaction(ctx), true)
			tx.OnCommit(func(ctx context.Context) error {
				f.same("in a hook after the commit", atomic.InTransaction(ctx), false)
				return nil
			})
			return nil
		}, nil))
		f.same("afterwards, in a context that was kept", atomic.InTransaction(kept), false)
	}},
}
