package bursartest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

func TestBuildGoesByTheOptions(t *testing.T) {
	t.Parallel()
	posted := 0
	begin := time.Date(2024, time.February, 29, 12, 0, 0, 0, time.UTC)
	l := bursartest.Build(t, &bursartest.Options{
		Book:     "tenants:7",
		Strategy: ledger.Queue{},
		Observer: &ledger.Observer{Posted: func(context.Context, int) { posted++ }},
		Clock:    bursartest.NewClock(begin),
		Fixtures: []bursartest.Fixture{bursartest.Funded("users:1", "1.00 USD")},
	})
	if name := l.Book().Name; name != "tenants:7" {
		t.Errorf("the book is %q", name)
	}
	if posted == 0 {
		t.Error("the observer was told nothing")
	}
	if now := l.Clock.Now(); !now.Equal(begin) {
		t.Errorf("the clock shows %v", now)
	}
	bursartest.Balance(t, l, "users:1", "1.00 USD")
}

func TestBooksOfOneStoreHaveMoneyOfTheirOwn(t *testing.T) {
	t.Parallel()
	first := bursartest.New(t, bursartest.Funded("users:1", "1.00 USD"))
	second := bursartest.Build(t, &bursartest.Options{Store: first.Store, Book: "second", Clock: first.Clock,
		Fixtures: []bursartest.Fixture{bursartest.Funded("users:1", "2.00 USD")}})
	bursartest.Balance(t, first, "users:1", "1.00 USD")
	bursartest.Balance(t, second, "users:1", "2.00 USD")
	if first.Clock != second.Clock {
		t.Error("the ledgers do not share the clock")
	}
}

func TestBuildRefusesADatabaseThatTheApplicationHasNotMigrated(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	r.run(func() { bursartest.Build(r, &bursartest.Options{NoMigrate: true}) })
	r.cleanUp()
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], "migrate") {
		t.Errorf("failures are %q", r.failures)
	}
}

func TestNoVerifyLeavesTheEndAlone(t *testing.T) {
	t.Parallel()
	for _, skip := range []bool{false, true} {
		r := &recorder{TB: t}
		l := bursartest.Build(r, &bursartest.Options{NoVerify: skip})
		bursartest.Fund(r, l, "users:1", "1.00 USD")
		spoil(t, storeOf(t, l))
		r.cleanUp()
		if found := len(r.failures) > 0; found == skip {
			t.Errorf("NoVerify %v: the failures are %q", skip, r.failures)
		}
	}
}

func TestVerifySaysWhatToDoAboutAStoreThatIsClosed(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.TempDir() + "/bursar.db")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	bursartest.With(r, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	r.cleanUp()
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], "t.Cleanup") {
		t.Errorf("failures are %q", r.failures)
	}
}

func TestFixturesOfASecondLedgerOnOneBookHappenOnce(t *testing.T) {
	t.Parallel()
	first := bursartest.New(t, bursartest.Funded("users:1", "1.00 USD"))
	second := bursartest.With(t, first.Store, bursartest.Funded("users:1", "1.00 USD"))
	bursartest.Balance(t, second, "users:1", "1.00 USD")
	_, err := second.Post(t.Context(), bursar.Transfer{
		Legs: []bursar.Leg{{From: "users:1", To: bursartest.Mint + ":USD", Amount: money.MustParse("1.01 USD")}}})
	if !errors.Is(err, bursar.ErrInsufficientFunds) {
		t.Errorf("more than the account was given once: %v", err)
	}
}
