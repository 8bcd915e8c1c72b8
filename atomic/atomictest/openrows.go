package atomictest

import (
	"context"

	"github.com/bursar-ledger/bursar/atomic"
)

var rowsBehaviours = []behaviour{
	{81, "rows left open do not keep a block from committing, nor its connection from going back", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "kept"))
			rows, err := f.on(tx).QueryContext(ctx, `SELECT item FROM stock`)
			f.must(err)
			f.same("a first row", rows.Next(), true)
			return nil
		}, nil))
		f.wantWords("kept")
	}},
	{82, "rows left open do not keep a block from rolling back", func(f *fixture) {
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			rows, err := f.on(tx).QueryContext(ctx, `SELECT item FROM stock`)
			f.must(err)
			f.same("a first row", rows.Next(), true)
			return errRefused
		}, nil), errRefused)
		f.wantWords()
	}},
	{83, "rows left open in a savepoint are closed with it, undone or not", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			for _, end := range []error{errRefused, nil} {
				f.is(f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
					rows, err := f.on(tx).QueryContext(ctx, `SELECT item FROM stock`)
					f.must(err)
					f.same("a first row", rows.Next(), true)
					return end
				}, atomic.Nested), end)
			}
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{84, "a row that is never scanned does not keep the connection", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		for _, end := range []error{nil, errRefused} {
			f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
				_ = f.on(tx).QueryRowContext(ctx, `SELECT item FROM stock`)
				return end
			}, nil), end)
		}
	}},
	{85, "a prepared statement is closed with the outermost block, and works in the blocks inside", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			insert, err := f.on(tx).PrepareContext(ctx, f.Speech.sql(`INSERT INTO words VALUES (?)`))
			f.must(err)
			_, err = insert.ExecContext(ctx, "one")
			f.must(err)
			return f.inner(ctx, func(ctx context.Context, _ *atomic.Tx) error {
				_, err := insert.ExecContext(ctx, "two")
				return err
			}, atomic.Nested)
		}, nil))
		f.wantWords("one", "two")
	}},
	{86, "rows that were read to their end let every later statement run", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			for range 20 {
				rows, err := f.on(tx).QueryContext(ctx, `SELECT item FROM stock`)
				f.must(err)
				n := 0
				for rows.Next() {
					n++
				}
				f.must(rows.Err())
				f.same("rows", n, 2)
			}
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
}
