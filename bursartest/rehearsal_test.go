package bursartest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/postgrestest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// TestPostOfTheLedgerItselfInARehearsal keeps what docs/testing.md says: it is undone with the rest, but in Queue,
// which posts in database transactions of its own.
func TestPostOfTheLedgerItselfInARehearsal(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		strategy ledger.Strategy
		after    string
	}{{ledger.Locks{}, "1.00 USD"}, {ledger.Swap{}, "1.00 USD"}, {ledger.Queue{}, "0.25 USD"}} {
		l := bursartest.Build(t, &bursartest.Options{Store: postgrestest.New(t).Store, Strategy: row.strategy})
		bursartest.Fund(t, l, "users:1", "1.00 USD")
		bursartest.Fund(t, l, "shop", "0.00 USD")
		undo := errors.New("undo")
		err := atomic.Do(t.Context(), storeOf(t, l).DB(), func(ctx context.Context, tx *atomic.Tx) error {
			atomic.Record(tx, &atomic.RecordOptions{Outside: true, Report: t.Error})
			_, err := l.Post(ctx, bursar.Transfer{
				Legs: []bursar.Leg{{From: "users:1", To: "shop", Amount: money.MustParse("0.75 USD")}}})
			bursartest.Balance(t, l.In(tx), "users:1", "0.25 USD")
			return errors.Join(err, undo)
		}, nil)
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		bursartest.Balance(t, l, "users:1", row.after)
	}
}
