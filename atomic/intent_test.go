package atomic_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

func TestIntentsThatNeedABlockAroundThem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		nesting atomic.Nesting
		want    error // of the outer Do, when the inner fails and is swallowed
		words   []string
	}{
		{"required joins", atomic.Required, atomic.ErrBroken, nil},
		{"savepoint is undone alone", atomic.Savepoint, nil, []string{"outer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, pragmasUsual)
			o := &atomic.Options{Name: "part", Nesting: tt.nesting}
			ran := false
			err := atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error { ran = true; return nil }, o)
			if !errors.Is(err, atomic.ErrRequired) || ran {
				t.Errorf("outside: %v, ran: %v, want ErrRequired without running", err, ran)
			}
			err = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				if err := add(ctx, tx, "outer"); err != nil {
					return err
				}
				if err := atomic.Do(ctx, f.DB, failing("inner"), o); !errors.Is(err, errRefused) {
					t.Errorf("the inner Do = %v, want its own error", err)
				}
				return nil
			}, nil)
			if !errors.Is(err, tt.want) {
				t.Errorf("Do = %v, want %v", err, tt.want)
			}
			f.wantWords(tt.words...)
			f.wantIdle()
		})
	}
}

func TestSavepointOfATx(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var kept *atomic.Tx
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		kept = tx
		if err := tx.Savepoint(ctx, failing("undone")); !errors.Is(err, errRefused) {
			t.Errorf("Savepoint = %v, want the function's error", err)
		}
		return tx.Savepoint(ctx, func(ctx context.Context, inner *atomic.Tx) error {
			if got, _ := atomic.From(ctx, f.DB); got != inner {
				t.Error("the context does not carry the savepoint's Tx")
			}
			return add(ctx, inner, "kept")
		})
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	if err := kept.Savepoint(t.Context(), nothing); !errors.Is(err, atomic.ErrEnded) {
		t.Errorf("Savepoint after the end = %v, want ErrEnded", err)
	}
	f.wantWords("kept")
	f.wantIdle()
}

func TestControlStatementsAreNotSent(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "kept"); err != nil {
			return err
		}
		_, execErr := tx.ExecContext(ctx, "COMMIT")
		_, queryErr := tx.QueryContext(ctx, "SELECT 1; ROLLBACK")
		_, prepareErr := tx.PrepareContext(ctx, "SAVEPOINT mine")
		_, allErr := atomic.QueryAll(ctx, tx, atomic.Value[int], "END")
		for _, err := range []error{execErr, queryErr, prepareErr, allErr, tx.QueryRowContext(ctx, "BEGIN").Err()} {
			if !errors.Is(err, atomic.ErrControl) {
				t.Errorf("%v, want ErrControl", err)
			}
		}
		return add(ctx, tx, "after") // Nothing is broken.
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("after", "kept")
	f.wantIdle()
}
