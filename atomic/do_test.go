package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

var errRefused = errors.New("refused")

func TestDoCommits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	if err := atomic.Do(t.Context(), f.DB, adding("kept"), nil); err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("kept")
	f.wantIdle()
}

func TestDoReturnsTheErrorOfFnItselfAndRollsBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "gone"); err != nil {
			t.Errorf("add: %v", err)
		}
		return errRefused
	}, nil)
	if err != errRefused {
		t.Errorf("Do = %v, want the very error of fn", err)
	}
	f.wantWords()
	f.wantIdle()
}

func TestPanicRollsBackAndTravelsOn(t *testing.T) {
	t.Parallel()
	for _, nested := range []bool{false, true} {
		f := newFixture(t, pragmasUsual)
		value := &struct{ n int }{1}
		undone := 0
		func() {
			defer func() {
				if got := recover(); got != value {
					t.Errorf("recovered %v, want the value that fn panicked with", got)
				}
			}()
			_ = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnRollback(func() { undone++ })
				fall := func(ctx context.Context, tx *atomic.Tx) error {
					_ = add(ctx, tx, "gone")
					panic(value)
				}
				if nested {
					return atomic.Do(ctx, f.DB, fall, nil)
				}
				return fall(ctx, tx)
			}, nil)
			t.Error("Do returned")
		}()
		if undone != 1 {
			t.Errorf("nested %v: OnRollback ran %d times", nested, undone)
		}
		f.wantWords()
		f.wantIdle()
	}
}

func TestGoexitRollsBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			return atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				_ = add(ctx, tx, "gone")
				runtime.Goexit()
				return nil
			}, nil)
		}, nil)
		t.Error("Do returned")
	}()
	<-done
	f.wantWords()
	f.wantIdle()
}

func TestAPanicRecoveredByTheOuterBlockUndoesOnlyTheInner(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "outer"); err != nil {
			return err
		}
		func() {
			defer func() { _ = recover() }()
			_ = atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				_ = add(ctx, tx, "inner")
				panic("inner")
			}, nil)
		}()
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("outer")
}

func TestASwallowedConstraintErrorBreaksTheBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "once"); err != nil {
			return err
		}
		first := add(ctx, tx, "once")
		if first == nil {
			t.Error("the same word went in twice")
		}
		if err := add(ctx, tx, "more"); !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, first) {
			t.Errorf("the next statement: %v, want ErrBroken with the first cause", err)
		}
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) {
		t.Errorf("Do: %v, want ErrBroken", err)
	}
	f.wantWords()
}

func TestASwallowedErrorThatRolledBackIsBroken(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} {
		f := newFixture(t, pragmasUsual)
		f.exec(`INSERT INTO words VALUES ('old')`)
		committed := false
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(context.Context) error { committed = true; return nil })
			if err := add(ctx, tx, "gone"); err != nil {
				return err
			}
			// SQLite rolls the whole database transaction back for this one and goes on without.
			if _, err := tx.ExecContext(ctx, `INSERT OR ROLLBACK INTO words VALUES ('old')`); err == nil {
				t.Error("the same word went in twice")
			}
			if later {
				if err := add(ctx, tx, "stray"); !errors.Is(err, atomic.ErrBroken) {
					t.Errorf("a later statement = %v, want ErrBroken", err)
				}
			}
			return nil
		}, nil)
		var code interface{ Code() int }
		if !errors.Is(err, atomic.ErrBroken) || !errors.As(err, &code) || code.Code() != 1555 {
			t.Errorf("Do = %v, want ErrBroken because of code 1555", err)
		}
		if committed {
			t.Error("OnCommit ran")
		}
		f.wantWords("old")
		f.wantIdle()
	}
}

func TestACancelledContextBeginsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errRefused)
	err := atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
		t.Error("fn ran")
		return nil
	}, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errRefused) {
		t.Errorf("Do = %v, want context.Canceled and its cause", err)
	}
}

func TestCancelledBeforeCommitRollsBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	ctx, cancel := context.WithCancelCause(t.Context())
	err := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		defer cancel(errRefused)
		return add(ctx, tx, "gone")
	}, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errRefused) {
		t.Errorf("Do = %v, want context.Canceled and its cause", err)
	}
	f.wantWords()
	f.wantClosed(0)
	f.wantIdle()
}

