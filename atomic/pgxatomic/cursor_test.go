package pgxatomic_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
)

// divided meets a division by zero in its third row.
const divided = `SELECT 1 / (3 - n) FROM generate_series(1, 5) AS n`

func TestWhileRowsAreOpenNothingElseRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		rows, err := tx.Query(ctx, `SELECT generate_series(1, 3)`)
		f.must(err)
		if !rows.Next() {
			t.Error("no row")
		}
		f.is(add(ctx, tx, "beside"), atomic.ErrRowsOpen)
		_, err = tx.Atomic().ExecContext(ctx, `SELECT 1`)
		f.is(err, atomic.ErrRowsOpen)
		_, err = tx.Begin(ctx)
		f.is(err, atomic.ErrRowsOpen)
		if values, err := rows.Values(); err != nil || values[0] != int32(1) {
			t.Errorf("values = %v, %v", values, err)
		}
		rows.Close()
		if rows.Next() || rows.Err() != nil || rows.CommandTag().RowsAffected() != 3 {
			t.Errorf("closed rows: %v, %v", rows.Err(), rows.CommandTag())
		}
		row := tx.QueryRow(ctx, `SELECT 7`)
		f.is(add(ctx, tx, "beside"), atomic.ErrRowsOpen)
		var n int
		f.must(row.Scan(&n))
		return add(ctx, tx, "kept")
	}))
	f.wantWords("kept")
}

func TestWhatIsLeftOpenEndsWithItsBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var rows pgx.Rows
	var results pgx.BatchResults
	var row pgx.Row
	open := map[string]func(ctx context.Context, tx pgx.Tx){
		"rows": func(ctx context.Context, tx pgx.Tx) {
			var err error
			rows, err = tx.Query(ctx, `SELECT generate_series(1, 3)`)
			f.must(err)
			if !rows.Next() {
				t.Error("no row")
			}
		},
		"a row": func(ctx context.Context, tx pgx.Tx) { row = tx.QueryRow(ctx, `SELECT 1`) },
		"results": func(ctx context.Context, tx pgx.Tx) {
			batch := &pgx.Batch{}
			batch.Queue(`SELECT 1`)
			results = tx.SendBatch(ctx, batch)
		},
	}
	for name, leave := range open {
		for _, end := range []error{nil, errRefused} {
			f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
				f.is(pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
					leave(ctx, inner)
					return end
				}), end)
				if end == nil {
					f.must(add(ctx, tx, name))
				}
				leave(ctx, tx)
				return end
			}), end)
		}
	}
	if rows.Next() || !errors.Is(rows.Err(), atomic.ErrEnded) {
		t.Errorf("rows after their block: %v", rows.Err())
	}
	f.is(rows.Scan(), atomic.ErrEnded)
	f.is(row.Scan(), atomic.ErrEnded)
	_, err := results.Exec()
	f.is(err, atomic.ErrEnded, pgx.ErrTxClosed)
	f.is(results.Close(), atomic.ErrEnded)
	f.wantWords("rows", "a row", "results")
}

func TestAnErrorAmongTheRowsIsNeverACommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ways := map[string]func(ctx context.Context, tx pgx.Tx) error{
		"read": func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, divided)
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return rows.Err()
		},
		"closed early": func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, divided)
			if err != nil {
				return err
			}
			rows.Close()
			return rows.Err()
		},
		"left open": func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Query(ctx, divided)
			return errors.Join(err, errRefused)
		},
		"a row": func(ctx context.Context, tx pgx.Tx) error {
			var n int
			return tx.QueryRow(ctx, `SELECT 1 / (pid - pid) FROM pg_stat_activity`).Scan(&n)
		},
	}
	for name, way := range ways {
		f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
			f.must(add(ctx, tx, "gone"))
			if way(ctx, tx) == nil {
				t.Errorf("%s: no error", name)
			}
			return nil
		}), atomic.ErrBroken)
		f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return errors.Join(way(ctx, tx), errRefused) })
			f.is(err, errRefused)
			return add(ctx, tx, name)
		}))
	}
	f.wantWords("read", "closed early", "left open", "a row")
}

