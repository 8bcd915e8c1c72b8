package atomic_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/atomic"
)

// TestADriverThatPanicsKeepsNobodyWaiting has the driver itself panic, where database/sql leaves its connection locked.
func TestADriverThatPanicsKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	const query = `SELECT count(*) FROM words`
	for name, send := range map[string]func(ctx context.Context, tx *atomic.Tx){
		"Exec":  func(ctx context.Context, tx *atomic.Tx) { _, _ = tx.ExecContext(ctx, query) },
		"Query": func(ctx context.Context, tx *atomic.Tx) { _, _ = tx.QueryContext(ctx, query) },
		"Row":   func(ctx context.Context, tx *atomic.Tx) { _ = tx.QueryRowContext(ctx, query) },
		"All":   func(ctx context.Context, tx *atomic.Tx) { _, _ = atomic.QueryAll(ctx, tx, atomic.Value[int], query) },
	} {
		f := newFixture(t, pragmasUsual)
		f.faults.set(func(sent string) error {
			if sent == query {
				panic("driver")
			}
			return nil
		}, nil)
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			if err := add(ctx, tx, "gone"); err != nil {
				return err
			}
			func() {
				defer func() {
					if got := recover(); got != "driver" {
						t.Errorf("%s: recovered %v", name, got)
					}
				}()
				send(ctx, tx)
			}()
			return nil
		}, nil)
		if !errors.Is(err, atomic.ErrBroken) {
			t.Errorf("%s: Do = %v, want ErrBroken", name, err)
		}
		f.wantWords()
		if err := atomic.Do(t.Context(), f.DB, adding("kept"), nil); err != nil {
			t.Errorf("%s: the next block: %v", name, err)
		}
		f.wantWords("kept")
	}
}

func TestAPanicOfScanIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		func() {
			defer func() { _ = recover() }()
			_, _ = atomic.QueryAll(ctx, tx, func(atomic.Row) (int, error) { panic("scan") }, `SELECT 1`)
		}()
		return add(ctx, tx, "kept")
	}, nil)
	if err != nil {
		t.Errorf("Do = %v", err)
	}
	f.wantWords("kept")
	f.wantIdle()
}

// TestADatabaseTransactionBeginsAndEndsAsText pins what tools that watch a driver see.
func TestADatabaseTransactionBeginsAndEndsAsText(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var sent []string
	f.faults.set(func(query string) error {
		sent = append(sent, query)
		return nil
	}, nil)
	if err := atomic.Do(t.Context(), f.DB, adding("kept"), nil); err != nil {
		t.Fatal(err)
	}
	f.faults.set(nil, nil)
	want := []string{"BEGIN IMMEDIATE", `INSERT INTO words VALUES (?)`, "COMMIT"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}
