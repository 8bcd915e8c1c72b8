package atomic_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// raw adds a word over the driver's own connection.
func raw(ctx context.Context, tx *atomic.Tx, word string) error {
	return tx.Raw(ctx, func(ctx context.Context, conn any) error {
		args := []driver.NamedValue{{Ordinal: 1, Value: word}}
		_, err := conn.(driver.ExecerContext).ExecContext(ctx, `INSERT INTO words VALUES (?)`, args)
		return err
	})
}

func TestRawIsAStatementOfItsBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var kept *atomic.Tx
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		kept = tx
		inner := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			return errors.Join(raw(ctx, tx, "undone"), errRefused)
		}, nil)
		if !errors.Is(inner, errRefused) {
			t.Errorf("the inner block = %v", inner)
		}
		within := tx.Raw(ctx, func(ctx context.Context, _ any) error { return add(ctx, tx, "at once") })
		if !errors.Is(within, atomic.ErrConcurrent) {
			t.Errorf("a statement within = %v, want ErrConcurrent", within)
		}
		return raw(ctx, tx, "kept")
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw(t.Context(), kept, "late"); !errors.Is(err, atomic.ErrEnded) {
		t.Errorf("after the block = %v, want ErrEnded", err)
	}
	f.wantWords("kept")
	f.wantIdle()
}

func TestAnErrorInsideRawBreaksTheBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := raw(ctx, tx, "once"); err != nil {
			return err
		}
		if err := raw(ctx, tx, "once"); err == nil {
			t.Error("the same word twice is no error")
		}
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) {
		t.Errorf("Do = %v, want ErrBroken", err)
	}

	cancelled, cancel := context.WithCancel(t.Context())
	err = atomic.Do(cancelled, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		cancel()
		return tx.Raw(ctx, func(context.Context, any) error { t.Error("ran after the end of its context"); return nil })
	}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want Canceled", err)
	}
	f.wantWords()
	f.wantIdle()
}

func TestAPanicInsideRawTravelsOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	func() {
		defer func() {
			if p := recover(); p != "in raw" {
				t.Errorf("recovered %v", p)
			}
		}()
		_ = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			if err := raw(ctx, tx, "undone"); err != nil {
				return err
			}
			return tx.Raw(ctx, func(context.Context, any) error { panic("in raw") })
		}, nil)
	}()
	f.wantWords()
	f.wantIdle()
}

func TestAnAdoptedTransactionDoesNotLendItsConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	_, a := f.adopt()
	if err := raw(t.Context(), a.Tx(), "never"); !errors.Is(err, atomic.ErrUnsupported) {
		t.Errorf("Raw = %v, want ErrUnsupported", err)
	}
	if err := add(t.Context(), a.Tx(), "usable"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
