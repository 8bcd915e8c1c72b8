package bursartest_test

import (
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

func TestFundOpensTheAccountOnceAndAddsEachTime(t *testing.T) {
	t.Parallel()
	l := bursartest.New(t)
	bursartest.Fund(t, l, "users:1", "100.00 USD")
	bursartest.Fund(t, l, "users:1", "0.50 USD")
	bursartest.Fund(t, l, "users:1:jpy", "5 JPY")
	bursartest.Fund(t, l, "users:2", "0.00 EUR")
	bursartest.Balance(t, l, "users:1", "100.50 USD")
	bursartest.Balance(t, l, "users:1:jpy", "5 JPY")
	bursartest.Balance(t, l, "users:2", "0.00 EUR")
	bursartest.Balance(t, l, bursartest.Mint+":USD", "-100.50 USD")
	bursartest.Balance(t, l, bursartest.Mint+":JPY", "-5 JPY")
}

func TestFundTakesTheAccountAsTheApplicationHasOpenedIt(t *testing.T) {
	t.Parallel()
	opening := bursar.Opening{Path: "users:1", Currency: money.MustParse("0 USD").Currency(),
		Metadata: bursar.Metadata{"tier": "gold"}}
	l := bursartest.New(t, bursartest.Opened(opening), bursartest.Funded("users:1", "1.00 USD"))
	bursartest.Fund(t, l, "users:1", "2.00 USD")
	bursartest.Balance(t, l, "users:1", "3.00 USD")
	if account, err := l.Account(t.Context(), "users:1"); err != nil || account.Metadata["tier"] != "gold" {
		t.Errorf("the account is %+v, %v", account, err)
	}
}

func TestFundInsideADatabaseTransaction(t *testing.T) {
	t.Parallel()
	l := bursartest.New(t)
	err := ledger.Do(t.Context(), l.Ledger, storeOf(t, l).On(), func(_ *tx, in *ledger.Joined) error {
		bursartest.Fund(t, in, "users:1", "3.00 USD")
		bursartest.Balance(t, in, "users:1", "3.00 USD")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	bursartest.Balance(t, l, "users:1", "3.00 USD")
}

func TestFundRefusesWithTheReason(t *testing.T) {
	t.Parallel()
	l := bursartest.New(t, bursartest.Funded("euros", "1.00 EUR"))
	for _, row := range []struct{ account, amount, want string }{
		{"users:1", "1.00", "1.00"},
		{"users:1", "-1.00 USD", "positive"},
		{"users 1", "1.00 USD", "users 1"},
		{"euros", "1.00 USD", "EUR"},
	} {
		r := &recorder{TB: t}
		r.run(func() { bursartest.Fund(r, l, row.account, row.amount) })
		if len(r.failures) != 1 || !strings.Contains(r.failures[0], row.want) || !r.stopped {
			t.Errorf("Fund(%s, %s): the failures %q do not say %q", row.account, row.amount, r.failures, row.want)
		}
	}
	bursartest.Balance(t, l, "euros", "1.00 EUR")
}
