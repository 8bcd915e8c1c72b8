package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// temporary is the path of a file that goes away with the example.
func temporary() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "bursar")
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(dir, "bursar.db"), func() { os.RemoveAll(dir) }
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// What the program of the README does.
func Example() {
	path, remove := temporary()
	defer remove()
	ctx := context.Background()

	store := must(sqlite.Open(path))
	l := must(ledger.New(ctx, store, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}}))
	usd := must(money.Lookup("USD"))
	must(l.OpenAccount(ctx, bursar.Opening{Path: "bank", Currency: usd, NoMin: true}))
	must(l.OpenAccount(ctx, bursar.Opening{Path: "users:1", Currency: usd}))
	pay := bursar.Transfer{
		ID:   bursar.IDOf("invoice.pay", 42), // a retry posts once
		Legs: []bursar.Leg{{From: "bank", To: "users:1", Amount: money.MustParse("25.00 USD")}},
	}
	first, again := must(l.Post(ctx, pay)), must(l.Post(ctx, pay))
	fmt.Println(first.Seq == again.Seq, again.Replayed, must(l.Balance(ctx, "users:1", bursar.AsOf{})).Balance)

	if err := errors.Join(l.Close(ctx), store.Close()); err != nil {
		log.Fatal(err)
	}
	// Output: true true 25.00 USD
}

func ExampleLedger_Post_refused() {
	path, remove := temporary()
	defer remove()
	ctx := context.Background()
	store := must(sqlite.Open(path))
	defer store.Close()
	l := must(ledger.New(ctx, store, &ledger.Options{Migrate: true}))
	usd := must(money.Lookup("USD"))
	for _, account := range []string{"users:1", "users:2"} {
		must(l.OpenAccount(ctx, bursar.Opening{Path: account, Currency: usd}))
	}

	_, err := l.Post(ctx, bursar.Transfer{
		Legs: []bursar.Leg{{From: "users:1", To: "users:2", Amount: money.MustParse("1.00 USD")}},
	})
	fmt.Println(errors.Is(err, bursar.ErrInsufficientFunds), bursar.Describe(bursar.CodeOf(err)).Status)
	fmt.Println(err)
	// Output:
	// true 409
	// insufficient_funds: legs[0]: users:1 has 0.00 USD available and a minimum of 0.00 USD: 1.00 USD is too much
}
