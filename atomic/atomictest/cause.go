package atomictest

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// shortly is long enough to begin a block and to send a statement, and far shorter than that statement takes.
const shortly = 100 * time.Millisecond

var causeBehaviours = []behaviour{
	{225, "a deadline met inside a statement is told with its cause, and nothing is retried", func(f *fixture) {
		for _, slow := range f.slow() {
			ctx, cancel := context.WithTimeoutCause(f.ctx, shortly, errRefused)
			err := atomic.Do(ctx, f.db, slow, nil)
			cancel()
			f.is(err, context.DeadlineExceeded, errRefused)
			f.isNot(err, atomic.ErrOutcomeUnknown, atomic.ErrBudget)
		}
		f.wantRetried()
	}},
	{226, "a cancellation while waiting for the pool is told with its cause", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		conn, err := f.pool.Conn(f.ctx)
		f.must(err)
		ctx, cancel := context.WithCancelCause(f.ctx)
		done := make(chan error, 1)
		go func() { done <- atomic.Do(ctx, f.db, f.adding("never"), nil) }()
		f.until("somebody waits for the pool", func() bool { return f.pool.Stats().WaitCount > 0 })
		cancel(errRefused)
		f.is(<-done, atomic.ErrNoConnection, context.Canceled, errRefused)
		f.must(conn.Close())
		f.wantWords()
	}},
	{227, "a deadline of a block inside is told with its cause, and is no lost connection to begin again for",
		func(f *fixture) {
			runs := 0
			f.is(f.do(func(ctx context.Context, _ *atomic.Tx) error {
				runs++
				short, cancel := context.WithTimeoutCause(ctx, shortly, errRefused)
				defer cancel()
				err := f.innerDo(short, f.slow()[0], atomic.Nested)
				f.is(err, context.DeadlineExceeded, errRefused)
				return err
			}, nil), context.DeadlineExceeded, errRefused)
			f.same("runs", runs, 1)
			f.wantRetried()
		}},
	{228, "a block's own error stays itself, although its context has ended meanwhile", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		err := atomic.Do(ctx, f.db, func(ctx context.Context, tx *atomic.Tx) error {
			defer cancel()
			f.must(f.add(ctx, tx, "gone"))
			return errRefused
		}, nil)
		if err != errRefused {
			f.Errorf("Do = %v, want the very error", err)
		}
		f.wantWords()
	}},
}

// slow are blocks that send a slow query in all the ways that there are.
func (f *fixture) slow() []block {
	query := f.Speech.Slow
	return []block{
		func(ctx context.Context, tx *atomic.Tx) error {
			_, err := atomic.QueryOne(ctx, tx, atomic.Value[int64], query)
			return err
		},
		func(ctx context.Context, tx *atomic.Tx) error {
			_, err := f.number(ctx, tx, query)
			return err
		},
		func(ctx context.Context, tx *atomic.Tx) error {
			rows, err := tx.QueryContext(ctx, query)
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return rows.Err()
		},
		func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE stock SET pieces = (`+query+`) WHERE item = 1`)
			return err
		},
	}
}

// until waits for what cannot be waited on.
func (f *fixture) until(what string, there func() bool) {
	f.Helper()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for !there() {
		select {
		case <-tick.C:
		case <-f.ctx.Done():
			f.Fatalf("it did not come about that %s", what)
		}
	}
}
