package bursartest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// buy is the code under test.
func buy(ctx context.Context, l *ledger.Ledger, order int, price string) error {
	_, err := l.Post(ctx, bursar.Transfer{
		ID:   bursar.IDOf("order.pay", order),
		Legs: []bursar.Leg{{From: "users:ann", To: "shop", Amount: money.MustParse(price)}},
	})
	return err
}

// A purchase, paid once although it is asked for twice, and refused without the money.
func Example() {
	t := begin() // in a test, t is the *testing.T
	defer t.end()

	l := bursartest.New(t)
	bursartest.Fund(t, l, "users:ann", "100.00 USD")
	bursartest.Fund(t, l, "shop", "0.00 USD")

	fmt.Println(buy(t.Context(), l.Ledger, 1, "25.00 USD"))
	fmt.Println(buy(t.Context(), l.Ledger, 1, "25.00 USD"))
	fmt.Println(errors.Is(buy(t.Context(), l.Ledger, 2, "75.01 USD"), bursar.ErrInsufficientFunds))
	bursartest.Balance(t, l, "users:ann", "75.00 USD")
	bursartest.Balance(t, l, "shop", "25.01 USD") // fails the test
	// Output:
	// <nil>
	// <nil>
	// true
	// FAIL: balance of shop is 25.00 USD, want 25.01 USD
}

// An account has one currency, and a user as many accounts as needed. What was given comes from an account of the
// test's own.
func ExampleFund() {
	t := begin()
	defer t.end()

	l := bursartest.New(t)
	bursartest.Fund(t, l, "users:ann:usd", "100.00 USD")
	bursartest.Fund(t, l, "users:ann:usd", "0.50 USD")
	bursartest.Fund(t, l, "users:ann:jpy", "5000 JPY")
	accounts, err := l.Accounts(t.Context(), bursar.AccountQuery{})
	for _, a := range accounts {
		fmt.Println(a.Path, a.Balance)
	}
	fmt.Println(err)
	// Output:
	// bursartest:mint:JPY -5000 JPY
	// bursartest:mint:USD -100.50 USD
	// users:ann:jpy 5000 JPY
	// users:ann:usd 100.50 USD
	// <nil>
}

// The clock stands still until the test moves it, so that nothing has to be waited for.
func ExampleClock() {
	t := begin()
	defer t.end()

	l := bursartest.New(t, bursartest.Funded("users:ann", "100.00 USD"), bursartest.Funded("shop", "0.00 USD"))
	february := time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC)
	fmt.Println(buy(t.Context(), l.Ledger, 1, "25.00 USD"))
	l.Clock.Set(february)
	fmt.Println(buy(t.Context(), l.Ledger, 2, "10.00 USD"))

	january, err := l.Balance(t.Context(), "shop", bursar.AsOf{At: february.Add(-time.Nanosecond)})
	fmt.Println(january.Balance, err)
	bursartest.Balance(t, l, "shop", "35.00 USD")
	// Output:
	// <nil>
	// <nil>
	// 25.00 USD <nil>
}

// Two programs on one database, each with a ledger and a strategy of its own, under one clock.
func ExampleBuild() {
	t := begin()
	defer t.end()

	web := bursartest.Build(t, &bursartest.Options{
		Book:     "tenants:7",
		Fixtures: []bursartest.Fixture{bursartest.Funded("users:ann", "100.00 USD"), bursartest.Funded("shop", "0.00 USD")},
	})
	worker := bursartest.Build(t, &bursartest.Options{
		Book: "tenants:7", Store: web.Store, Clock: web.Clock, Strategy: ledger.Queue{},
	})
	fmt.Println(buy(t.Context(), web.Ledger, 1, "25.00 USD"))
	fmt.Println(buy(t.Context(), worker.Ledger, 1, "25.00 USD")) // the same order
	bursartest.Balance(t, worker, "users:ann", "75.00 USD")
	// Output:
	// <nil>
	// <nil>
}
