// Package bursartest is for the tests of applications that use a ledger: a temporary one, with money in it and a
// clock that the test moves, checked from end to end when the test is over.
//
//	ledger := bursartest.New(t, bursartest.Funded("users:1", "100.00 USD"))
//	// ... the code under test ...
//	bursartest.Balance(t, ledger, "users:1", "75.00 USD")
//
// [New] makes a ledger in a SQLite file of its own; [With] makes one over the application's database. The package
// is for _test.go files only and fakes nothing: it is the real ledger on a real database.
package bursartest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// Mint is the account that funded money comes from. It has no minimum; there is one for each currency, with the
// currency's code behind it, such as "bursartest:mint:USD".
const Mint = "bursartest:mint"

// Start is the time that a test's clock begins with.
var Start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Ledger is a ledger for one test, and its clock.
type Ledger struct {
	*ledger.Ledger
	// Clock stands still until the test moves it.
	Clock *Clock
	// Store is the ledger's store, for code under test that makes a ledger itself.
	Store driver.Store
}

// Clock is a clock that stands still until the test moves it. It is safe for concurrent use.
type Clock struct{ fake *clock.Fake }

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time { return c.fake.Now() }

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) { c.fake.Advance(d) }

// Set makes the clock show t.
func (c *Clock) Set(t time.Time) { c.fake.Set(t) }

// Sleep moves the clock by d and returns at once, or returns the cause of the end of ctx.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error { return c.fake.Sleep(ctx, d) }

// Fixture is something that a ledger begins with.
type Fixture struct {
	opening bursar.Opening
	amount  money.Amount
}

// Funded is an account with the default limits and this much money, such as "100.00 USD". It panics on an amount
// that is not well formed.
func Funded(account, amount string) Fixture {
	a := money.MustParse(amount)
	return Fixture{opening: bursar.Opening{Path: account, Currency: a.Currency()}, amount: a}
}

// Opened is an account without money.
func Opened(o bursar.Opening) Fixture { return Fixture{opening: o} }

// New makes a ledger in a temporary SQLite file. At the end of the test it is verified, closed and removed.
func New(t testing.TB, fixtures ...Fixture) *Ledger {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "bursar.db"))
	if err != nil {
		t.Fatalf("bursartest: open a temporary ledger: %v", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("bursartest: close the temporary ledger: %v", err)
		}
	})
	return With(t, store, fixtures...)
}

// With makes a ledger over a store of the application's own, migrating it if need be. At the end of the test the
// ledger is verified and closed; the store stays open.
func With(t testing.TB, store driver.Store, fixtures ...Fixture) *Ledger {
	t.Helper()
	l := &Ledger{Clock: &Clock{clock.NewFake(Start)}, Store: store}
	var err error
	if l.Ledger, err = ledger.New(t.Context(), store, &ledger.Options{Migrate: true, Clock: l.Clock}); err != nil {
		t.Fatalf("bursartest: make a ledger: %v", err)
	}
	ctx := context.Background() // t.Context() ends before the cleanup
	for _, f := range fixtures {
		if err := l.provide(ctx, f); err != nil {
			t.Fatalf("bursartest: provide %s: %v", f.opening.Path, err)
		}
	}
	t.Cleanup(func() {
		if err := l.Close(ctx); err != nil {
			t.Errorf("bursartest: close the ledger: %v", err)
		}
		Verify(t, store, l.Book())
	})
	return l
}

func (l *Ledger) provide(ctx context.Context, f Fixture) error {
	if _, err := l.OpenAccount(ctx, f.opening); err != nil || f.amount.IsZero() {
		return err
	}
	mint := Mint + ":" + f.amount.Currency().Code()
	if _, err := l.OpenAccount(ctx, bursar.Opening{Path: mint, Currency: f.amount.Currency(), NoMin: true}); err != nil {
		return err
	}
	_, err := l.Post(ctx, bursar.Transfer{
		ID:   bursar.IDOf("bursartest.fund", f.opening.Path),
		Legs: []bursar.Leg{{From: mint, To: f.opening.Path, Amount: f.amount}},
	})
	return err
}

// Verify fails the test if anything stored in the book contradicts its journal.
func Verify(t testing.TB, store driver.Store, book bursar.Book) {
	t.Helper()
	report, err := verify.Run(context.Background(), store, book, nil)
	switch {
	case err != nil:
		t.Errorf("bursartest: verify: %v", err)
	case report.Err() != nil:
		t.Errorf("bursartest: verify: %v", report.Err())
	}
}

// Journal is all that is sealed, in order.
func Journal(t testing.TB, l interface {
	Journal(ctx context.Context, after int64, limit int) ([]bursar.Entry, error)
}) (entries []bursar.Entry) {
	t.Helper()
	for {
		page, err := l.Journal(context.Background(), int64(len(entries)), bursar.PageMax)
		if err != nil {
			t.Fatalf("bursartest: journal: %v", err)
		}
		if len(page) == 0 {
			return entries
		}
		entries = append(entries, page...)
	}
}

// Balances is what answers for balances: a ledger.Ledger, a Ledger of this package, or what ledger.In returns.
type Balances interface {
	// Balance is the account's money at a point.
	Balance(ctx context.Context, path string, asOf bursar.AsOf) (bursar.Balance, error)
}

// Balance fails the test unless the account's balance is want, such as "75.00 USD".
func Balance(t testing.TB, l Balances, account, want string) {
	t.Helper()
	b, err := l.Balance(context.Background(), account, bursar.AsOf{})
	switch {
	case err != nil:
		t.Errorf("balance of %s: %v", account, err)
	case b.Balance.String() != want:
		t.Errorf("balance of %s is %v, want %s", account, b.Balance, want)
	}
}
