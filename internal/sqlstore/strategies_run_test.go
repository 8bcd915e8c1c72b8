package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// batchSize is how many transfers a batch of the document has, no two on one account.
const batchSize = 100

// Kinds of work.
const (
	posted   = "posting"
	replayed = "known id"
	declined = "refusal"
)

// traces is what one strategy does.
type traces struct {
	strategy string
	lines    []line
}

// line is one kind of work, done so many times in the trace.
type line struct {
	what  string
	times int
	trace *trace
}

// bench posts for one strategy.
type bench struct {
	t      *testing.T
	tape   *tape
	handle handle
	ledger *ledger.Ledger
}

func newBench(t *testing.T, p place, s ledger.Strategy) *bench {
	t.Helper()
	b := &bench{t: t, tape: p.tape, handle: p.open(t)}
	var err error
	b.ledger, err = ledger.New(t.Context(), b.handle.store, &ledger.Options{Strategy: s, SealEvery: -1, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.ledger.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return b
}

// furnish opens the accounts: two for each transfer of a batch, of which the first may be overdrawn, and one that is
// empty.
func furnish(t *testing.T, p place) {
	t.Helper()
	b := newBench(t, p, ledger.Queue{})
	var all sync.WaitGroup
	open := func(o bursar.Opening) {
		o.Currency = money.USD{}.Currency()
		all.Go(func() {
			if _, err := b.ledger.OpenAccount(t.Context(), o); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range batchSize {
		open(bursar.Opening{Path: from(i), NoMin: true})
		open(bursar.Opening{Path: to(i)})
	}
	open(bursar.Opening{Path: empty})
	all.Wait()
	b.seal()
}

const empty = "empty"

func from(i int) string { return fmt.Sprintf("from:%d", i) }
func to(i int) string   { return fmt.Sprintf("to:%d", i) }

func (b *bench) seal() {
	b.t.Helper()
	if _, err := b.ledger.Seal(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) transfer(from, to string) bursar.Transfer {
	b.t.Helper()
	id, err := b.ledger.NewID()
	if err != nil {
		b.t.Fatal(err)
	}
	return bursar.Transfer{ID: id, Legs: []bursar.Leg{{From: from, To: to, Amount: money.MustParse("1.00 USD")}}}
}

func (b *bench) good() bursar.Transfer { return b.transfer(from(0), to(0)) }
func (b *bench) bad() bursar.Transfer  { return b.transfer(empty, to(0)) }

// warm runs something twice, so that the connection has prepared what it prepares.
func (b *bench) warm(work func() error) {
	b.t.Helper()
	for range 2 {
		if err := work(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// steady records work when it is done for the third time, with nothing left to seal.
func (b *bench) steady(work func() error) *trace {
	b.t.Helper()
	b.warm(work)
	b.seal()
	return b.tape.take(b.t, work)
}

// poster is a way to post one transfer.
type poster func(bursar.Transfer) (bursar.Posted, error)

func posts(post poster, t bursar.Transfer) error {
	_, err := post(t)
	return err
}

func refused(post poster, t bursar.Transfer) error {
	if _, err := post(t); bursar.CodeOf(err) != bursar.CodeInsufficientFunds {
		return fmt.Errorf("a transfer from an empty account is not refused: %w", err)
	}
	return nil
}

// directly is the postings of a ledger on its own.
func (b *bench) directly(name string) traces {
	post := func(t bursar.Transfer) (bursar.Posted, error) { return b.ledger.Post(b.t.Context(), t) }
	known := b.good()
	return traces{name, []line{
		{posted, 1, b.steady(func() error { return posts(post, b.good()) })},
		{replayed, 1, b.steady(func() error { return posts(post, known) })},
		{declined, 1, b.steady(func() error { return refused(post, b.bad()) })},
	}}
}

// first is the first posting of a program, on a connection that has prepared no statement.
func (b *bench) first() traces {
	got := b.tape.take(b.t, func() error {
		_, err := b.ledger.Post(b.t.Context(), b.good())
		return err
	})
	return traces{"none, a program's first", []line{{posted, 1, got}}}
}

// postMany posts in one call, no two transfers on one account.
func (b *bench) postMany(n int) error {
	transfers := make([]bursar.Transfer, n)
	for i := range transfers {
		transfers[i] = b.transfer(from(i), to(i))
	}
	results, err := b.ledger.PostBatch(b.t.Context(), transfers)
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	return err
}

// together is a batch.
func (b *bench) together() line {
	return line{fmt.Sprintf("%d postings", batchSize), batchSize, b.steady(func() error { return b.postMany(batchSize) })}
}

// sealing is what the sealer does with a number of entries, once the connection has prepared everything.
func (b *bench) sealing(entries int, what string) line {
	var got *trace
	for range 3 {
		if err := b.postMany(entries); err != nil {
			b.t.Fatal(err)
		}
		got = b.tape.take(b.t, func() error {
			_, err := b.ledger.Seal(b.t.Context())
			return err
		})
	}
	return line{what, entries, got.toCommit()} // Seal goes on to read the head, which the sealer does not
}

// beside is a posting of the queue when another program has left an entry to seal.
func (b *bench) beside() line {
	other, err := ledger.New(context.Background(), b.handle.store, &ledger.Options{SealEvery: -1})
	if err != nil {
		b.t.Fatal(err)
	}
	work := func() error {
		_, err := b.ledger.Post(b.t.Context(), b.good())
		return err
	}
	for n := 0; ; n++ {
		if _, err := other.Post(b.t.Context(), b.transfer(from(1), to(1))); err != nil {
			b.t.Fatal(err)
		}
		if n == 2 {
			return line{"posting, 1 entry of others to seal", 1, b.tape.take(b.t, work)}
		}
		if err := work(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// inside is the posters of a ledger in a database transaction of the caller's, each time a new one.
func (b *bench) inside(name string, begin func(do func(driver.CallerTx) error) error) traces {
	record := func(work func(poster) error) (got *trace) {
		for n := range 3 {
			err := begin(func(tx driver.CallerTx) error {
				post := func(t bursar.Transfer) (bursar.Posted, error) { return b.ledger.In(tx).Post(b.t.Context(), t) }
				if n < 2 {
					return work(post)
				}
				got = b.tape.take(b.t, func() error { return work(post) })
				return nil
			})
			if err != nil {
				b.t.Fatal(err)
			}
		}
		return got
	}
	known := b.good()
	if _, err := b.ledger.Post(b.t.Context(), known); err != nil {
		b.t.Fatal(err)
	}
	return traces{name, []line{
		{posted, 1, record(func(p poster) error { return posts(p, b.good()) })},
		{replayed, 1, record(func(p poster) error { return posts(p, known) })},
		{declined, 1, record(func(p poster) error { return refused(p, b.bad()) })},
	}}
}

// run posts with every strategy.
func run(t *testing.T, p place) []traces {
	t.Helper()
	furnish(t, p)
	return slices.Concat(runStrategies(t, p), runInside(t, p), runSealer(t, p))
}

func runStrategies(t *testing.T, p place) (all []traces) {
	for _, s := range []struct {
		name     string
		strategy ledger.Strategy
	}{
		{"none", nil}, {"locks", ledger.Locks{}}, {"swap", ledger.Swap{}}, {"hybrid", ledger.Hybrid{}},
		{"serializable", ledger.Serializable{}}, {"queue", ledger.Queue{}},
	} {
		b := newBench(t, p, s.strategy)
		if s.name == "none" {
			all = append(all, b.first())
		}
		got := b.directly(s.name)
		if s.name == "queue" {
			got.lines = append(got.lines, b.together())
			if b.handle.store.SealsLater() {
				got.lines = append(got.lines, b.beside())
			}
		}
		all = append(all, got)
	}
	return all
}

func runInside(t *testing.T, p place) []traces {
	b := newBench(t, p, nil)
	own := b.inside("In("+b.handle.caller+")", func(do func(driver.CallerTx) error) error {
		tx, rollback, err := b.handle.begin(t.Context())
		if err != nil {
			return err
		}
		defer func() {
			if err := rollback(); err != nil {
				t.Error(err)
			}
		}()
		return do(tx)
	})
	block := b.inside("In(*atomic.Tx)", func(do func(driver.CallerTx) error) error {
		return atomic.Do(t.Context(), b.handle.store.DB(), func(_ context.Context, tx *atomic.Tx) error { return do(tx) },
			nil)
	})
	return []traces{own, block}
}

func runSealer(t *testing.T, p place) []traces {
	b := newBench(t, p, nil)
	if !b.handle.store.SealsLater() {
		return nil
	}
	return []traces{{
		"the sealer", []line{b.sealing(1, "1 entry"), b.sealing(batchSize, fmt.Sprintf("%d entries", batchSize))},
	}}
}
