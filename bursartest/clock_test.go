package bursartest_test

import (
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/postgrestest"
	"github.com/bursar-ledger/bursar/ledger"
)

// TestWhatWasPostedKeepsItsTimeWhenTheClockMoves has no sealing in the background, so that an entry would wait for its
// place, and with it for its time, until after the clock has moved.
func TestWhatWasPostedKeepsItsTimeWhenTheClockMoves(t *testing.T) {
	t.Parallel()
	l := bursartest.Build(t, &bursartest.Options{Store: postgrestest.New(t).Store, SealEvery: -1})
	february, march := bursartest.Start.AddDate(0, 1, 0), bursartest.Start.AddDate(0, 2, 0)
	bursartest.Fund(t, l, "users:1", "1.00 USD")
	l.Clock.Set(february)
	bursartest.Fund(t, l, "users:1", "2.00 USD")
	l.Clock.Advance(march.Sub(february))
	bursartest.Fund(t, l, "users:1", "4.00 USD")
	for _, row := range []struct {
		at   time.Time
		want string
	}{{february, "1.00 USD"}, {march, "3.00 USD"}} {
		b, err := l.Balance(t.Context(), "users:1", bursar.AsOf{At: row.at.Add(-time.Nanosecond)})
		if err != nil || b.Balance.String() != row.want {
			t.Errorf("before %v: %v, %v instead of %s", row.at, b.Balance, err, row.want)
		}
	}
	bursartest.Balance(t, l, "users:1", "7.00 USD")
}

// TestClockKnowsWhatALedgerOfTheApplicationHasPosted has one beside it that shares the book and the clock.
func TestClockKnowsWhatALedgerOfTheApplicationHasPosted(t *testing.T) {
	t.Parallel()
	store := postgrestest.New(t).Store
	l := bursartest.With(t, store)
	own, err := ledger.New(t.Context(), store, &ledger.Options{Clock: l.Clock, SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	bursartest.Fund(t, own, "users:1", "1.00 USD")
	l.Clock.Advance(24 * time.Hour)
	b, err := own.Balance(t.Context(), "users:1", bursar.AsOf{At: bursartest.Start.Add(time.Hour)})
	if err != nil || b.Balance.String() != "1.00 USD" {
		t.Errorf("on the day before: %v, %v", b.Balance, err)
	}
	if err := own.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClockMovesAfterItsLedgersAreGone(t *testing.T) {
	t.Parallel()
	clock := bursartest.NewClock(bursartest.Start)
	r := &recorder{TB: t}
	bursartest.Build(r, &bursartest.Options{Store: postgrestest.New(t).Store, Clock: clock})
	r.cleanUp()
	clock.Advance(time.Hour)
	if passed := clock.Now().Sub(bursartest.Start); passed != time.Hour || len(r.failures) != 0 {
		t.Errorf("%v passed, failures %q", passed, r.failures)
	}
}

func TestVerifyReadsEntriesThatAreNotSealed(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	store := postgrestest.New(t).Store
	l := bursartest.Build(r, &bursartest.Options{Store: store, SealEvery: -1})
	bursartest.Fund(t, l, "users:1", "1.00 USD")
	if head, err := l.Head(t.Context()); err != nil || head.Seq != 0 {
		t.Fatalf("head %+v, %v: nothing should be sealed", head, err)
	}
	bursartest.Verify(r, store, l.Book())
	if len(r.failures) != 0 {
		t.Errorf("entries that are not sealed are findings: %q", r.failures)
	}
	spoil(t, store)
	r.cleanUp()
	if len(r.failures) == 0 {
		t.Error("a balance that no unsealed entry explains is no finding")
	}
}
