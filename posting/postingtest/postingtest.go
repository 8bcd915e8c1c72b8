// Package postingtest is the laws of the ledger under concurrency: what must hold whatever the strategy, whatever the
// store, whoever else is writing.
//
// [Run] runs every law for one store and one strategy. Laws that need time run for about two seconds each, and for
// longer when BURSAR_TORTURE is set. Random choices come from a seed that is printed and that BURSAR_SEED repeats;
// the interleaving of goroutines is the machine's.
//
// The package is for _test.go files only. It fakes no database.
package postingtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/money"
)

// Harness is one store and one strategy to hold to the laws.
type Harness struct {
	// Open makes an empty, migrated database of the test's own, closed at its end.
	Open func(t *testing.T) Database
	// Strategy is nil for a ledger without one.
	Strategy bursar.Strategy
}

// Database is a store with the way in that an application has.
type Database struct {
	Store bursar.Store
	// Exec runs a statement of the application's outside any database transaction of the test.
	Exec func(ctx context.Context, query string, args ...any) error
	// Begin begins a database transaction as an application does.
	Begin func(ctx context.Context) (Tx, error)
	// Strings runs a query that returns one text column.
	Strings func(ctx context.Context, query string) ([]string, error)
}

// Tx is a database transaction of the application's.
type Tx interface {
	bursar.CallerTx
	// Exec runs a statement inside it.
	Exec(ctx context.Context, query string, args ...any) error
	// Commit ends it for good.
	Commit() error
	// Rollback ends it without a trace; after Commit it does nothing.
	Rollback() error
}

// Run holds one store and one strategy to every law.
func Run(t *testing.T, h Harness) {
	for _, law := range []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"money is conserved and within limits at every position, beside In writers that roll back", conserved},
		{"fifty posts of one id are one posting and fifty equal answers", oneID},
		{"transfers in opposite directions neither fail nor stall", opposite},
		{"a bad transfer fails alone", failsAlone},
		{"a cancelled post that is sent again happens once", cancelledOnce},
		{"ledger time rises strictly while clocks disagree and step back", timeRises},
		{"close answers every post that was taken", closeDrains},
	} {
		t.Run(law.name, func(t *testing.T) {
			f := newFixture(t, h)
			law.test(t, f)
			f.verify()
		})
	}
}

// fixture is what a law works on: a ledger with an outside world and a number of accounts.
type fixture struct {
	t      *testing.T
	h      Harness
	db     Database
	ledger *bursar.Ledger
	usd    money.Currency
	seed   uint64
}

const world = "world"

func newFixture(t *testing.T, h Harness) *fixture {
	t.Helper()
	f := &fixture{t: t, h: h, db: h.Open(t), seed: seed(t)}
	var err error
	if f.usd, err = money.Lookup("USD"); err != nil {
		t.Fatal(err)
	}
	f.ledger = f.open(nil)
	f.account(world, true)
	return f
}

// seed is BURSAR_SEED, or a new one, printed either way.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := rand.Uint64()
	if text := os.Getenv("BURSAR_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("BURSAR_SEED=%q is not a number: %v", text, err)
		}
	}
	t.Logf("BURSAR_SEED=%d", n)
	return n
}

func (f *fixture) random(stream int) *rand.Rand { return rand.New(rand.NewPCG(f.seed, uint64(stream))) }

// duration is how long a law that needs time runs.
func duration() time.Duration {
	if os.Getenv("BURSAR_TORTURE") != "" {
		return 10 * time.Second
	}
	return 2 * time.Second
}

// open makes a ledger over the fixture's database, as another process would.
func (f *fixture) open(c clock.Clock) *bursar.Ledger {
	f.t.Helper()
	l, err := bursar.New(f.db.Store, &bursar.Options{Strategy: f.h.Strategy, Clock: c})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			f.t.Errorf("close: %v", err)
		}
	})
	return l
}

func (f *fixture) account(path string, noMin bool) {
	f.t.Helper()
	if _, err := f.ledger.Open(f.t.Context(), bursar.Opening{Account: path, Currency: f.usd, NoMin: noMin}); err != nil {
		f.t.Fatal(err)
	}
}

// accounts opens n accounts with a minimum of zero, each funded with cents.
func (f *fixture) accounts(n int, cents int64) []string {
	f.t.Helper()
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("users:%d", i)
		f.account(paths[i], false)
		if cents > 0 {
			f.mustPost(transfer(bursar.IDOf("fund", i), world, paths[i], money.FromUnits(cents, f.usd)))
		}
	}
	return paths
}

func (f *fixture) mustPost(t bursar.Transfer) bursar.Posted {
	f.t.Helper()
	posted, err := f.ledger.Post(f.t.Context(), t)
	if err != nil {
		f.t.Fatal(err)
	}
	return posted
}

func transfer(id bursar.ID, from, to string, amount money.Amount) bursar.Transfer {
	return bursar.Transfer{ID: id, Legs: []bursar.Leg{{From: from, To: to, Amount: amount}}}
}

// verify holds everything stored against a replay.
func (f *fixture) verify() {
	f.t.Helper()
	report, err := verify.Run(context.Background(), f.db.Store, f.ledger.Book(), nil)
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		f.t.Errorf("verify: %v", err)
	}
}

// journal calls each with every entry in order, reading page by page.
func (f *fixture) journal(each func(bursar.Entry)) {
	f.t.Helper()
	for after := int64(0); ; {
		page, err := f.ledger.Journal(context.Background(), after, bursar.PageMax)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, e := range page {
			each(e)
			after = e.Seq
		}
		if len(page) == 0 {
			return
		}
	}
}
