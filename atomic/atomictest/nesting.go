package atomictest

import (
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

var nestingBehaviours = []behaviour{
	{11, "a savepoint's writes are committed with the outer block", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			err := f.inner(ctx, f.adding("inner"), atomic.Nested)
			f.wantWords()
			return err
		}, nil))
		f.wantWords("inner")
	}},
	{12, "a savepoint's writes are undone when its block fails and the outer block goes on", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "before"))
			if err := f.inner(ctx, f.addingThen("gone", errRefused), atomic.Nested); err != errRefused {
				f.Errorf("the inner Do = %v, want the very error", err)
			}
			return f.add(ctx, tx, "after")
		}, nil))
		f.wantWords("before", "after")
	}},
	{13, "the outer block's failure undoes savepoints that had ended well", func(f *fixture) {
		f.is(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			f.must(f.inner(ctx, f.adding("inner"), atomic.Nested))
			return errRefused
		}, nil), errRefused)
		f.wantWords()
	}},
	{14, "of three levels, only the middle one and what is inside it are undone", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "outer"))
			f.is(f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "middle"))
				f.must(f.inner(ctx, f.adding("innermost"), atomic.Nested))
				return errRefused
			}, atomic.Nested), errRefused)
			return nil
		}, nil))
		f.wantWords("outer")
	}},
	{15, "of three levels, the innermost alone is undone", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "outer"))
			return f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "middle"))
				f.is(f.inner(ctx, f.addingThen("innermost", errRefused), atomic.Nested), errRefused)
				return nil
			}, atomic.Nested)
		}, nil))
		f.wantWords("outer", "middle")
	}},
	{16, "savepoints beside each other are undone each by itself", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			for i := range 6 {
				var end error
				if i%2 == 1 {
					end = errRefused
				}
				f.is(f.inner(ctx, f.addingThen(fmt.Sprint(i), end), atomic.Nested), end)
			}
			return nil
		}, nil))
		f.wantWords("0", "2", "4")
	}},
	{17, "a hundred savepoints in a loop are released one by one", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			for i := range 100 {
				f.must(f.inner(ctx, f.adding(fmt.Sprint(i)), atomic.Nested))
			}
			// Of the names that were used for savepoints none is left, whatever they are.
			f.same("words", f.count(ctx, tx), 100)
			return nil
		}, nil))
		n, err := f.number(f.ctx, f.other, `SELECT count(*) FROM words`)
		f.must(err)
		f.same("committed", n, 100)
	}},
	{18, "twenty levels deep, the innermost failure travels outwards as it is", func(f *fixture) {
		var level func(n int) block
		level = func(n int) block {
			return func(ctx context.Context, tx *atomic.Tx) error {
				if n == 20 {
					return errRefused
				}
				return errors.Join(f.add(ctx, tx, fmt.Sprint(n)), f.inner(ctx, level(n+1), atomic.Nested))
			}
		}
		f.is(f.do(level(1), nil), errRefused)
		f.wantWords()
	}},
	{19, "an inner block sees what the outer one has written, and the outer what the inner one has", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "outer"))
			f.must(f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				f.same("seen inside", f.count(ctx, tx), 1)
				return f.add(ctx, tx, "inner")
			}, atomic.Nested))
			f.same("seen outside", f.count(ctx, tx), 2)
			return nil
		}, nil))
	}},
	{20, "an update is taken back to the value before the savepoint", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.run(ctx, tx, `UPDATE stock SET pieces = 11 WHERE item = 1`))
			f.is(f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				return errors.Join(f.run(ctx, tx, `UPDATE stock SET pieces = 12 WHERE item = 1`), errRefused)
			}, atomic.Nested), errRefused)
			f.same("pieces after the savepoint", f.pieces(ctx, tx, 1), 11)
			return nil
		}, nil))
		f.wantPieces(11, 20)
	}},
	{21, "a block opened with the outer context stands in the innermost open block", func(f *fixture) {
		f.must(f.do(func(outer context.Context, _ *atomic.Tx) error {
			f.is(f.inner(outer, func(context.Context, *atomic.Tx) error {
				f.must(f.inner(outer, f.adding("inside after all"), atomic.Nested))
				return errRefused
			}, atomic.Nested), errRefused)
			return nil
		}, nil))
		f.wantWords()
	}},
	{22, "a savepoint that fails before its first statement costs the outer block nothing", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "outer"))
			f.is(f.inner(ctx, func(context.Context, *atomic.Tx) error { return errRefused }, atomic.Nested), errRefused)
			return f.add(ctx, tx, "more")
		}, nil))
		f.wantWords("outer", "more")
	}},
}
