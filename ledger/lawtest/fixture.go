package lawtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// fixture is what a law works on: a ledger with an account for the world outside, and accounts of its own.
type fixture struct {
	t        *testing.T
	h        Harness
	db       Database
	ledger   *ledger.Ledger
	usd      money.Currency
	seed     uint64
	recorder *recorder
	reason   string // why the law does not apply
}

const (
	world     = "world"
	fundCents = 10_000
)

// prepare opens the database and the ledger.
func (f *fixture) prepare() {
	f.t.Helper()
	f.db, f.seed = f.h.Open(f.t), Seed(f.t)
	var err error
	if f.usd, err = money.Lookup("USD"); err != nil {
		f.t.Fatal(err)
	}
	f.ledger = f.open(f.db.Store, f.h.Strategy, nil)
	f.must(f.ledger.OpenAccount(f.t.Context(), bursar.Opening{Path: world, Currency: f.usd, NoMin: true}))
}

// inapplicable ends a law that has nothing to say of this store and strategy.
func (f *fixture) inapplicable(reason string) {
	f.t.Helper()
	f.reason = reason
	f.t.Skip("does not apply: " + reason)
}

// law checks one law of a group, in a test of its own, and records the result.
func (f *fixture) law(name string, check func()) {
	f.t.Helper()
	result, outer := Result{Mark: Failed}, f.t
	f.t.Run(name, func(t *testing.T) {
		f.t = t
		defer func() { f.t = outer }()
		check()
		if !t.Failed() {
			result.Mark = Passed
		}
	})
	f.recorder.results[name] = result
}

// Seed is the seed of a test's random choices: BURSAR_SEED, or a new one. It is printed either way.
func Seed(t *testing.T) uint64 {
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

func torture() bool { return os.Getenv("BURSAR_TORTURE") != "" }

// duration is how long a law that needs time runs: BURSAR_LAW, or what a run of all tests has time for.
func duration() time.Duration {
	if torture() {
		return 10 * time.Second
	}
	if text := os.Getenv("BURSAR_LAW"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			panic("BURSAR_LAW=" + text + " is no duration such as 2s")
		}
		return d
	}
	return 250 * time.Millisecond
}

// rounds is how often a law that needs repetition repeats itself.
func rounds(n int) int {
	if torture() {
		return 20 * n
	}
	return n
}

