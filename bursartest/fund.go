package bursartest

import (
	"context"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Mint is the account outside the application that funded money comes from. It has no minimum; there is one for each
// currency, with the currency's code behind it, such as "bursartest:mint:USD".
const Mint = "bursartest:mint"

// Accounts is what money is given through: a ledger.Ledger, a Ledger of this package, or what ledger.In returns.
type Accounts interface {
	// Account finds an account.
	Account(ctx context.Context, path string) (bursar.Account, error)
	// OpenAccount opens an account.
	OpenAccount(ctx context.Context, o bursar.Opening) (bursar.Posted, error)
	// Post moves money.
	Post(ctx context.Context, t bursar.Transfer) (bursar.Posted, error)
}

// Fund puts an amount such as "100.00 USD" on an account, from [Mint]. An account that is not there is opened with the
// default limits; one that is there stays as it was opened, and must be of the amount's currency. Each call gives money
// again. An amount of zero only opens the account. What goes wrong ends the test, so call it from the test's own
// goroutine.
func Fund(t testing.TB, l Accounts, account, amount string) {
	t.Helper()
	a, err := money.Parse(amount)
	if err == nil {
		err = give(context.Background(), l, Fixture{opening(account, a), a}, bursar.ID{})
	}
	if err != nil {
		t.Fatalf("bursartest: give %s to %s: %v", amount, account, err)
	}
}

// Fixture is something that a ledger begins with.
type Fixture struct {
	opening bursar.Opening
	amount  money.Amount
}

// Funded is an account with this much money, such as "100.00 USD", as [Fund] gives it, but once in a book, however many
// ledgers begin with it. It panics on an amount that is not well formed.
func Funded(account, amount string) Fixture {
	a := money.MustParse(amount)
	return Fixture{opening(account, a), a}
}

// Opened is an account without money.
func Opened(o bursar.Opening) Fixture { return Fixture{opening: o} }

func opening(account string, a money.Amount) bursar.Opening {
	return bursar.Opening{Path: account, Currency: a.Currency()}
}

// funded reports whether the fixture comes with an amount, and so with the default limits.
func (f Fixture) funded() bool { return f.amount != money.Amount{} }

func (f Fixture) provide(ctx context.Context, l Accounts) error {
	if !f.funded() {
		_, err := l.OpenAccount(ctx, f.opening)
		return err
	}
	return give(ctx, l, f, bursar.IDOf("bursartest.fund", f.opening.Path))
}

// give moves money from the mint to an account, once for each id that is not zero.
func give(ctx context.Context, l Accounts, f Fixture, id bursar.ID) error {
	if err := open(ctx, l, f.opening); err != nil || f.amount.IsZero() {
		return err
	}
	mint := Mint + ":" + f.amount.Currency().Code()
	if err := open(ctx, l, bursar.Opening{Path: mint, Currency: f.amount.Currency(), NoMin: true}); err != nil {
		return err
	}
	_, err := l.Post(ctx, bursar.Transfer{ID: id,
		Legs: []bursar.Leg{{From: mint, To: f.opening.Path, Amount: f.amount}}})
	return err
}

// open opens an account that is not there.
func open(ctx context.Context, l Accounts, o bursar.Opening) error {
	_, err := l.Account(ctx, o.Path)
	if errors.Is(err, bursar.ErrAccountNotFound) {
		_, err = l.OpenAccount(ctx, o)
	}
	return err
}
