package lawtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// shopHelper begins a process that takes orders until it is killed.
const shopHelper = "shop"

// errand is what TestOrders tells a shop.
type errand struct {
	Driver  string // the name of a till
	DSN     string
	Seed    uint64
	Orders  []int // to be attempted, in this order
	Workers int
}

// fate is how the attempt of an order is meant to end. A refusal that nobody planned may come before it.
type fate int

const (
	fatePaid     fate = iota
	fateRepented      // rolled back, and then paid under the same id
	fateUndone        // rolled back
	fatePanicked      // rolled back by a panic
	fatePoor          // the transfer is refused, and all is rolled back
	fateKept          // the transfer is refused, and the order is kept as refused
)

// fates has one for each of twenty orders.
var fates = [20]fate{
	fateRepented, fateRepented, fateRepented,
	fateUndone, fateUndone, fateUndone,
	fatePanicked, fatePanicked,
	fatePoor, fatePoor,
	fateKept, fateKept,
} // the rest is paid

// order is everything about an order but what becomes of it. Its number and a seed decide all of it, so that every
// process attempts the same.
type order struct {
	number   int
	fate     fate
	block    bool // in a function that the driver, or package atomic, runs in a database transaction
	rowFirst bool // its row is written before its transfer
	buyer    string
	seller   string
	cents    int64
}

const (
	customers     = 20
	customerCents = 5_000
	tooManyCents  = customers*customerCents + 1 // more than there is
)

func customer(n int) string { return fmt.Sprintf("users:%d", n) }

func orderOf(seed uint64, number int) order {
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	buyer := r.IntN(customers)
	o := order{
		number: number, fate: fates[r.IntN(len(fates))], block: r.IntN(2) == 0, rowFirst: r.IntN(2) == 0,
		buyer: customer(buyer), seller: customer((buyer + 1 + r.IntN(customers-1)) % customers), cents: 1 + r.Int64N(200),
	}
	if o.fate == fatePoor || o.fate == fateKept {
		o.cents += tooManyCents
	}
	return o
}

func (o *order) id() bursar.ID { return bursar.IDOf("order", o.number) }

// What a shop says of an order, with its number behind it. The first three are what became of it, said when the end
// of the database transaction has been acknowledged.
const (
	saidPaid    = "paid"
	saidRefused = "refused" // and kept
	saidUndone  = "undone"
	saidOpen    = "open"  // its database transaction has begun
	saidKnown   = "known" // it was there before: an earlier process has committed it and could not say so any more
	saidAgain   = "again" // somebody else was in the way
)

// shop is a process that takes orders.
type shop struct {
	*application
	ledger *ledger.Ledger
	seed   uint64
	out    io.Writer // each line in one write, which a pipe takes whole or not at all
}

// keepShop is the body of such a process: it attempts all orders of an errand, says on out what becomes of each, and is
// done.
func keepShop(in io.Reader, out io.Writer) error {
	var e errand
	if err := json.NewDecoder(in).Decode(&e); err != nil {
		return fmt.Errorf("errand: %w", err)
	}
	connect, ok := connectors()[e.Driver]
	if !ok {
		return fmt.Errorf("errand: there is no %s", e.Driver)
	}
	a, err := connect(e.DSN, poolSize)
	if err != nil {
		return err
	}
	l, err := ledger.New(context.Background(), a.Store, nil)
	if err != nil {
		return err
	}
	s := &shop{application: a, ledger: l, seed: e.Seed, out: out}
	errs := make([]error, e.Workers)
	var workers sync.WaitGroup
	for w := range e.Workers {
		workers.Go(func() {
			for i := w; i < len(e.Orders) && errs[w] == nil; i += e.Workers {
				errs[w] = s.take(context.Background(), orderOf(s.seed, e.Orders[i]))
			}
		})
	}
	workers.Wait()
	return errors.Join(errors.Join(errs...), l.Close(context.Background()), a.close())
}

func (s *shop) say(what string, number int) error {
	_, err := fmt.Fprintf(s.out, "%s %d\n", what, number)
	return err
}

// take attempts an order, again where an application would, and says what became of it.
func (s *shop) take(ctx context.Context, o order) error {
	if o.fate == fateRepented {
		undone := o
		undone.fate = fateUndone
		switch outcome, err := s.insist(ctx, undone); {
		case err != nil:
			return err
		case outcome != saidUndone:
			return s.say(outcome, o.number) // an earlier process has got further, or there was not the money
		}
	}
	outcome, err := s.insist(ctx, o)
	if err != nil {
		return err
	}
	return s.say(outcome, o.number)
}

// attemptsMax is beyond what a worker has to bear from a handful of others.
const attemptsMax = 50

// insist begins again after conflicts with others.
func (s *shop) insist(ctx context.Context, o order) (outcome string, err error) {
	for range attemptsMax {
		outcome, err = s.attempt(ctx, o)
		if !s.inTheWay(err) {
			break
		}
		if err := s.say(saidAgain, o.number); err != nil {
			return "", err
		}
	}
	if err != nil {
		return "", fmt.Errorf("order %d, %+v: %w", o.number, o, err)
	}
	return outcome, nil
}

var (
	errUndone = errors.New("the customer does not want it any more")
	errLate   = errors.New("the commit of an earlier process has come in between")
)