func TestCancelledAtCommitCommits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	ctx, cancel := context.WithCancel(t.Context())
	f.faults.set(func(query string) error {
		if query == "COMMIT" {
			cancel()
		}
		return nil
	}, nil)
	hook := errors.New("the hook did not run")
	err := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(func(ctx context.Context) error { hook = ctx.Err(); return nil })
		return add(ctx, tx, "kept")
	}, nil)
	if err != nil || hook != nil {
		t.Errorf("Do = %v, the hook's context: %v, want both nil", err, hook)
	}
	f.wantWords("kept")
}

func TestAStatementCutShortBreaksTheBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "gone"); err != nil {
			return err
		}
		short, cancel := context.WithCancel(ctx)
		cancel()
		if err := add(short, tx, "short"); !errors.Is(err, context.Canceled) {
			t.Errorf("add = %v, want context.Canceled", err)
		}
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want ErrBroken because of context.Canceled", err)
	}
	f.wantWords()
	f.wantIdle()
}

func TestAPoolOfOneIsEnough(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.pool.SetMaxOpenConns(1)
	for _, end := range []error{errRefused, nil} {
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			if err := atomic.Do(ctx, f.DB, adding("inner"), nil); err != nil {
				return err
			}
			if err := add(ctx, tx, "outer"); err != nil {
				return err
			}
			return end
		}, nil)
		if !errors.Is(err, end) {
			t.Errorf("Do = %v, want %v", err, end)
		}
	}
	f.wantWords("inner", "outer")
	f.wantIdle()
}

func TestFromFindsTheBlockOfItsOwnHandle(t *testing.T) {
	t.Parallel()
	f, other := newFixture(t, pragmasUsual), newFixture(t, pragmasUsual)
	if _, ok := atomic.From(t.Context(), f.DB); ok || atomic.InTransaction(t.Context()) {
		t.Error("a bare context carries a Tx")
	}
	var kept context.Context
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		kept = ctx
		if got, ok := atomic.From(ctx, f.DB); !ok || got != tx {
			t.Errorf("From = %p, %v, want %p", got, ok, tx)
		}
		if _, ok := atomic.From(ctx, other.DB); ok {
			t.Error("From found the Tx of another handle")
		}
		return atomic.Do(ctx, other.DB, func(both context.Context, inner *atomic.Tx) error {
			if got, _ := atomic.From(both, f.DB); got != tx {
				t.Errorf("From = %p through the other database, want %p", got, tx)
			}
			if got, _ := atomic.From(both, other.DB); got != inner {
				t.Errorf("From = %p, want %p", got, inner)
			}
			return nil
		}, nil)
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	if _, ok := atomic.From(kept, f.DB); ok || atomic.InTransaction(kept) {
		t.Error("a context that outlived its block still carries its Tx")
	}
}

func TestInTransactionSeesEveryDatabase(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if !atomic.InTransaction(ctx) {
			t.Error("not seen inside")
		}
		tx.OnCommit(func(ctx context.Context) error {
			if atomic.InTransaction(ctx) {
				t.Error("still seen in OnCommit")
			}
			return nil
		})
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
}

func TestReadOnlyRefusesWritesAndLeavesTheConnectionAsItWas(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.pool.SetMaxOpenConns(1)
	reader := &atomic.Options{ReadOnly: true, Isolation: sql.LevelSerializable}
	err := atomic.Do(t.Context(), f.DB, adding("never"), reader)
	var code interface{ Code() int }
	if !errors.As(err, &code) || code.Code()&0xff != 8 {
		t.Errorf("writing = %v, want SQLITE_READONLY (8)", err)
	}
	count := -1
	err = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM words`).Scan(&count)
	}, reader)
	if err != nil || count != 0 {
		t.Errorf("reading = %d, %v, want 0 words", count, err)
	}
	if err := atomic.Do(t.Context(), f.DB, adding("later"), nil); err != nil {
		t.Errorf("writing on the same connection afterwards: %v", err)
	}
	f.wantWords("later")
}

func TestAnUnknownIsolationLevelIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	if err := atomic.Do(t.Context(), f.DB, nothing, &atomic.Options{Isolation: 99}); err == nil {
		t.Error("isolation level 99 was accepted")
	}
	f.wantIdle()
}
