// Package storetest is the contract of a store, as tests: what driver.Store must do over any database engine.
//
// An engine's own tests call [Run] with a function that makes a [Harness], and keep only what is special about the
// engine:
//
//	func TestStore(t *testing.T) { storetest.Run(t, open) }
//
// Every subject has a file of its own. The bookkeeper's scripts in testdata/ledger run too.
//
// The package does not test strategies: package ledger/lawtest does. Nor does it test how a store behaves when its
// database breaks.
package storetest

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
)

// Harness is an empty database with the store under test over it. It closes everything by itself when its test ends.
type Harness struct {
	// Store is the store under test, over DB.
	Store driver.Store
	// DB is the application's own handle on the database. The suite may bound its connections.
	DB *sql.DB
	// Atomic is the handle that atomic.Do takes for DB.
	Atomic *atomic.DB
	// Reopen makes another store over the same database, as another program would.
	Reopen func(t *testing.T) driver.Store
	// Tx makes a database transaction that was begun on DB fit for ledger.In.
	Tx func(tx *sql.Tx) driver.CallerTx
	// NoTriggers says that the engine has none, so that nothing keeps SQL from changing the journal.
	NoTriggers bool
	// PreparesOnce: a statement that could not be prepared, because its tables were not there, ends the connection that
	// prepares it again, as PgBouncer does. That is bursar.CodeUnavailable, and the next connection is fit for it.
	PreparesOnce bool
}

// Run checks a store against the contract. open makes a new empty database for each test. Tests run in parallel.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range s.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					f := &fixture{T: t, Harness: open(t), open: open, clock: clock.NewFake(clockStart)}
					if !s.bare {
						f.ledger = f.start(&ledger.Options{Migrate: true})
					}
					c.run(f)
					if !s.bare && !f.tampered {
						f.wantVerified()
					}
				})
			}
		})
	}
	t.Run("scripts", func(t *testing.T) {
		t.Parallel()
		runScripts(t, open)
	})
	t.Run("codes", func(t *testing.T) {
		t.Parallel()
		runCodes(t, open)
	})
}

// subject is the tests of one file.
type subject struct {
	name  string
	bare  bool // begins with an empty database, without schema or ledger
	cases []testCase
}

type testCase struct {
	name string
	run  func(*fixture)
}

func subjects() []subject {
	return []subject{
		{name: "schema", bare: true, cases: schemaCases},
		{name: "accounts", cases: accountCases},
		{name: "transfers", cases: transferCases},
		{name: "amounts", cases: amountCases},
		{name: "lines", bare: true, cases: lineCases},
		{name: "idempotency", cases: idempotencyCases},
		{name: "things", cases: thingCases},
		{name: "rules", cases: ruleCases},
		{name: "in", cases: inCases},
		{name: "journal", cases: journalCases},
		{name: "reading", cases: readingCases},
		{name: "statement", cases: statementCases},
		{name: "model", cases: modelCases},
		{name: "books", cases: bookCases},
		{name: "sizes", cases: sizeCases},
		{name: "endings", cases: endingCases},
		{name: "at once", cases: atOnceCases},
	}
}

// clockStart is the time at which the fixtures' clocks start.
var clockStart = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// fixture is one test with a database of its own.
type fixture struct {
	*testing.T
	Harness
	open     func(*testing.T) Harness
	clock    *clock.Fake
	ledger   *ledger.Ledger
	tampered bool // rows were changed without the ledger
}

// start makes a ledger over the fixture's store with the fixture's clock.
func (f *fixture) start(o *ledger.Options) *ledger.Ledger {
	f.Helper()
	return f.startOver(f.Store, o)
}

func (f *fixture) startOver(store driver.Store, o *ledger.Options) *ledger.Ledger {
	f.Helper()
	o.Clock = f.clock
	l, err := ledger.New(context.Background(), store, o)
	f.must(err)
	f.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			f.Error(err)
		}
	})
	return l
}

// must ends the test at an error.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// exec runs a raw statement outside the ledger.
func (f *fixture) exec(statement string) {
	f.Helper()
	if _, err := f.DB.ExecContext(f.Context(), statement); err != nil {
		f.Fatalf("%s: %v", statement, err)
	}
}