// inTheWay reports whether an error is a conflict with another database transaction.
func (s *shop) inTheWay(err error) bool {
	return err != nil && (errors.Is(err, errLate) || errors.Is(err, bursar.ErrConflict) || errors.Is(err, bursar.ErrBusy) ||
		errors.Is(err, atomic.ErrBudget) || s.dialect.Classify(err).Kind == atomic.KindRetry)
}

// attempt runs one database transaction.
func (s *shop) attempt(ctx context.Context, o order) (outcome string, err error) {
	defer func() {
		switch r := recover(); {
		case err == errUndone, r == errUndone: // and nothing besides, such as a rollback that failed
			outcome, err = saidUndone, nil
		case r != nil:
			panic(r)
		}
	}()
	work := func(ctx context.Context, tx statements) (err error) {
		outcome, err = s.sell(ctx, tx, o)
		return err
	}
	if o.block {
		err = s.block(ctx, work)
		return outcome, err
	}
	tx, err := s.begin(ctx)
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	if err := work(ctx, tx); err != nil {
		if undo := tx.Rollback(); undo != nil {
			return "", fmt.Errorf("roll back after %v: %w", err, undo)
		}
		return "", err
	}
	if err := tx.Commit(); err != nil {
		return "", fmt.Errorf("commit: %w", err)
	}
	return outcome, nil
}

// sell writes an order's row and posts its transfer.
func (s *shop) sell(ctx context.Context, tx statements, o order) (outcome string, err error) {
	state, err := s.state(ctx, tx, o)
	if err != nil {
		return "", err
	}
	if err := s.say(saidOpen, o.number); err != nil {
		return "", err
	}
	if state != "" {
		return s.sold(ctx, tx, o, state)
	}
	if o.rowFirst {
		if err := s.insert(ctx, tx, o, saidPaid); err != nil {
			return "", err
		}
	}
	// Rows and locks are there: a moment in which to be killed.
	if err := clock.System().Sleep(ctx, pauseOf(o)); err != nil {
		return "", err
	}
	posted, err := s.ledger.In(tx).Post(ctx, o.transfer())
	switch {
	case errors.Is(err, bursar.ErrInsufficientFunds):
		return s.refuse(ctx, tx, o)
	case err != nil:
		return "", fmt.Errorf("post: %w", err)
	case posted.Replayed && o.rowFirst:
		return "", errors.New("the transfer was there before its order's row, which is new")
	case posted.Replayed:
		if state, err := s.state(ctx, tx, o); err != nil || state != saidPaid {
			return "", errors.Join(fmt.Errorf("the transfer is there and its order is %q", state), err)
		}
		return "", errLate
	case !o.rowFirst:
		if err := s.insert(ctx, tx, o, saidPaid); err != nil {
			return "", err
		}
	}
	switch o.fate {
	case fatePaid, fateRepented:
		return saidPaid, nil
	case fatePanicked:
		panic(errUndone)
	case fateUndone:
		return "", errUndone
	default:
		return "", errors.New("it was posted, although there is not so much money")
	}
}

// pauseOf is up to a millisecond and a half.
func pauseOf(o order) time.Duration { return time.Duration(o.number%4) * 500 * time.Microsecond }

// sold goes through the motions again for an order that an earlier process has committed: its transfer must be there.
func (s *shop) sold(ctx context.Context, tx statements, o order, state string) (outcome string, err error) {
	if err := s.say(saidKnown, o.number); err != nil || state == saidRefused {
		return state, err
	}
	switch posted, err := s.ledger.In(tx).Post(ctx, o.transfer()); {
	case err != nil:
		return "", fmt.Errorf("post again: %w", err)
	case !posted.Replayed:
		return "", errors.New("its row is there, and its transfer was not")
	default:
		return state, nil
	}
}

// refuse withdraws an order, or keeps it as refused. The refusal has left the database transaction usable.
func (s *shop) refuse(ctx context.Context, tx statements, o order) (outcome string, err error) {
	switch {
	case o.fate == fatePoor:
		return "", errUndone
	case o.rowFirst:
		err = tx.Exec(ctx, fmt.Sprintf(`UPDATE orders SET state = '%s' WHERE id = %d`, saidRefused, o.number))
	default:
		err = s.insert(ctx, tx, o, saidRefused)
	}
	return saidRefused, err
}

func (s *shop) insert(ctx context.Context, tx statements, o order, state string) error {
	err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO orders (id, state, buyer, seller, cents) VALUES (%d, '%s', '%s', '%s', %d)`,
		o.number, state, o.buyer, o.seller, o.cents))
	if err != nil && s.dialect.Classify(err).Kind == atomic.KindUnique {
		return errLate
	}
	return err
}

// state is that of an order's row, empty where there is none.
func (s *shop) state(ctx context.Context, tx statements, o order) (string, error) {
	states, err := tx.Strings(ctx, fmt.Sprintf(`SELECT state FROM orders WHERE id = %d`, o.number))
	if err != nil || len(states) == 0 {
		return "", err
	}
	return states[0], nil
}

func (o *order) transfer() bursar.Transfer {
	return bursar.Transfer{ID: o.id(), Legs: []bursar.Leg{{From: o.buyer, To: o.seller, Amount: cents(o.cents)}}}
}

func cents(n int64) money.Amount { return money.FromUnits(n, money.MustParse("0 USD").Currency()) }