func TestAConflictAmongTheRowsRunsTheBlockAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE FUNCTION conflict(n integer) RETURNS integer LANGUAGE plpgsql AS
		$$ BEGIN IF n = 3 THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END IF; RETURN n; END $$`)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		last := 2
		if f.runs == 1 {
			last = 3
		}
		rows, err := tx.Query(ctx, `SELECT conflict(n) FROM generate_series(1, $1) AS n`, last)
		if err != nil {
			return err
		}
		_, err = pgx.CollectRows(rows, pgx.RowTo[int])
		return errors.Join(err, add(ctx, tx, "kept"))
	}))
	if f.runs != 2 {
		t.Errorf("%d runs", f.runs)
	}
	f.wantWords("kept")
}

func TestAnErrorInsideACopyIsNeverACommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	twice := pgx.CopyFromRows([][]any{{"one"}, {"one"}})
	failing := pgx.CopyFromFunc(func() ([]any, error) { return nil, errRefused })
	wrong := pgx.CopyFromRows([][]any{{struct{}{}}})
	for _, source := range []pgx.CopyFromSource{twice, failing, wrong} {
		f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
			f.must(add(ctx, tx, "gone"))
			n, err := tx.CopyFrom(ctx, pgx.Identifier{"words"}, []string{"word"}, source)
			if n != 0 || err == nil {
				t.Errorf("copied %d, %v", n, err)
			}
			f.is(add(ctx, tx, "more"), atomic.ErrBroken, err)
			return nil
		}), atomic.ErrBroken)
	}
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"words"}, []string{"word"}, pgx.CopyFromFunc(func() ([]any, error) {
			f.is(add(ctx, tx, "beside"), atomic.ErrConcurrent)
			return nil, nil
		}))
		return err
	}))
	f.wantWords()
}

func TestAPanicOfAReaderUndoesItsBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ways := map[string]func(ctx context.Context, tx pgx.Tx){
		"scanning": func(ctx context.Context, tx pgx.Tx) {
			_ = tx.QueryRow(ctx, `SELECT generate_series(1, 3)`).Scan(panicking{})
		},
		"among the rows": func(ctx context.Context, tx pgx.Tx) {
			rows, _ := tx.Query(ctx, `SELECT generate_series(1, 3)`)
			_, _ = pgx.ForEachRow(rows, []any{new(int)}, func() error { panic("in a test") })
		},
		"in a batch": func(ctx context.Context, tx pgx.Tx) {
			batch := &pgx.Batch{}
			batch.Queue(`SELECT 1`).Exec(func(pgconn.CommandTag) error { panic("in a test") })
			_ = tx.SendBatch(ctx, batch).Close()
		},
		"rewriting": func(ctx context.Context, tx pgx.Tx) {
			_, _ = tx.Exec(ctx, `SELECT 1`, panicking{})
		},
	}
	for name, way := range ways {
		func() {
			defer func() {
				if p := recover(); p != "in a test" {
					t.Errorf("%s: recovered %v", name, p)
				}
			}()
			_ = f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
				f.must(add(ctx, tx, "gone"))
				way(ctx, tx)
				return nil
			})
		}()
		f.wantWords()
	}
}

// panicking panics as an argument and as a destination.
type panicking struct{}

// ScanRow implements pgx.RowScanner.
func (panicking) ScanRow(pgx.Rows) error { panic("in a test") }

// RewriteQuery implements pgx.QueryRewriter.
func (panicking) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	panic("in a test")
}

func TestOfTwoGoroutinesOneIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	err := f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for range 50 {
					rows, err := tx.Query(ctx, `SELECT generate_series(1, 10)`)
					if err == nil {
						_, err = pgx.CollectRows(rows, pgx.RowTo[int])
					}
					if err != nil && !errors.Is(err, atomic.ErrConcurrent) && !errors.Is(err, atomic.ErrRowsOpen) {
						t.Errorf("a goroutine was told %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		return add(ctx, tx, "kept")
	})
	f.must(err)
	f.wantWords("kept")
}

func TestABlockThatEndsUnderAReaderTellsTheReader(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	told := make(chan error)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		rows, err := tx.Query(ctx, `SELECT generate_series(1, 100000)`)
		f.must(err)
		first := make(chan struct{})
		go func() {
			n := 0
			for rows.Next() {
				if n++; n == 1 {
					close(first)
				}
			}
			told <- rows.Err()
		}()
		<-first
		return nil
	}))
	if err := <-told; err != nil && !errors.Is(err, atomic.ErrEnded) {
		t.Errorf("the reader was told %v", err)
	}
	f.wantWords()
}
