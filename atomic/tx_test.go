package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// querier is what generated code asks of a database or a transaction.
type querier interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

var _ querier = (*atomic.Tx)(nil)

// everyStatement runs each kind of statement and returns their errors by name.
func everyStatement(ctx context.Context, tx querier) map[string]error {
	errs := make(map[string]error)
	_, errs["ExecContext"] = tx.ExecContext(ctx, `SELECT 1`)
	rows, err := tx.QueryContext(ctx, `SELECT 1`)
	if errs["QueryContext"] = err; err == nil {
		_ = rows.Close()
	}
	var one int
	errs["QueryRowContext"] = tx.QueryRowContext(ctx, `SELECT 1`).Scan(&one)
	stmt, err := tx.PrepareContext(ctx, `SELECT 1`)
	if errs["PrepareContext"] = err; err == nil {
		_ = stmt.Close()
	}
	return errs
}

func TestEveryStatementWorksInsideAndIsRefusedAfterwards(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var kept []*atomic.Tx
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		err := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			kept = append(kept, tx)
			return nil
		}, nil)
		for name, err := range everyStatement(ctx, kept[0]) {
			if !errors.Is(err, atomic.ErrEnded) {
				t.Errorf("%s on the inner Tx, after its block: %v, want ErrEnded", name, err)
			}
		}
		for name, err := range everyStatement(ctx, tx) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		kept = append(kept, tx)
		return err
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	for _, tx := range kept {
		for name, err := range everyStatement(t.Context(), tx) {
			if !errors.Is(err, atomic.ErrEnded) {
				t.Errorf("%s after Do: %v, want ErrEnded", name, err)
			}
		}
	}
}

func TestDatabaseTxIsTheTxItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(_ context.Context, tx *atomic.Tx) error {
		if got := tx.DatabaseTx(); got != any(tx) {
			t.Errorf("DatabaseTx = %v, want the Tx", got)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
}

func TestTwoStatementsAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		// While the first statement is inside the driver, a second goroutine tries.
		f.faults.set(func(query string) error {
			if query != `SELECT 'slow'` {
				return nil
			}
			errs := make(chan map[string]error)
			go func() { errs <- everyStatement(ctx, tx) }()
			for name, err := range <-errs {
				if !errors.Is(err, atomic.ErrConcurrent) {
					t.Errorf("%s at the same time: %v, want ErrConcurrent", name, err)
				}
			}
			return nil
		}, nil)
		if _, err := tx.ExecContext(ctx, `SELECT 'slow'`); err != nil {
			t.Errorf("the first statement: %v", err)
		}
		return add(ctx, tx, "kept")
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("kept")
}

func TestAStatementThatOutlivesItsBlockIsRefused(t *testing.T) {
	t.Parallel()
	statements := map[string]func(context.Context, *atomic.Tx) error{
		"query": func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.QueryContext(ctx, `SELECT 'slow'`)
			return err
		},
		"prepare": func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.PrepareContext(ctx, `SELECT 'slow'`)
			return err
		},
	}
	for name, statement := range statements {
		f := newFixture(t, pragmasUsual)
		inside, late := make(chan struct{}), make(chan error, 1)
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			f.faults.set(func(query string) error {
				if query != `SELECT 'slow'` {
					return nil
				}
				close(inside)
				for {
					if _, err := tx.ExecContext(ctx, `SELECT 1`); errors.Is(err, atomic.ErrEnded) {
						return nil
					}
					runtime.Gosched()
				}
			}, nil)
			go func() { late <- statement(ctx, tx) }()
			<-inside
			return nil
		}, nil)
		if !errors.Is(err, atomic.ErrConcurrent) {
			t.Errorf("%s: Do = %v, want ErrConcurrent, as a statement was still running", name, err)
		}
		if err := <-late; !errors.Is(err, atomic.ErrEnded) {
			t.Errorf("%s: the late statement = %v, want ErrEnded", name, err)
		}
		f.wantIdle()
	}
}

func TestStatementsInsideOpenRowsWork(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.exec(`INSERT INTO words VALUES ('a'), ('b')`)
	f.exec(`CREATE TABLE copies (word TEXT PRIMARY KEY) STRICT`)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT word FROM words`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var word string
			if err := rows.Scan(&word); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO copies VALUES (?)`, word); err != nil {
				return err
			}
		}
		return rows.Err()
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	var copies int
	if err := f.pool.QueryRow(`SELECT count(*) FROM copies`).Scan(&copies); err != nil || copies != 2 {
		t.Errorf("%d copies, %v, want 2", copies, err)
	}
}

func TestWhatIsLeftOpenIsClosedWithTheBlock(t *testing.T) {
	t.Parallel()
	leave := map[string]func(context.Context, *atomic.Tx) error{
		"rows": func(ctx context.Context, tx *atomic.Tx) error {
			rows, err := tx.QueryContext(ctx, `INSERT INTO words VALUES ('a'), ('b') RETURNING word`)
			if err == nil && !rows.Next() {
				err = rows.Err()
			}
			return err
		},
		"many rows": func(ctx context.Context, tx *atomic.Tx) error {
			for range 40 {
				rows, err := tx.QueryContext(ctx, `SELECT word FROM words`)
				if err != nil {
					return err
				}
				if err := rows.Close(); err != nil {
					return err
				}
			}
			_, err := tx.QueryContext(ctx, `INSERT INTO words VALUES ('a'), ('b') RETURNING word`)
			return err
		},
		"a row never scanned": func(ctx context.Context, tx *atomic.Tx) error {
			if err := errors.Join(add(ctx, tx, "a"), add(ctx, tx, "b")); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, `SELECT word FROM words`).Err()
		},
		"a row never scanned, on a context of its own": func(ctx context.Context, tx *atomic.Tx) error {
			if err := errors.Join(add(ctx, tx, "a"), add(ctx, tx, "b")); err != nil {
				return err
			}
			return tx.QueryRowContext(context.WithoutCancel(ctx), `SELECT word FROM words`).Err()
		},
		"a prepared statement": func(ctx context.Context, tx *atomic.Tx) error {
			stmt, err := tx.PrepareContext(ctx, `INSERT INTO words VALUES (?)`)
			if err != nil {
				return err
			}
			_, errA := stmt.ExecContext(ctx, "a")
			_, errB := stmt.ExecContext(ctx, "b")
			return errors.Join(errA, errB)
		},
	}
	for name, leave := range leave {
		for _, nested := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s nested %v", name, nested), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, pragmasUsual)
				f.pool.SetMaxOpenConns(1)
				err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
					if nested {
						return atomic.Do(ctx, f.DB, leave, nil)
					}
					return leave(ctx, tx)
				}, nil)
				if err != nil {
					t.Fatalf("Do: %v", err)
				}
				f.wantWords("a", "b")
				f.wantIdle()
			})
		}
	}
}

func TestQueryRowReportsNoRowsWithoutBreakingTheBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		var word string
		if err := tx.QueryRowContext(ctx, `SELECT word FROM words`).Scan(&word); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("Scan = %v, want sql.ErrNoRows", err)
		}
		return add(ctx, tx, "kept")
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("kept")
}
