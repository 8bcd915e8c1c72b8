package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

var atOnceCases = []testCase{
	{"openings of one path: one is the account", openingsAtOnce},
	{"openings against posts: a post finds the account or does not", openingAgainstPosting},
	{"dating back: every time has its sum", backdatingAtOnce},
}

// pair is the fixture's ledger and that of another program.
func (f *fixture) pair() [2]*ledger.Ledger {
	f.Helper()
	return [2]*ledger.Ledger{f.ledger, f.startOver(f.Reopen(f.T), &ledger.Options{})}
}

func openingsAtOnce(f *fixture) {
	const clients = 24
	programs := f.pair()
	opening := func(i int) bursar.Opening { // two programs, and two opinions in each
		o := bursar.Opening{Path: "users:1", Currency: currency("USD")}
		if i/2%2 == 1 {
			o.Max = limit("10.00 USD")
		}
		return o
	}
	errs := f.atOnce(clients, func(i int) error {
		_, err := programs[i%2].OpenAccount(f.Context(), opening(i))
		return err
	})
	account, err := f.ledger.Account(f.Context(), "users:1")
	f.must(err)
	for i, err := range errs {
		agrees := (opening(i).Max == nil) == (account.Max == nil)
		if agrees && err != nil || !agrees && !errors.Is(err, bursar.ErrAccountExists) {
			f.Errorf("the account has max %v; an opening with %v: %v", account.Max, opening(i).Max, err)
		}
	}
	f.wantSame("the journal", []string{"1 open users:1"}, shorts(f.journal(f.ledger)))
}

func openingAgainstPosting(f *fixture) {
	const accounts = 16
	f.world()
	programs := f.pair()
	transfer := func(n int) bursar.Transfer {
		t := move("world", fmt.Sprintf("users:%d", n), "1.00 USD")
		t.ID = id(n)
		return t
	}
	errs := f.atOnce(2*accounts, func(i int) error {
		if n := i / 2; i%2 == 0 {
			o := bursar.Opening{Path: fmt.Sprintf("users:%d", n), Currency: currency("USD")}
			_, err := programs[n%2].OpenAccount(f.Context(), o)
			return err
		}
		_, err := programs[(i/2+1)%2].Post(f.Context(), transfer(i/2))
		return err
	})
	for i, err := range errs {
		if early := i%2 == 1 && errors.Is(err, bursar.ErrAccountNotFound); err != nil && !early {
			f.Errorf("call %d: %v", i, err)
		}
	}
	for n := range accounts {
		f.post(transfer(n)) // once more, or for the first time
		f.wantBalance(fmt.Sprintf("users:%d", n), "1.00 USD")
	}
}

func backdatingAtOnce(f *fixture) {
	const clients = 24
	f.funded("users:1")
	programs := f.pair()
	day := func(i int) time.Time { return clockStart.AddDate(0, 0, -(i*7)%clients-1) } // a permutation of days
	errs := f.atOnce(clients, func(i int) error {
		t := move("world", "users:1", "1.00 USD")
		t.Effective = day(i)
		_, err := programs[i%2].Post(f.Context(), t)
		return err
	})
	for _, err := range errs {
		f.must(err)
	}
	f.sealPosted()
	f.wantBalance("users:1", "124.00 USD")
	for i := range clients {
		days := int64(clients) - int64(clockStart.Sub(day(i))/(24*time.Hour)) + 1 // of that day and before
		balance, err := f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{Effective: day(i)})
		f.must(err)
		want := money.FromUnits(days*100, currency("USD"))
		f.wantSame(fmt.Sprintf("the balance %v", day(i)), want.String(), balance.Balance.String())
	}
}