func (f *fixture) open(store driver.Store, s ledger.Strategy, c clock.Clock) *ledger.Ledger {
	f.t.Helper()
	l, err := ledger.New(context.Background(), store, &ledger.Options{Strategy: s, Clock: c, Migrate: true})
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

// otherProcess makes a ledger over the fixture's database as another process has it, with a clock of its own.
func (f *fixture) otherProcess(c clock.Clock) *ledger.Ledger {
	f.t.Helper()
	return f.open(f.db.Again(f.t), f.others()[0], c)
}

func (f *fixture) others() []ledger.Strategy {
	if len(f.h.Others) == 0 {
		return []ledger.Strategy{f.h.Strategy}
	}
	return f.h.Others
}

// processes are the fixture's ledger and one for each other process.
func (f *fixture) processes() []*ledger.Ledger {
	f.t.Helper()
	ledgers := []*ledger.Ledger{f.ledger}
	for _, s := range f.others() {
		ledgers = append(ledgers, f.open(f.db.Again(f.t), s, nil))
	}
	return ledgers
}

// accounts opens n accounts with a minimum of zero, each funded with cents.
func (f *fixture) accounts(n int, cents int64) []string {
	f.t.Helper()
	paths := make([]string, n)
	openings := make([]bursar.Opening, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("users:%d", i)
		openings[i] = bursar.Opening{Path: paths[i], Currency: f.usd}
	}
	f.setUp(openings, cents)
	return paths
}

// setUp opens accounts and funds them, all in one database transaction.
func (f *fixture) setUp(openings []bursar.Opening, cents int64) {
	f.t.Helper()
	for {
		switch err := f.setUpOnce(openings, cents); {
		case err == nil:
			return
		case !errors.Is(err, bursar.ErrConflict):
			f.t.Fatal(err)
		}
	}
}

// setUpOnce is one attempt, which a sealer on another node of a cluster may make too late.
func (f *fixture) setUpOnce(openings []bursar.Opening, cents int64) error {
	tx, err := f.db.Begin(f.t.Context())
	if err != nil {
		return err
	}
	defer tx.Rollback()
	in := f.ledger.In(tx)
	var funding []bursar.Transfer
	for _, o := range openings {
		if _, err := in.OpenAccount(f.t.Context(), o); err != nil {
			return err
		}
		funding = append(funding, transfer(bursar.IDOf("fund", o.Path), world, o.Path, f.cents(cents)))
	}
	if cents > 0 {
		if _, err := in.PostAll(f.t.Context(), funding); err != nil {
			return err
		}
	}
	return commit(tx)
}

func (f *fixture) must(posted bursar.Posted, err error) bursar.Posted {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	return posted
}

func (f *fixture) cents(n int64) money.Amount { return money.FromUnits(n, f.usd) }

func transfer(id bursar.ID, from, to string, amount money.Amount) bursar.Transfer {
	return bursar.Transfer{ID: id, Legs: []bursar.Leg{{From: from, To: to, Amount: amount}}}
}

func thingOf(kind string, n int) bursar.ID { return bursar.IDOf(kind, n) }

// attemptOf is the id of an attempt, as bursar.IDOf makes that of a thing: a UUID of version 4 that is the same in
// every run.
func attemptOf(kind string, n int) bursar.ID {
	id := bursar.IDOf(kind, n)
	id[6] = id[6]&0x0f | 4<<4
	return id
}

// either is the id of a thing for every other n, and of an attempt for the rest.
func either(kind string, n int) bursar.ID {
	if n%2 == 0 {
		return thingOf(kind, n)
	}
	return attemptOf(kind, n)
}

// unwritten reports whether a call with this error has written nothing, or may be made again without harm. Unlike
// bursar.Retryable it does not care whether the context of the call is done.
func unwritten(err error) bool { return bursar.Describe(bursar.CodeOf(err)).Retryable }

// newID is an id for a transfer that is sent once.
func (f *fixture) newID() bursar.ID {
	id, err := f.ledger.NewID()
	if err != nil {
		panic(err)
	}
	return id
}

// post posts as the harness says.
func (f *fixture) post(ctx context.Context, t bursar.Transfer) (bursar.Posted, error) {
	return f.postTo(ctx, f.ledger, t)
}

// postTo posts to another ledger over the fixture's database.
func (f *fixture) postTo(ctx context.Context, l *ledger.Ledger, t bursar.Transfer) (bursar.Posted, error) {
	if !f.h.In {
		return l.Post(ctx, t)
	}
	for {
		posted, err := f.postIn(ctx, l, t)
		if !errors.Is(err, bursar.ErrConflict) {
			return posted, err
		}
	}
}

// postIn posts in a database transaction of the test's, and commits it.
func (f *fixture) postIn(ctx context.Context, l *ledger.Ledger, t bursar.Transfer) (bursar.Posted, error) {
	tx, err := f.db.Begin(ctx)
	if err != nil {
		return bursar.Posted{}, &bursar.Error{Code: bursar.CodeUnavailable, Message: "begin", Err: err}
	}
	defer tx.Rollback()
	posted, err := l.In(tx).Post(ctx, t)
	if err != nil {
		return posted, err
	}
	switch err := commit(tx); {
	case errors.Is(err, bursar.ErrConflict):
		return bursar.Posted{}, err
	case err != nil:
		return bursar.Posted{}, &bursar.Error{Code: bursar.CodeOutcomeUnknown, Message: "commit", Err: err}
	}
	return posted, nil
}

// commit commits. Where nodes of a cluster compare what they have written at the commit, it may be too late. Then
// nothing is committed, and the error has the code of a conflict.
func commit(tx Tx) error {
	err := tx.Commit()
	if bursar.CodeOf(err) == bursar.CodeConflict {
		return &bursar.Error{Code: bursar.CodeConflict, Message: "commit", Err: err}
	}
	return err
}

// seal seals what has been committed and returns the head.
func (f *fixture) seal() bursar.Head {
	f.t.Helper()
	head, err := f.ledger.Seal(context.Background())
	if err != nil {
		f.t.Fatalf("seal: %v", err)
	}
	return head
}

// verify seals, and compares everything stored with a replay.
func (f *fixture) verify() {
	f.t.Helper()
	f.seal()
	bursartest.Verify(f.t, f.db.Store, f.ledger.Book())
}

// journal seals, and reads the whole journal page by page.
func (f *fixture) journal() []bursar.Entry {
	f.t.Helper()
	f.seal()
	return bursartest.Journal(f.t, f.ledger)
}

// replay checks the whole journal for violations.
func (f *fixture) replay() {
	f.t.Helper()
	entries := f.journal()
	limits := f.limits()
	for _, check := range []func() error{
		func() error { return conserved(entries) },
		func() error { return withinLimits(entries, limits) },
		func() error { return versionsRise(entries) },
		func() error { return placed(entries) },
	} {
		if err := check(); err != nil {
			f.t.Error(err)
		}
	}
}
