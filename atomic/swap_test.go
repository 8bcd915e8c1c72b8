package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// newStockFixture has two versioned rows, of 10 pieces each.
func newStockFixture(t *testing.T) *fixture {
	f := newFixture(t, pragmasUsual)
	f.exec(`CREATE TABLE stock (item TEXT PRIMARY KEY, pieces INTEGER NOT NULL, version INTEGER NOT NULL) STRICT`)
	f.exec(`INSERT INTO stock VALUES ('cards', 10, 1), ('chips', 10, 1)`)
	return f
}

type stock struct{ pieces, version int64 }

func scanStock(row atomic.Row) (s stock, err error) {
	err = row.Scan(&s.pieces, &s.version)
	return s, err
}

const (
	readStock = `SELECT pieces, version FROM stock WHERE item = ?`
	swapStock = `UPDATE stock SET pieces = ?, version = version + 1 WHERE item = ? AND version = ?`
)

func (f *fixture) wantStock(want stock) {
	f.t.Helper()
	got, err := atomic.QueryOne(f.t.Context(), f.pool, scanStock, readStock, "cards")
	if err != nil || got != want {
		f.t.Errorf("stock = %+v, %v, want %+v", got, err, want)
	}
}

func TestSwapHitsExactlyItsRows(t *testing.T) {
	t.Parallel()
	const all = `UPDATE stock SET version = version + 1`
	tests := []struct {
		name  string
		n     int64
		query string
		args  []any
		stale bool
	}{
		{"the version that was read", 1, swapStock, []any{5, "cards", 1}, false},
		{"a version that has passed", 1, swapStock, []any{5, "cards", 0}, true},
		{"a row that is gone", 1, swapStock, []any{5, "dice", 1}, true},
		{"two rows", 2, all, nil, false},
		{"more rows than were named", 1, all, nil, true},
		{"the same value again", 1, swapStock, []any{10, "cards", 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newStockFixture(t)
			err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				return atomic.Swap(ctx, tx, tt.n, tt.query, tt.args...)
			}, nil)
			if errors.Is(err, atomic.ErrStale) != tt.stale || !tt.stale && err != nil {
				t.Errorf("Swap = %v, stale wanted: %v", err, tt.stale)
			}
			if tt.stale {
				f.wantStock(stock{10, 1})
			}
		})
	}
}

func TestStalenessIsRetriedWhenAskedFor(t *testing.T) {
	t.Parallel()
	for _, retry := range []bool{false, true} {
		f := newStockFixture(t)
		runs := 0
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			was, err := atomic.QueryOne(ctx, tx, scanStock, readStock, "cards")
			if err != nil {
				return err
			}
			if runs++; runs == 1 {
				was.version-- // As if it had been read elsewhere, long ago.
			}
			return atomic.Swap(ctx, tx, 1, swapStock, was.pieces-1, "cards", was.version)
		}, &atomic.Options{Name: "sell", RetryStale: retry})
		if retry {
			if err != nil || runs != 2 {
				t.Errorf("with RetryStale: %v after %d runs, want success after 2", err, runs)
			}
			f.wantRetried("sell stale 1")
			f.wantStock(stock{9, 2})
			continue
		}
		if !errors.Is(err, atomic.ErrStale) || runs != 1 {
			t.Errorf("without: %v after %d runs, want ErrStale after 1", err, runs)
		}
	}
}

