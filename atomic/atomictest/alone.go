package atomictest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

var aloneBehaviours = []behaviour{
	{247, "who begins alone is begun again after a conflict of the engine, and commits once", func(f *fixture) {
		f.retriedAlone()
	}},
	{248, "nothing is run again alone when a commit may have happened, whatever conflict is wrapped", func(f *fixture) {
		d := &faultyDialect{Dialect: f.Dialect, classify: func(err error) (atomic.Class, bool) {
			return atomic.Class{Kind: atomic.KindLost, Damage: atomic.DamageAll}, errors.Is(err, errLost)
		}}
		hook := &atomic.HookError{Errs: []error{errConflict}}
		for _, end := range []error{
			errLost, errStorage, errRefused, hook, fmt.Errorf("%w: %w", atomic.ErrOutcomeUnknown, errConflict),
			fmt.Errorf("%w: %w", atomic.ErrBudget, errConflict),
		} {
			runs := 0
			err := atomic.Retry(f.ctx, d, func(context.Context) error {
				runs++
				return end
			}, f.quick())
			f.same(fmt.Sprint("runs that end with ", end), runs, 1)
			f.same("the very error comes back", err == end, true)
		}
	}},
	{249, "the budget of who begins alone is that of a block, and the last conflict is told", func(f *fixture) {
		d := &faultyDialect{Dialect: f.Dialect}
		for budget, want := range map[atomic.Budget]int{{}: 20, {Attempts: 3}: 3, {Attempts: 100, Time: 5 * time.Second}: 5} {
			runs := 0
			o := f.quick()
			o.Budget = budget
			err := atomic.Retry(f.ctx, d, func(context.Context) error {
				runs++
				if want == 5 {
					f.clock.Advance(time.Second)
				}
				return errConflict
			}, o)
			f.is(err, atomic.ErrBudget, errConflict)
			f.same("runs", runs, want)
		}
	}},
	{250, "who begins alone is refused inside a block, and not begun with a context that is done", func(f *fixture) {
		never := func(context.Context) error {
			f.Error("fn ran")
			return nil
		}
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			f.is(atomic.Retry(ctx, f.Dialect, never, nil), atomic.ErrNested)
			return nil
		}, nil))
		ctx, cancel := context.WithCancelCause(f.ctx)
		cancel(errRefused)
		f.is(atomic.Retry(ctx, f.Dialect, never, nil), context.Canceled, errRefused)
		short, end := context.WithTimeoutCause(f.ctx, shortly, errRefused)
		defer end()
		f.is(atomic.Retry(short, f.Dialect, func(ctx context.Context) error {
			_, err := f.number(ctx, f.pool, f.Speech.Slow)
			return err
		}, nil), context.DeadlineExceeded, errRefused)
	}},
	{251, "the value of a block is that of the attempt that was committed, and nothing if none was", func(f *fixture) {
		f.inject(&faultyDialect{})
		run := 0
		value := func(end error) func(ctx context.Context, tx *atomic.Tx) (string, error) {
			return func(ctx context.Context, tx *atomic.Tx) (string, error) {
				run++
				if run == 1 {
					return "early", errConflict
				}
				return "late", end
			}
		}
		got, err := atomic.DoValue(f.ctx, f.db, value(nil), nil)
		f.must(err)
		f.same("value", got, "late")
		got, err = atomic.DoValue(f.ctx, f.db, value(errRefused), nil)
		f.is(err, errRefused)
		f.same("value after an error", got, "")
		got, err = atomic.DoValue(f.ctx, f.db, func(_ context.Context, tx *atomic.Tx) (string, error) {
			tx.OnCommit(failingHook)
			return "committed", nil
		}, nil)
		f.same("value after a failed hook, and whether it failed", []any{got, err != nil}, []any{"committed", true})
	}},
	{252, "a duplicate is told from every other error, with the name of its constraint where drivers have one",
		func(f *fixture) {
			f.exec(`CREATE TABLE named (n INTEGER NOT NULL, CONSTRAINT only_once UNIQUE (n))`)
			twice := f.do(func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.run(ctx, tx, `INSERT INTO named VALUES (1)`))
				return f.run(ctx, tx, `INSERT INTO named VALUES (1)`)
			}, nil)
			name := ""
			if f.Can.Named {
				name = "only_once"
			} else {
				f.lacks()
			}
			for _, c := range []atomic.Classifier{f.db, f.Dialect} {
				constraint, ok := atomic.IsUnique(fmt.Errorf("wrapped: %w", twice), c)
				f.same("duplicate", []any{constraint, ok}, []any{name, true})
				for _, err := range []error{nil, errRefused, atomic.ErrBroken, f.do(func(ctx context.Context, tx *atomic.Tx) error {
					return f.run(ctx, tx, `INSERT INTO named VALUES (NULL)`)
				}, nil)} {
					_, ok := atomic.IsUnique(err, c)
					f.same(fmt.Sprint(err, " is a duplicate"), ok, false)
				}
			}
		}},
	{253, "a repository finds the block around it, and the pool outside of any", func(f *fixture) {
		read := func(ctx context.Context) int64 { return f.count(ctx, atomic.TxOrPool(ctx, f.db)) }
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, atomic.TxOrPool(ctx, f.db), "gone"))
			f.same("words inside", read(ctx), 1)
			f.same("it is the Tx", atomic.TxOrPool(ctx, f.db) == atomic.DBTX(tx), true)
			return errRefused
		}, nil), errRefused)
		f.same("words outside", read(f.ctx), 0)
		f.must(f.add(f.ctx, atomic.TxOrPool(f.ctx, f.db), "kept"))
		f.wantWords("kept")
	}},
	{254, "a keyed block in a block of another database happens once, however often that runs", func(f *fixture) {
		f.setup()
		second := newFixture(f.T, f.Harness)
		second.inject(&faultyDialect{})
		f.must(second.do(second.failing(2, func(ctx context.Context, _ *atomic.Tx, run int) error {
			_, replayed, err := atomic.DoKeyed(ctx, f.db, "pay", func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
				return nil, f.add(ctx, tx, fmt.Sprint(run))
			}, nil)
			f.same("replayed", replayed, run > 1)
			return err
		}), nil))
		f.wantWords("1")
	}},
}

