package atomictest

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/bursar-ledger/bursar/atomic"
)

var misuseBehaviours = []behaviour{
	{87, "a Tx used after its block was committed says so, and runs nothing", func(f *fixture) {
		var kept *atomic.Tx
		f.must(f.do(func(_ context.Context, tx *atomic.Tx) error {
			kept = tx
			return nil
		}, nil))
		f.refused(kept, atomic.ErrEnded)
		f.wantWords()
	}},
	{88, "a Tx used after its block was rolled back says so, and runs nothing", func(f *fixture) {
		var kept *atomic.Tx
		f.is(f.do(func(_ context.Context, tx *atomic.Tx) error {
			kept = tx
			return errRefused
		}, nil), errRefused)
		f.refused(kept, atomic.ErrEnded)
		f.wantWords()
	}},
	{89, "the Tx of a savepoint that has ended is refused while the outer block goes on", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			for _, end := range []error{errRefused, nil} {
				var kept *atomic.Tx
				f.is(f.inner(ctx, func(_ context.Context, tx *atomic.Tx) error {
					kept = tx
					return end
				}, atomic.Nested), end)
				f.refused(kept, atomic.ErrEnded)
			}
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{90, "a hook registered after the end of its block panics, because it would be lost", func(f *fixture) {
		var kept *atomic.Tx
		f.must(f.do(func(_ context.Context, tx *atomic.Tx) error {
			kept = tx
			return nil
		}, nil))
		for name, register := range map[string]func(){
			"OnCommit":     func() { kept.OnCommit(func(context.Context) error { return nil }) },
			"BeforeCommit": func() { kept.BeforeCommit(func(context.Context) error { return nil }) },
			"OnRollback":   func() { kept.OnRollback(func() {}) },
		} {
			func() {
				defer func() { f.same(name+" panicked", recover() != nil, true) }()
				register()
			}()
		}
	}},
	{91, "the context of a block that has ended begins a block of its own", func(f *fixture) {
		var kept context.Context
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			kept = ctx
			return nil
		}, nil))
		f.must(f.inner(kept, f.adding("durable after all"), atomic.Outermost))
		f.wantWords("durable after all")
	}},
	{92, "of two goroutines on one Tx, one gets its statement and the other is told", func(f *fixture) {
		f.must(f.do(f.collisions, nil))
	}},
	{93, "a block left while a goroutine still runs a statement is rolled back", func(f *fixture) {
		started, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			go func() {
				done <- f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
					err := f.add(ctx, tx, "stray")
					close(started)
					<-leave
					return err
				}, atomic.Nested)
			}()
			<-started
			return nil
		}, nil)
		close(leave)
		f.is(err, atomic.ErrConcurrent)
		if stray := <-done; stray == nil {
			f.Error("the stray block thinks that it was kept")
		}
		f.wantWords()
	}},
	{94, "the outer Tx may be used inside the inner block, and its writes are undone with that", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, outer *atomic.Tx) error {
			f.is(f.inner(ctx, func(ctx context.Context, _ *atomic.Tx) error {
				return errors.Join(f.add(ctx, outer, "gone"), errRefused)
			}, atomic.Nested), errRefused)
			return f.add(ctx, outer, "kept")
		}, nil))
		f.wantWords("kept")
	}},
}

// refused checks that a Tx refuses every kind of statement.
func (f *fixture) refused(tx *atomic.Tx, want error) {
	f.Helper()
	_, err := f.on(tx).ExecContext(f.ctx, `DELETE FROM stock`)
	f.is(err, want)
	_, err = f.on(tx).QueryContext(f.ctx, `SELECT word FROM words`)
	f.is(err, want)
	_, err = f.on(tx).PrepareContext(f.ctx, `SELECT word FROM words`)
	f.is(err, want)
	f.is(rowError(f.on(tx).QueryRowContext(f.ctx, `SELECT word FROM words`)), want)
}

// collisions runs many statements from two goroutines. Each statement is run or refused with ErrConcurrent.
func (f *fixture) collisions(ctx context.Context, tx *atomic.Tx) error {
	const each = 50
	var wg sync.WaitGroup
	var mu sync.Mutex
	ran := 0
	for range 2 {
		wg.Go(func() {
			for range each {
				_, err := f.on(tx).ExecContext(ctx, `UPDATE stock SET pieces = pieces + 1 WHERE item = 1`)
				mu.Lock()
				if err == nil {
					ran++
				} else if !errors.Is(err, atomic.ErrConcurrent) {
					f.Errorf("statement = %v, want ErrConcurrent", err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	f.same("pieces", f.pieces(ctx, tx, 1), 10+ran)
	return nil
}

// beforeCommitting commits as d does, after something else.
func beforeCommitting(d atomic.Dialect, act func()) func(context.Context, *sql.Conn) error {
	return func(ctx context.Context, conn *sql.Conn) error {
		act()
		return d.Commit(ctx, conn)
	}
}
