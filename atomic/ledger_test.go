package atomic_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestARecordedPostIsUndoneWithItsTest posts with a strategy that writes in the caller's goroutine, which is the
// default.
func TestARecordedPostIsUndoneWithItsTest(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.TempDir() + "/book.db")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	eur, err := money.Lookup("EUR")
	if err != nil {
		t.Fatal(err)
	}
	credit := money.MustParse("-1.00 EUR")
	for _, path := range []string{"a", "b"} {
		if _, err := l.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: eur, Min: &credit}); err != nil {
			t.Fatal(err)
		}
	}
	balance := func(ctx context.Context) string {
		state, err := l.Balance(ctx, "b", bursar.AsOf{})
		if err != nil {
			t.Error(err)
		}
		return state.Balance.String()
	}
	transfer := bursar.Transfer{ID: bursar.IDOf("t", 1), Legs: []bursar.Leg{
		{From: "a", To: "b", Amount: money.MustParse("1.00 EUR")},
	}}
	err = atomic.Do(t.Context(), store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
		_ = atomic.Record(tx, &atomic.RecordOptions{Outside: true, Report: t.Error})
		if _, err := l.Post(ctx, transfer); err != nil {
			t.Errorf("Post in a recorded block: %v", err)
		}
		if got := balance(ctx); got != "1.00 EUR" {
			t.Errorf("inside, b has %s", got)
		}
		return errRefused
	}, nil)
	if !errors.Is(err, errRefused) {
		t.Errorf("Do = %v", err)
	}
	if got := balance(t.Context()); got != "0.00 EUR" {
		t.Errorf("afterwards, b has %s", got)
	}
	if err := errors.Join(l.Close(t.Context()), store.Close()); err != nil {
		t.Error(err)
	}
}