var errLost = errors.New("injected loss of a connection")

// quick are options with the fixture's clock.
func (f *fixture) quick() *atomic.RetryOptions {
	return &atomic.RetryOptions{Clock: f.clock, Rand: func(n int64) int64 { return n - 1 }}
}

// retriedAlone runs into a lock that another session holds until the first conflict.
func (f *fixture) retriedAlone() {
	f.Helper()
	holder, err := f.other.Conn(f.ctx)
	f.must(err)
	defer holder.Close()
	f.must(f.run(f.ctx, holder, `BEGIN`))
	f.must(f.run(f.ctx, holder, `UPDATE stock SET pieces = pieces + 1 WHERE item = 1`))
	o := f.quick()
	var codes []string
	o.Retried = func(_ context.Context, _, code string, _ int) {
		if len(codes) == 0 {
			f.must(f.run(f.ctx, holder, `COMMIT`))
		}
		codes = append(codes, code)
	}
	runs := 0
	f.must(atomic.Retry(f.ctx, f.Dialect, func(ctx context.Context) error {
		runs++
		tx, err := f.pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // After a commit it does nothing.
		if f.Can.NoWait {
			var n int64
			err := tx.QueryRowContext(ctx, `SELECT pieces FROM stock WHERE item = 1 FOR UPDATE NOWAIT`).Scan(&n)
			if err != nil {
				return fmt.Errorf("locking: %w", err)
			}
		}
		if err := f.run(ctx, tx, `UPDATE stock SET pieces = pieces * 2 WHERE item = 1`); err != nil {
			return err
		}
		return tx.Commit()
	}, o))
	f.same("runs, and conflicts with a code", []any{runs, len(codes)}, []any{2, 1})
	f.wantPieces(22, 20)
}