// number reads one number outside the ledger.
func (f *fixture) number(query string) (n int64) {
	f.Helper()
	if err := f.DB.QueryRowContext(f.Context(), query).Scan(&n); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
	return n
}

// sealPosted seals what has been posted, so that the past can be read. On an engine with one writer it does nothing.
func (f *fixture) sealPosted() {
	f.Helper()
	f.seal(f.ledger)
}

func (f *fixture) seal(l *ledger.Ledger) {
	f.Helper()
	_, err := l.Seal(f.Context())
	f.must(err)
}

// wantVerified checks everything that is stored, whatever the test was about.
func (f *fixture) wantVerified() {
	f.Helper()
	f.sealPosted()
	report, err := verify.Run(f.Context(), f.Store, f.ledger.Book(), nil)
	f.must(err)
	f.must(report.Err())
}

// account opens an account with the usual limits.
func (f *fixture) account(paths ...string) {
	f.Helper()
	for _, path := range paths {
		f.opening(bursar.Opening{Path: path, Currency: currency("USD")})
	}
}

// world opens the account that stands for the outside, in dollars.
func (f *fixture) world() {
	f.Helper()
	f.opening(bursar.Opening{Path: "world", Currency: currency("USD"), NoMin: true})
}

// funded opens the world, and accounts with 100.00 USD each from it.
func (f *fixture) funded(paths ...string) {
	f.Helper()
	f.world()
	f.account(paths...)
	for _, path := range paths {
		f.pay("world", path, "100.00 USD")
	}
}

func (f *fixture) opening(o bursar.Opening) bursar.Posted {
	f.Helper()
	posted, err := f.ledger.OpenAccount(f.Context(), o)
	f.must(err)
	f.sealPosted()
	return posted
}

// pay posts one leg.
func (f *fixture) pay(from, to, amount string) bursar.Posted {
	f.Helper()
	return f.post(move(from, to, amount))
}

func (f *fixture) post(t bursar.Transfer) bursar.Posted {
	f.Helper()
	posted, err := f.ledger.Post(f.Context(), t)
	f.must(err)
	f.sealPosted()
	return posted
}

// refused posts what must be refused with this code for this field, and checks that it has changed nothing.
func (f *fixture) refused(t bursar.Transfer, code bursar.Code, field string) error {
	f.Helper()
	before := f.everything()
	posted, err := f.ledger.Post(f.Context(), t)
	f.wantError(err, code, field)
	if posted != (bursar.Posted{}) {
		f.Errorf("a refusal came with %+v", posted)
	}
	f.wantSame("the accounts after a refusal", before, f.everything())
	return err
}

func (f *fixture) wantError(err error, code bursar.Code, field string) {
	f.Helper()
	if got := bursar.CodeOf(err); got != code {
		f.Fatalf("got code %q of error %v, want %q", got, err, code)
	}
	if got := fieldOf(err); got != field {
		f.Errorf("got field %q of error %v, want %q", got, err, field)
	}
}

func (f *fixture) wantBalance(path, want string) {
	f.Helper()
	balance, err := f.ledger.Balance(f.Context(), path, bursar.AsOf{})
	f.must(err)
	if got := balance.Balance.String(); got != want {
		f.Errorf("%s has %s, want %s", path, got, want)
	}
}

// head is the journal's head once everything is sealed.
func (f *fixture) head() bursar.Head {
	f.Helper()
	f.sealPosted()
	head, err := f.ledger.Head(f.Context())
	f.must(err)
	return head
}

// journal is all entries, read in pages of a few.
func (f *fixture) journal(l *ledger.Ledger) (all []bursar.Entry) {
	f.Helper()
	f.seal(l)
	for after := int64(0); ; after = all[len(all)-1].Seq {
		page, err := l.Journal(f.Context(), after, 7)
		f.must(err)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// atOnce runs fn n times at once and returns the errors in order.
func (f *fixture) atOnce(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = fn(i)
		})
	}
	close(begin)
	all.Wait()
	return errs
}

// everything is all accounts of the ledger.
func (f *fixture) everything() []bursar.Account {
	f.Helper()
	accounts, err := f.ledger.Accounts(f.Context(), bursar.AccountQuery{})
	f.must(err)
	return accounts
}
