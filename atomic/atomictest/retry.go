package atomictest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

var retryBehaviours = []behaviour{
	{95, "a conflict runs the whole block again, from a clean state", func(f *fixture) {
		f.inject(&faultyDialect{})
		f.must(f.do(f.failing(2, func(ctx context.Context, tx *atomic.Tx, run int) error {
			f.same("words at the start", f.count(ctx, tx), 0)
			return f.add(ctx, tx, fmt.Sprint(run))
		}), &atomic.Options{Name: "pay"}))
		f.wantWords("3")
		f.wantRetried("pay conflict 1", "pay conflict 2")
	}},
	{96, "a conflict in a savepoint runs the outermost block again, not the savepoint", func(f *fixture) {
		f.inject(&faultyDialect{})
		outer, inner := 0, 0
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			outer++
			return f.inner(ctx, func(context.Context, *atomic.Tx) error {
				inner++
				if inner < 3 {
					return fmt.Errorf("wrapped: %w", errConflict)
				}
				return nil
			}, atomic.Nested)
		}, nil))
		f.same("runs of the outer and the inner block", []int{outer, inner}, []int{3, 3})
	}},
	{97, "each attempt begins without the hooks of the one before", func(f *fixture) {
		f.inject(&faultyDialect{})
		var log eventLog
		f.must(f.do(f.failing(1, func(_ context.Context, tx *atomic.Tx, run int) error {
			tx.OnCommit(log.commits(fmt.Sprint("committed ", run)))
			tx.BeforeCommit(log.commits(fmt.Sprint("before ", run)))
			tx.OnRollback(log.undoes(fmt.Sprint("undone ", run)))
			return nil
		}), nil))
		log.want(f, "undone 1", "before 2", "committed 2")
	}},
	{98, "an error that is no conflict is not retried", func(f *fixture) {
		runs := 0
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			runs++
			f.must(f.add(ctx, tx, "once"))
			return f.collide(ctx, tx, "once")
		}, nil)
		f.same("runs", runs, 1)
		f.isNot(err, atomic.ErrBudget)
		f.wantRetried()
	}},
	{99, "the attempts are bounded, and the last conflict is told", func(f *fixture) {
		f.inject(&faultyDialect{})
		runs := 0
		err := f.do(func(context.Context, *atomic.Tx) error {
			runs++
			return errConflict
		}, &atomic.Options{Retry: atomic.Budget{Attempts: 4}})
		f.is(err, atomic.ErrBudget, errConflict)
		f.same("runs", runs, 4)
	}},
	{100, "the time for attempts is bounded, whatever their number", func(f *fixture) {
		f.inject(&faultyDialect{})
		runs := 0
		err := f.do(func(context.Context, *atomic.Tx) error {
			runs++
			f.clock.Advance(time.Second)
			return errConflict
		}, &atomic.Options{Retry: atomic.Budget{Attempts: 1000, Time: 5 * time.Second}})
		f.is(err, atomic.ErrBudget, errConflict)
		f.same("runs", runs, 5)
	}},
	{101, "one attempt means that nothing is retried", func(f *fixture) {
		f.inject(&faultyDialect{})
		f.is(f.do(func(context.Context, *atomic.Tx) error { return errConflict },
			&atomic.Options{Retry: atomic.Budget{Attempts: 1}}), atomic.ErrBudget)
		f.wantRetried()
	}},
	{102, "waits between attempts grow, and are bounded", func(f *fixture) {
		f.inject(&faultyDialect{})
		_ = f.do(func(context.Context, *atomic.Tx) error { return errConflict }, nil)
		for i, slept := range f.clock.slept {
			if i > 0 && slept < f.clock.slept[i-1] || slept <= 0 || slept > time.Second {
				f.Errorf("waits = %v, want them to grow up to a bound", f.clock.slept)
				break
			}
		}
		f.same("waits", len(f.clock.slept), 19)
	}},
	{103, "a conflict that the block swallows is not retried, and does not come back", func(f *fixture) {
		f.inject(&faultyDialect{})
		runs := 0
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			runs++
			_ = f.inner(ctx, func(context.Context, *atomic.Tx) error { return errConflict }, atomic.Nested)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.same("runs", runs, 1)
		f.wantWords("kept")
	}},
	{104, "a conflict in a joined block is retried although the block around it swallowed it", func(f *fixture) {
		f.inject(&faultyDialect{})
		runs := 0
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			runs++
			_ = f.inner(ctx, func(context.Context, *atomic.Tx) error {
				if runs == 1 {
					return errConflict
				}
				return nil
			}, atomic.Join)
			return nil
		}, nil))
		f.same("runs", runs, 2)
	}},
	{105, "a conflict hidden by an error that does not wrap it is not retried", func(f *fixture) {
		f.inject(&faultyDialect{})
		runs := 0
		err := f.do(func(context.Context, *atomic.Tx) error {
			runs++
			return errors.New("hidden: " + errConflict.Error())
		}, nil)
		f.same("runs", runs, 1)
		f.isNot(err, atomic.ErrBudget)
	}},
	{106, "a block on another database runs and commits once for each run of the one around it", func(f *fixture) {
		f.inject(&faultyDialect{})
		second := newFixture(f.T, f.Harness)
		f.must(f.do(f.failing(1, func(ctx context.Context, _ *atomic.Tx, run int) error {
			return atomic.Do(ctx, second.db, second.adding(fmt.Sprint(run)), nil)
		}), nil))
		second.wantWords("1", "2")
	}},
}

// failing is a block that ends its first n runs with a conflict.
func (f *fixture) failing(n int, body func(ctx context.Context, tx *atomic.Tx, run int) error) block {
	run := 0
	return func(ctx context.Context, tx *atomic.Tx) error {
		run++
		if err := body(ctx, tx, run); err != nil || run > n {
			return err
		}
		return errConflict
	}
}
