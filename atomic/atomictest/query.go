package atomictest

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar/atomic"
)

var queryBehaviours = []behaviour{
	{213, "a statement that must concern one row is an error when it concerns none or several", func(f *fixture) {
		for where, want := range map[string]error{
			"item = 1": nil,
			"item = 3": atomic.ErrNotOne,
			"item < 3": atomic.ErrNotOne,
		} {
			f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
				return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces + 1 WHERE `+where)
			}, nil), want)
		}
		f.wantPieces(11, 20)
	}},
	{214, "all rows are read and closed, so that the next statement can run", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			pieces, err := atomic.QueryAll(ctx, tx, atomic.Value[int64], `SELECT pieces FROM stock ORDER BY item`)
			f.must(err)
			f.same("pieces", pieces, []int64{10, 20})
			pieces, err = atomic.QueryAll(ctx, tx, atomic.Value[int64], `SELECT pieces FROM stock WHERE item = 3`)
			f.must(err)
			f.same("pieces", len(pieces), 0)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{215, "a scan that fails closes the rows, and its error comes back itself", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			_, err := atomic.QueryAll(ctx, tx, func(atomic.Row) (int, error) { return 0, errRefused }, `SELECT item FROM stock`)
			if err != errRefused {
				f.Errorf("QueryAll = %v, want the very error", err)
			}
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{216, "one row is read; none and several are errors of their own", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			n, err := atomic.QueryOne(ctx, tx, atomic.Value[int64], `SELECT pieces FROM stock WHERE item = 2`)
			f.must(err)
			f.same("pieces", n, 20)
			_, err = atomic.QueryOne(ctx, tx, atomic.Value[int64], `SELECT pieces FROM stock WHERE item = 3`)
			f.is(err, sql.ErrNoRows)
			_, err = atomic.QueryOne(ctx, tx, atomic.Value[int64], `SELECT pieces FROM stock`)
			f.is(err, atomic.ErrNotOne)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{217, "a statement while rows are open runs, or is refused with the reason where the engine cannot", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			rows, err := f.on(tx).QueryContext(ctx, `SELECT item FROM stock`)
			f.must(err)
			f.same("a first row", rows.Next(), true)
			err = f.add(ctx, tx, "beside")
			if f.Dialect.Traits().RowsBlock {
				f.lacks()
				f.is(err, atomic.ErrRowsOpen)
			} else {
				f.must(err)
			}
			f.must(rows.Close())
			return f.add(ctx, tx, "after")
		}, nil))
		if f.Dialect.Traits().RowsBlock {
			f.wantWords("after")
			return
		}
		f.wantWords("beside", "after")
	}},
	{218, "an error that appears among the rows, and that nobody looks at, never looks committed where the engine broke",
		func(f *fixture) {
			err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "kept"))
				rows, err := f.on(tx).QueryContext(ctx, `SELECT 1 / (pieces - 20) FROM stock ORDER BY item`)
				if err == nil {
					for rows.Next() {
					}
					_ = rows.Close()
				}
				return nil
			}, nil)
			if f.Can.BreaksOnError {
				f.same("Do reports an error", err != nil, true)
				f.wantWords()
				return
			}
			f.must(err) // For these engines it is no error at all, but NULL.
			f.wantWords("kept")
		}},
}
