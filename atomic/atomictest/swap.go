package atomictest

import (
	"context"

	"github.com/bursar-ledger/bursar/atomic"
)

var swapBehaviours = []behaviour{
	{181, "a swap from the version that was read succeeds once, and is stale the second time", func(f *fixture) {
		f.must(f.do(f.swapping(11, 1, 1), nil))
		f.is(f.do(f.swapping(12, 1, 1), nil), atomic.ErrStale)
		f.wantPieces(11, 20)
	}},
	{182, "a swap that writes the value that is there counts as a hit, because it raises the version", func(f *fixture) {
		f.must(f.do(f.swapping(10, 1, 1), nil))
		f.must(f.do(f.swapping(10, 1, 2), nil))
	}},
	{183, "a value that came back to what it was does not fool a swap", func(f *fixture) {
		f.must(f.do(f.swapping(50, 1, 1), nil))
		f.must(f.do(f.swapping(10, 1, 2), nil))
		f.is(f.do(f.swapping(99, 1, 1), nil), atomic.ErrStale)
		f.wantPieces(10, 20)
	}},
	{184, "a swap of several rows must hit exactly as many", func(f *fixture) {
		query := f.Speech.sql(`UPDATE stock SET version = version + 1 WHERE item <= ? AND version = 1`)
		both := func(n int64, upTo int) error {
			return f.do(func(ctx context.Context, tx *atomic.Tx) error { return atomic.Swap(ctx, tx, n, query, upTo) }, nil)
		}
		f.is(both(1, 2), atomic.ErrStale)
		f.is(both(2, 1), atomic.ErrStale)
		f.is(both(2, 0), atomic.ErrStale)
		f.must(both(2, 2))
	}},
	{185, "a stale swap breaks nothing: the block may read again and go on", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.is(f.swapping(11, 1, 7)(ctx, tx), atomic.ErrStale)
			return f.swapping(12, 1, 1)(ctx, tx)
		}, nil))
		f.wantPieces(12, 20)
	}},
	{186, "a stale swap is not retried unless that is asked for, and then the whole block reads again", func(f *fixture) {
		runs := 0
		stale := func(ctx context.Context, tx *atomic.Tx) error {
			runs++
			version, err := f.number(ctx, tx, `SELECT version FROM stock WHERE item = 1`)
			f.must(err)
			if runs < 3 {
				version--
			}
			return f.swapping(15, 1, version)(ctx, tx)
		}
		f.is(f.do(stale, nil), atomic.ErrStale)
		f.same("runs", runs, 1)
		runs = 0
		f.must(f.do(stale, &atomic.Options{RetryStale: true}))
		f.same("runs", runs, 3)
		f.wantPieces(15, 20)
	}},
	{187, "two swaps from one version: the second waits for the first, and is stale", func(f *fixture) {
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.swapping(11, 1, 1)(ctx, tx))
			c = f.client(f.swapping(12, 1, 1), nil)
			c.untilBlocked()
			return nil
		}, nil))
		f.is(c.end(), atomic.ErrStale)
		f.wantPieces(11, 20)
	}},
	{188, "a row locked at the version that was read is as it was, and at any other is stale", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.lockAt(ctx, tx, 1, 1))
			f.is(f.lockAt(ctx, tx, 1, 2), atomic.ErrStale)
			f.is(f.lockAt(ctx, tx, 3, 1), atomic.ErrStale)
			return nil
		}, nil))
	}},
	{189, "the hybrid reads again when the row has changed between its reading and its lock", func(f *fixture) {
		f.hybrid()
	}},
	{190, "the hybrid holds no connection while it reads", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		read := func(ctx context.Context) (int64, error) {
			f.same("a block is open", atomic.InTransaction(ctx), false)
			return f.pieces(ctx, f.pool, 1), nil
		}
		f.must(atomic.Hybrid(f.ctx, f.db, read, func(ctx context.Context, tx *atomic.Tx, was int64) error {
			return f.run(ctx, tx, `UPDATE stock SET pieces = ? WHERE item = 1`, was+1)
		}, nil))
		f.wantPieces(11, 20)
	}},
	{191, "the hybrid is refused inside a block, and gives up when its budget is spent", func(f *fixture) {
		read := func(context.Context) (int, error) { return 0, nil }
		stale := func(ctx context.Context, tx *atomic.Tx, _ int) error { return f.lockAt(ctx, tx, 1, 99) }
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			f.is(atomic.Hybrid(ctx, f.db, read, stale, nil), atomic.ErrNested)
			return nil
		}, nil))
		f.is(atomic.Hybrid(f.ctx, f.db, read, stale, &atomic.Options{Retry: atomic.Budget{Attempts: 3}}),
			atomic.ErrBudget, atomic.ErrStale)
	}},
}

// swapping is a block that writes pieces to an item of a version.
func (f *fixture) swapping(pieces int64, item int, version int64) block {
	query := f.Speech.sql(`UPDATE stock SET pieces = ?, version = version + 1 WHERE item = ? AND version = ?`)
	return func(ctx context.Context, tx *atomic.Tx) error {
		return atomic.Swap(ctx, tx, 1, query, pieces, item, version)
	}
}

func (f *fixture) lockAt(ctx context.Context, tx *atomic.Tx, item int, version int64) error {
	clause, err := tx.LockClause(atomic.RowLock{})
	if err != nil {
		return err
	}
	return atomic.LockAt(ctx, tx, version, f.Speech.sql(`SELECT version FROM stock WHERE item = ? `+clause), item)
}

// hybrid doubles item 1, which another session changes after the first reading.
func (f *fixture) hybrid() {
	f.Helper()
	type row struct{ pieces, version int64 }
	reads, writes := 0, 0
	read := func(ctx context.Context) (r row, err error) {
		reads++
		err = f.pool.QueryRowContext(ctx, `SELECT pieces, version FROM stock WHERE item = 1`).Scan(&r.pieces, &r.version)
		if reads == 1 {
			f.must(f.run(ctx, f.other, `UPDATE stock SET pieces = 30, version = version + 1 WHERE item = 1`))
		}
		return r, err
	}
	f.must(atomic.Hybrid(f.ctx, f.db, read, func(ctx context.Context, tx *atomic.Tx, was row) error {
		writes++
		if err := f.lockAt(ctx, tx, 1, was.version); err != nil {
			return err
		}
		return f.run(ctx, tx, `UPDATE stock SET pieces = ?, version = version + 1 WHERE item = 1`, 2*was.pieces)
	}, nil))
	f.same("reads and writes", []int{reads, writes}, []int{2, 2})
	f.wantPieces(60, 20)
}