func TestLockAtChecksTheVersion(t *testing.T) {
	t.Parallel()
	f := newStockFixture(t)
	const lock = `SELECT version FROM stock WHERE item = ?`
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.LockAt(ctx, tx, 1, lock, "cards"); err != nil {
			t.Errorf("the version is right: %v", err)
		}
		for _, err := range []error{atomic.LockAt(ctx, tx, 2, lock, "cards"), atomic.LockAt(ctx, tx, 1, lock, "dice")} {
			if !errors.Is(err, atomic.ErrStale) {
				t.Errorf("%v, want ErrStale", err)
			}
		}
		if err := atomic.LockAt(ctx, tx, 1, `SELECT version FROM stock`); !errors.Is(err, atomic.ErrNotOne) {
			t.Errorf("two rows: %v, want ErrNotOne", err)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
}

func TestHybridReadsAgain(t *testing.T) {
	t.Parallel()
	f := newStockFixture(t)
	reads := 0
	sell := func(o *atomic.Options) error {
		return atomic.Hybrid(t.Context(), f.DB, func(ctx context.Context) (stock, error) {
			was, err := atomic.QueryOne(ctx, f.pool, scanStock, readStock, "cards")
			if reads++; reads == 1 {
				f.exec(`UPDATE stock SET pieces = 7, version = version + 1 WHERE item = 'cards'`)
			}
			return was, err
		}, func(ctx context.Context, tx *atomic.Tx, was stock) error {
			if err := atomic.LockAt(ctx, tx, was.version, `SELECT version FROM stock WHERE item = ?`, "cards"); err != nil {
				return err
			}
			return atomic.ExecOne(ctx, tx,
				`UPDATE stock SET pieces = ?, version = version + 1 WHERE item = ?`, was.pieces-1, "cards")
		}, o)
	}
	if err := sell(nil); err != nil || reads != 2 {
		t.Errorf("Hybrid = %v after %d reads, want success after 2", err, reads)
	}
	f.wantStock(stock{6, 3})
	reads = 0
	err := sell(&atomic.Options{Retry: atomic.Budget{Attempts: 1}})
	if !errors.Is(err, atomic.ErrBudget) || !errors.Is(err, atomic.ErrStale) || reads != 1 {
		t.Errorf("with one attempt: %v after %d reads, want ErrBudget and ErrStale", err, reads)
	}
	err = atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
		err := atomic.Hybrid(ctx, f.DB, func(context.Context) (int, error) { t.Error("read ran"); return 0, nil },
			func(context.Context, *atomic.Tx, int) error { return nil }, nil)
		if !errors.Is(err, atomic.ErrNested) {
			t.Errorf("inside a block: %v, want ErrNested", err)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
}

func TestRowsAreCountedAndClosed(t *testing.T) {
	t.Parallel()
	f := newStockFixture(t)
	errScan := errors.New("not to my liking")
	picky := func(atomic.Row) (int, error) { return 0, errScan }
	for _, source := range []string{"pool", "Tx"} {
		check := func(ctx context.Context, q interface {
			atomic.Querier
			atomic.Execer
		}) {
			items, err := atomic.QueryAll(ctx, q, atomic.Value[string], `SELECT item FROM stock ORDER BY item`)
			if err != nil || len(items) != 2 || items[0] != "cards" || items[1] != "chips" {
				t.Errorf("%s: QueryAll = %q, %v", source, items, err)
			}
			none, err := atomic.QueryAll(ctx, q, atomic.Value[string], `SELECT item FROM stock WHERE pieces = 0`)
			if len(none) != 0 || err != nil {
				t.Errorf("%s: QueryAll of nothing = %q, %v", source, none, err)
			}
			_, noRow := atomic.QueryOne(ctx, q, atomic.Value[string], `SELECT item FROM stock WHERE pieces = 0`)
			_, many := atomic.QueryOne(ctx, q, atomic.Value[string], `SELECT item FROM stock`)
			_, scanned := atomic.QueryAll(ctx, q, picky, `SELECT 1`)
			missed := atomic.ExecOne(ctx, q, `UPDATE stock SET pieces = 0 WHERE item = 'dice'`)
			for _, c := range []struct{ got, want error }{
				{noRow, sql.ErrNoRows}, {many, atomic.ErrNotOne}, {scanned, errScan}, {missed, atomic.ErrNotOne},
			} {
				if !errors.Is(c.got, c.want) {
					t.Errorf("%s: %v, want %v", source, c.got, c.want)
				}
			}
			if _, err := atomic.QueryAll(ctx, q, atomic.Value[int], `SELEKT`); err == nil {
				t.Errorf("%s: a broken query succeeded", source)
			}
		}
		if source == "pool" {
			check(t.Context(), f.pool)
			continue
		}
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			check(ctx, tx)
			return nil
		}, nil)
		if !errors.Is(err, atomic.ErrBroken) {
			t.Errorf("Do: %v, want ErrBroken for the broken query", err)
		}
	}
	f.wantIdle()
}

func TestAScanThatPanicsLeavesTheTxFree(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		func() {
			defer func() { _ = recover() }()
			_, _ = atomic.QueryAll(ctx, tx, func(atomic.Row) (int, error) { panic("scan") }, `SELECT 1`)
		}()
		return add(ctx, tx, "after")
	}, nil)
	if err != nil {
		t.Errorf("Do: %v", err)
	}
	f.wantWords("after")
}
