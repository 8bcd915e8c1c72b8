package storetest

import (
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

var amountCases = []testCase{
	{"every size is exact", everySize},
	{"sums carry across the middle", sumsCarry},
	{"a balance out of range", balanceOutOfRange},
	{"limits of every size", limitsOfEverySize},
	{"views show exact decimals", viewsAreExact},
}

// greatest is 10^36 - 1 smallest units.
var greatest = strings.Repeat("9", 36)

var everyAmount = []string{
	"1 JPY", "0.01 USD", "0.001 BHD", "1 CHIP/0", "0.00000001 BTC/8", "0.000000000000000001 ETH/18",
	"92233720368547758.07 USD", "92233720368547758.08 USD", // around the end of an int64
	"9999999999999999.99 USD", "10000000000000000.00 USD", "10000000000000000.01 USD", // around the middle of a pair
	"9223372036854775807 BIG/0", "9223372036854775808 BIG/0", "18446744073709551616 BIG/0",
	"123456789.123456789012345678 ETH/18", "999999999999999999.999999999999999999 ETH/18",
	greatest + " BIG/0", "999999.999999999999999999999999999999 FINE/30",
}

func everySize(f *fixture) {
	for i, amount := range everyAmount {
		name := strings.Repeat("x", i+1)
		unit := limit(amount).Currency()
		f.opening(bursar.Opening{Path: "out:" + name, Currency: unit, NoMin: true})
		f.opening(bursar.Opening{Path: "in:" + name, Currency: unit, Min: limit("-" + amount), Max: limit(amount)})
		f.pay("out:"+name, "in:"+name, amount)
		f.wantBalance("in:"+name, amount)
		f.wantBalance("out:"+name, "-"+amount)
	}
	entries := f.journal(f.startOver(f.Reopen(f.T), &ledger.Options{}))
	for i, amount := range everyAmount {
		e := entries[3*i+2]
		f.wantSame("the amounts of an entry", []string{amount, "-" + amount, amount},
			[]string{e.Amount.String(), e.FromAfter.Balance.String(), e.ToAfter.Balance.String()})
	}
}

// trialBalance checks that the balances of each currency sum to zero.
func (f *fixture) trialBalance() []bursar.CurrencyTotal {
	f.Helper()
	var accounts int64
	totals, head, err := f.ledger.TrialBalance(f.Context(), func(bursar.Account) error { accounts++; return nil })
	f.must(err)
	for _, total := range totals {
		if !total.Sum.IsZero() || total.Positive.Neg() != total.Negative {
			f.Errorf("the balances in %v sum to %v: %v and %v", total.Currency, total.Sum, total.Positive, total.Negative)
		}
		accounts -= total.Accounts
	}
	if accounts != 0 || head != f.head() {
		f.Errorf("%d accounts are in no total; head %v", accounts, head)
	}
	return totals
}

func sumsCarry(f *fixture) {
	f.opening(bursar.Opening{Path: "out", Currency: currency("BIG/0"), NoMin: true})
	f.opening(bursar.Opening{Path: "in", Currency: currency("BIG/0")})
	for _, step := range []struct{ amount, want string }{
		{"999999999999999999 BIG/0", "999999999999999999 BIG/0"},
		{"1 BIG/0", "1000000000000000000 BIG/0"},
		{"999999999999999999 BIG/0", "1999999999999999999 BIG/0"},
		{"3000000000000000001 BIG/0", "5000000000000000000 BIG/0"},
	} {
		f.pay("out", "in", step.amount)
		f.wantBalance("in", step.want)
		f.wantBalance("out", "-"+step.want)
	}
	for _, step := range []struct{ amount, want string }{
		{"1 BIG/0", "4999999999999999999 BIG/0"},
		{"4000000000000000000 BIG/0", "999999999999999999 BIG/0"},
		{"999999999999999999 BIG/0", "0 BIG/0"},
	} {
		f.pay("in", "out", step.amount)
		f.wantBalance("in", step.want)
	}
}

func balanceOutOfRange(f *fixture) {
	big := currency("BIG/0")
	for _, path := range []string{"out", "out2", "in"} {
		f.opening(bursar.Opening{Path: path, Currency: big, NoMin: true})
	}
	f.pay("out", "in", greatest+" BIG/0")
	f.refused(move("out", "out2", "1 BIG/0"), bursar.CodeBalanceOutOfRange, "legs[0]")
	f.refused(move("out2", "in", "1 BIG/0"), bursar.CodeBalanceOutOfRange, "legs[0]")
	f.pay("in", "out", greatest+" BIG/0")
	f.wantBalance("out", "0 BIG/0")
}

func limitsOfEverySize(f *fixture) {
	const min, max = "-5000000000000000000 BIG/0", "7000000000000000000 BIG/0"
	big := currency("BIG/0")
	f.opening(bursar.Opening{Path: "out", Currency: big, NoMin: true})
	f.opening(bursar.Opening{Path: "in", Currency: big, Min: limit(min), Max: limit(max)})
	f.refused(move("out", "in", "7000000000000000001 BIG/0"), bursar.CodeLimitExceeded, "legs[0]")
	f.pay("out", "in", "6999999999999999999 BIG/0")
	f.refused(move("out", "in", "2 BIG/0"), bursar.CodeLimitExceeded, "legs[0]")
	f.pay("out", "in", "1 BIG/0")
	f.refused(move("in", "out", "12000000000000000001 BIG/0"), bursar.CodeInsufficientFunds, "legs[0]")
	f.pay("in", "out", "11999999999999999999 BIG/0")
	f.pay("in", "out", "1 BIG/0")
	f.wantBalance("in", min)
	f.refused(move("in", "out", "1 BIG/0"), bursar.CodeInsufficientFunds, "legs[0]")
}

// viewsAreExact reads what plain SQL sees.
func viewsAreExact(f *fixture) {
	for i, amount := range everyAmount {
		name := strings.Repeat("x", i+1)
		f.opening(bursar.Opening{Path: "out:" + name, Currency: limit(amount).Currency(), NoMin: true})
		f.opening(bursar.Opening{Path: "in:" + name, Currency: limit(amount).Currency()})
		f.pay("out:"+name, "in:"+name, amount)
		decimal, _, _ := strings.Cut(amount, " ")
		for path, want := range map[string]string{"out:" + name: "-" + decimal, "in:" + name: decimal} {
			for _, column := range []string{"balance", "available"} {
				got := f.text("SELECT " + column + " FROM bursar_accounts WHERE path = '" + path + "'")
				f.wantSame(column+" of "+path+" in the view", want, got)
			}
		}
		got := f.text("SELECT amount FROM bursar_entries WHERE from_path = 'out:" + name + "'")
		f.wantSame("the amount in the view", decimal, got)
	}
}

// text reads one text outside the ledger.
func (f *fixture) text(query string) (s string) {
	f.Helper()
	if err := f.DB.QueryRowContext(f.Context(), query).Scan(&s); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
	return s
}
