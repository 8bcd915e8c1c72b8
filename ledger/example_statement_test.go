package ledger_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// A month of an account: what it had before, what happened, what it has after.
func ExampleLedger_Statement() {
	path, remove := temporary()
	defer remove()
	ctx := context.Background()
	store := must(sqlite.Open(path))
	defer store.Close()
	now := clock.NewFake(time.Date(2026, time.January, 31, 12, 0, 0, 0, time.UTC))
	l := must(ledger.New(ctx, store, &ledger.Options{Migrate: true, Clock: now}))
	usd := must(money.Lookup("USD"))
	for _, account := range []string{"ann", "sales", "fees"} {
		must(l.OpenAccount(ctx, bursar.Opening{Path: account, Currency: usd, NoMin: true}))
	}
	now.Set(time.Date(2026, time.February, 3, 12, 0, 0, 0, time.UTC))
	must(l.Post(ctx, bursar.Transfer{Reference: "order 7", Legs: []bursar.Leg{
		{From: "ann", To: "sales", Amount: money.MustParse("12.19 USD")},
		{From: "ann", To: "fees", Amount: money.MustParse("0.31 USD")},
	}}))
	now.Set(time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC))

	for _, month := range []time.Month{time.January, time.February, time.March} {
		begin := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
		s := must(l.Statement(ctx, "ann", bursar.StatementQuery{From: begin, To: begin.AddDate(0, 1, 0)}))
		fmt.Println(month, "from", s.Opening, "to", s.Closing)
		for _, line := range s.Lines { // one for each transfer, with reference, metadata and legs
			fmt.Println(" ", line.Kind, line.Reference, line.Amount, "in", len(line.Legs), "legs, leaves", line.Balance)
		}
	}
	// Output:
	// January from 0.00 USD to 0.00 USD
	//   open  0.00 USD in 0 legs, leaves 0.00 USD
	// February from 0.00 USD to -12.50 USD
	//   transfer order 7 -12.50 USD in 2 legs, leaves -12.50 USD
	// March from -12.50 USD to -12.50 USD
}
