// Package bursartest is for the tests of applications that use a ledger: a temporary one, with money in it and a
// clock that the test moves, checked from end to end when the test is over.
//
//	l := bursartest.New(t)
//	bursartest.Fund(t, l, "users:1", "100.00 USD")
//	// ... the code under test, over l.Ledger ...
//	bursartest.Balance(t, l, "users:1", "75.00 USD")
//
// [New] makes a ledger in a SQLite file of its own; [With] makes one over the application's database; [Build] makes
// either with a book, a strategy or a clock of the test's choice. An empty database for the application's tables and
// the ledger's is one line of package sqlitetest, postgrestest or mysqltest:
//
//	db := postgrestest.New(t)
//	l := bursartest.With(t, db.Store)
//
// The package is for _test.go files only and fakes nothing but the time: it is the real ledger on a real database.
// docs/testing.md shows the tests of a small application, which may be copied.
package bursartest

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// Ledger is a ledger for one test, and its clock.
type Ledger struct {
	*ledger.Ledger
	// Clock stands still until the test moves it.
	Clock *Clock
	// Store is the ledger's store, for code under test that makes a ledger itself.
	Store driver.Store
}

// Options says what ledger [Build] makes. The zero value, and nil, are the defaults.
type Options struct {
	// Store is the application's own, which stays open. Defaults to a temporary SQLite file.
	Store driver.Store
	// Fixtures is what the ledger begins with. Defaults to nothing.
	Fixtures []Fixture
	// Clock may be shared with other ledgers of the test, or begin at another time. Defaults to one that begins at
	// [Start].
	Clock *Clock
	// NoMigrate leaves the schema and the book to the application, whose own migrations are tested. Defaults to making
	// both.
	NoMigrate bool
	// NoVerify leaves out the check at the end, for a test that spoils its own database. Defaults to [Verify].
	NoVerify bool
	// Book is as in ledger.Options, and so are the fields below.
	Book string
	// Strategy may be what production runs with.
	Strategy ledger.Strategy
	// Observer is told of fixtures too.
	Observer *ledger.Observer
	// Logger defaults to nothing.
	Logger *slog.Logger
	// SealEvery, if less than zero, leaves sealing to Seal and to the clock, for tests of what is not sealed yet.
	SealEvery time.Duration
}

// New makes a ledger in a temporary SQLite file. At the end of the test it is verified, closed and removed.
func New(t testing.TB, fixtures ...Fixture) *Ledger {
	t.Helper()
	return Build(t, &Options{Fixtures: fixtures})
}

// With makes a ledger over a store of the application's own, migrating it if need be. At the end of the test the
// ledger is closed and verified; the store stays open. Until then it must be: close it in a t.Cleanup that is
// registered before With, and not with defer, which runs first.
func With(t testing.TB, store driver.Store, fixtures ...Fixture) *Ledger {
	t.Helper()
	return Build(t, &Options{Store: store, Fixtures: fixtures})
}

// Build makes a ledger by the options, which may be nil. Several ledgers over one store, as of several programs, may
// share the clock, each in a book of its own or all in one. At the end of the test the ledger is closed, and then
// verified as by [Verify]. What goes wrong ends the test, so call it from the test's own goroutine.
func Build(t testing.TB, o *Options) *Ledger {
	t.Helper()
	var options Options
	if o != nil {
		options = *o
	}
	if options.Store == nil {
		options.Store = temporary(t)
	}
	l := &Ledger{Clock: cmp.Or(options.Clock, NewClock(Start)), Store: options.Store}
	var err error
	if l.Ledger, err = ledger.New(t.Context(), l.Store, options.ledger(l.Clock)); err != nil {
		t.Fatalf("bursartest: make a ledger: %v", err)
	}
	ctx := context.Background() // t.Context() ends before the cleanup
	forget := l.Clock.seals(func() {
		if _, err := l.Seal(ctx); err != nil {
			t.Errorf("bursartest: seal what was posted before the clock moves: %v", err)
		}
	})
	t.Cleanup(func() {
		forget()
		if err := l.Close(ctx); err != nil {
			t.Errorf("bursartest: close the ledger: %v", err)
		}
		if !options.NoVerify {
			Verify(t, l.Store, l.Book())
		}
	})
	for _, f := range options.Fixtures {
		if err := f.provide(ctx, l); err != nil {
			t.Fatalf("bursartest: provide %s: %v", f.opening.Path, err)
		}
	}
	return l
}

func (o *Options) ledger(clock *Clock) *ledger.Options {
	return &ledger.Options{
		Book: o.Book, Strategy: o.Strategy, Observer: o.Observer, Logger: o.Logger, SealEvery: o.SealEvery,
		Clock: clock, Migrate: !o.NoMigrate,
	}
}

func temporary(t testing.TB) driver.Store {
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
	return store
}
