package pgxatomic_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
)

// ofThree is a batch whose second statement fails.
func ofThree() *pgx.Batch {
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO words VALUES ('batch')`)
	batch.Queue(`INSERT INTO words VALUES ('batch')`)
	batch.Queue(`INSERT INTO words VALUES ('never')`)
	return batch
}

func TestAnErrorInsideABatchIsNeverACommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ways := map[string]func(r pgx.BatchResults) error{
		"closed": func(r pgx.BatchResults) error { return r.Close() },
		"read": func(r pgx.BatchResults) error {
			_, err := r.Exec()
			f.must(err)
			_, err = r.Exec()
			return errors.Join(err, r.Close())
		},
		"rows": func(r pgx.BatchResults) error {
			_, err := r.Exec()
			f.must(err)
			rows, err := r.Query()
			if err == nil {
				rows.Close()
				err = rows.Err()
			}
			_ = r.Close()
			return err
		},
		"a row": func(r pgx.BatchResults) error {
			_, err := r.Exec()
			f.must(err)
			defer r.Close()
			return r.QueryRow().Scan()
		},
		"left open": func(pgx.BatchResults) error { return errRefused },
	}
	for name, way := range ways {
		f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
			if way(tx.SendBatch(ctx, ofThree())) == nil {
				t.Errorf("%s: no error", name)
			}
			return nil
		}), atomic.ErrBroken)
		f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
				return errors.Join(way(tx.SendBatch(ctx, ofThree())), errRefused)
			})
			f.is(err, errRefused)
			return add(ctx, tx, name)
		}))
	}
	f.wantWords("closed", "read", "rows", "a row", "left open")
}

func TestABatchIsReadAsOverPgx(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		batch := &pgx.Batch{}
		var late []int
		batch.Queue(`INSERT INTO words VALUES ($1)`, "kept")
		batch.Queue(`SELECT generate_series(1, 2)`)
		batch.Queue(`SELECT 3`)
		batch.Queue(`SELECT generate_series(4, 5)`).Query(func(rows pgx.Rows) (err error) {
			f.is(add(ctx, tx, "beside"), atomic.ErrRowsOpen)
			late, err = pgx.CollectRows(rows, pgx.RowTo[int])
			return err
		})
		results := tx.SendBatch(ctx, batch)
		if results.Tx() != nil {
			t.Error("the batch has begun something")
		}
		tag, err := results.Exec()
		if err != nil || tag.RowsAffected() != 1 {
			t.Errorf("the first = %v, %v", tag, err)
		}
		rows, err := results.Query()
		f.must(err)
		f.is(add(ctx, tx, "beside"), atomic.ErrRowsOpen)
		two, err := pgx.CollectRows(rows, pgx.RowTo[int])
		f.must(err)
		var three int
		f.must(results.QueryRow().Scan(&three))
		f.must(results.Close())
		f.must(results.Close())
		if all := append(append(two, three), late...); !slices.Equal(all, []int{1, 2, 3, 4, 5}) {
			t.Errorf("read %v", all)
		}
		if _, err := results.Exec(); err == nil {
			t.Error("closed results have another one")
		}
		f.must(tx.SendBatch(ctx, &pgx.Batch{}).Close())
		one := &pgx.Batch{}
		one.Queue(`SELECT 1`)
		results = tx.SendBatch(ctx, one)
		_, err = results.Exec()
		f.must(err)
		if _, err := results.Exec(); err == nil || !strings.Contains(err.Error(), "no more results") {
			t.Errorf("a result too many = %v", err)
		}
		return results.Close()
	}))
	f.wantWords("kept")
}

func TestTheErrorOfAFunctionOfABatchBreaksNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`INSERT INTO words VALUES ('sent')`).Exec(func(pgconn.CommandTag) error { return errRefused })
		batch.Queue(`INSERT INTO words VALUES ('sent too')`)
		f.is(tx.SendBatch(ctx, batch).Close(), errRefused)
		return add(ctx, tx, "kept")
	}))
	f.wantWords("sent", "sent too", "kept")
}
