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

// ordersHelper makes this test binary a client of TestOrders instead of running tests.
const ordersHelper = "orders"

// ordersTask is what TestOrders tells a client: the requests that it has to make.
type ordersTask struct {
	Driver  string // the name of a backend
	DSN     string
	Seed    uint64
	Orders  []int // to be attempted, in this order
	Workers int
}

// ending is how a request is meant to end. A refusal for lack of money may come before that.
type ending int

const (
	endsPaid    ending = iota
	endsRetried        // rolled back, and then paid under the same id
	endsUndone         // rolled back
	endsInPanic        // rolled back by a panic
	endsRefused        // the transfer is refused, and all is rolled back
	endsKept           // the transfer is refused, and the order is kept as refused
)

// endings has one for each of twenty orders.
var endings = [20]ending{
	endsRetried, endsRetried, endsRetried,
	endsUndone, endsUndone, endsUndone,
	endsInPanic, endsInPanic,
	endsRefused, endsRefused,
	endsKept, endsKept,
} // the rest is paid

// order is a request: to write a row and to post its transfer in one database transaction. Its number and a seed decide
// all of it, so that every process attempts the same.
type order struct {
	number   int
	ending   ending
	block    bool // the driver, or package atomic, runs the database transaction as a function
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
		number: number, ending: endings[r.IntN(len(endings))], block: r.IntN(2) == 0, rowFirst: r.IntN(2) == 0,
		buyer: customer(buyer), seller: customer((buyer + 1 + r.IntN(customers-1)) % customers), cents: 1 + r.Int64N(200),
	}
	if o.ending == endsRefused || o.ending == endsKept {
		o.cents += tooManyCents
	}
	return o
}

func (o *order) id() bursar.ID { return bursar.IDOf("order", o.number) }

// What a client says of an order, with its number behind it. An answer is said once the end of the database transaction
// is acknowledged. A note is said while the order is under way.
const (
	answerPaid    = "paid"
	answerRefused = "refused" // and kept
	answerUndone  = "undone"
	noteOpen      = "open"  // its database transaction has begun
	noteKnown     = "known" // its row was there: an earlier client has committed it, and its answer is unknown
	noteAgain     = "again" // there was a conflict
)

// ordersClient is a process that makes the requests.
type ordersClient struct {
	*application
	ledger *ledger.Ledger
	seed   uint64
	out    io.Writer // each line in one write, which a pipe takes whole or not at all
}

// runOrdersClient is the body of the process. It attempts all orders of the task in in and writes the answers to out.
func runOrdersClient(in io.Reader, out io.Writer) error {
	var task ordersTask
	if err := json.NewDecoder(in).Decode(&task); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	connect, ok := connectors()[task.Driver]
	if !ok {
		return fmt.Errorf("task: there is no %s", task.Driver)
	}
	a, err := connect(task.DSN, poolSize)
	if err != nil {
		return err
	}
	l, err := ledger.New(context.Background(), a.Store, nil)
	if err != nil {
		return err
	}
	c := &ordersClient{application: a, ledger: l, seed: task.Seed, out: out}
	errs := make([]error, task.Workers)
	var workers sync.WaitGroup
	for w := range task.Workers {
		workers.Go(func() {
			for i := w; i < len(task.Orders) && errs[w] == nil; i += task.Workers {
				errs[w] = c.answer(context.Background(), orderOf(c.seed, task.Orders[i]))
			}
		})
	}
	workers.Wait()
	return errors.Join(errors.Join(errs...), l.Close(context.Background()), a.close())
}

func (c *ordersClient) say(what string, number int) error {
	_, err := fmt.Fprintf(c.out, "%s %d\n", what, number)
	return err
}

// answer attempts an order, again where an application would, and says the answer.
func (c *ordersClient) answer(ctx context.Context, o order) error {
	if o.ending == endsRetried {
		undone := o
		undone.ending = endsUndone
		switch answer, err := c.retry(ctx, undone); {
		case err != nil:
			return err
		case answer != answerUndone:
			return c.say(answer, o.number) // an earlier client has got further, or there is too little money
		}
	}
	answer, err := c.retry(ctx, o)
	if err != nil {
		return err
	}
	return c.say(answer, o.number)
}

// attemptsMax is more attempts than a handful of workers can make necessary.
const attemptsMax = 50

// retry attempts an order until there is no conflict.
func (c *ordersClient) retry(ctx context.Context, o order) (answer string, err error) {
	for range attemptsMax {
		answer, err = c.attempt(ctx, o)
		if !c.isConflict(err) {
			break
		}
		if err := c.say(noteAgain, o.number); err != nil {
			return "", err
		}
	}
	if err != nil {
		return "", fmt.Errorf("order %d, %+v: %w", o.number, o, err)
	}
	return answer, nil
}

var (
	errUndone = errors.New("the customer does not want it any more")
	errLate   = errors.New("the commit of an earlier client has come in between")
)

// isConflict reports whether an error is a conflict with another database transaction.
func (c *ordersClient) isConflict(err error) bool {
	if err == nil {
		return false
	}
	for _, conflict := range []error{errLate, bursar.ErrConflict, bursar.ErrBusy, atomic.ErrBudget} {
		if errors.Is(err, conflict) {
			return true
		}
	}
	return c.dialect.Classify(err).Kind == atomic.KindRetry
}

// attempt runs one database transaction.
func (c *ordersClient) attempt(ctx context.Context, o order) (answer string, err error) {
	defer func() {
		switch r := recover(); {
		case err == errUndone, r == errUndone: // and nothing besides, such as a rollback that failed
			answer, err = answerUndone, nil
		case r != nil:
			panic(r)
		}
	}()
	work := func(ctx context.Context, tx statements) (err error) {
		answer, err = c.write(ctx, tx, o)
		return err
	}
	if o.block {
		err = c.block(ctx, work)
		return answer, err
	}
	tx, err := c.begin(ctx)
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
	return answer, nil
}

// write writes an order's row and posts its transfer.
func (c *ordersClient) write(ctx context.Context, tx statements, o order) (answer string, err error) {
	state, err := c.state(ctx, tx, o)
	if err != nil {
		return "", err
	}
	if err := c.say(noteOpen, o.number); err != nil {
		return "", err
	}
	if state != "" {
		return c.repeat(ctx, tx, o, state)
	}
	if o.rowFirst {
		if err := c.insert(ctx, tx, o, answerPaid); err != nil {
			return "", err
		}
	}
	// Rows and locks are there. It is a good point for a kill.
	if err := clock.System().Sleep(ctx, pauseOf(o)); err != nil {
		return "", err
	}
	posted, err := c.ledger.In(tx).Post(ctx, o.transfer())
	switch {
	case errors.Is(err, bursar.ErrInsufficientFunds):
		return c.refuse(ctx, tx, o)
	case err != nil:
		return "", fmt.Errorf("post: %w", err)
	case posted.Replayed && o.rowFirst:
		return "", errors.New("the transfer was there before its order's row, which is new")
	case posted.Replayed:
		if state, err := c.state(ctx, tx, o); err != nil || state != answerPaid {
			return "", errors.Join(fmt.Errorf("the transfer is there and its order is %q", state), err)
		}
		return "", errLate
	case !o.rowFirst:
		if err := c.insert(ctx, tx, o, answerPaid); err != nil {
			return "", err
		}
	}
	switch o.ending {
	case endsPaid, endsRetried:
		return answerPaid, nil
	case endsInPanic:
		panic(errUndone)
	case endsUndone:
		return "", errUndone
	default:
		return "", errors.New("it was posted, although there is too little money")
	}
}

// pauseOf is up to a millisecond and a half.
func pauseOf(o order) time.Duration { return time.Duration(o.number%4) * 500 * time.Microsecond }

// repeat posts again for an order that an earlier client has committed. The transfer must be there.
func (c *ordersClient) repeat(ctx context.Context, tx statements, o order, state string) (answer string, err error) {
	if err := c.say(noteKnown, o.number); err != nil || state == answerRefused {
		return state, err
	}
	switch posted, err := c.ledger.In(tx).Post(ctx, o.transfer()); {
	case err != nil:
		return "", fmt.Errorf("post again: %w", err)
	case !posted.Replayed:
		return "", errors.New("its row is there, and its transfer was not")
	default:
		return state, nil
	}
}

// refuse withdraws an order, or keeps it as refused. A refusal leaves the database transaction usable.
func (c *ordersClient) refuse(ctx context.Context, tx statements, o order) (answer string, err error) {
	switch {
	case o.ending == endsRefused:
		return "", errUndone
	case o.rowFirst:
		err = tx.Exec(ctx, fmt.Sprintf(`UPDATE orders SET state = '%s' WHERE id = %d`, answerRefused, o.number))
	default:
		err = c.insert(ctx, tx, o, answerRefused)
	}
	return answerRefused, err
}

func (c *ordersClient) insert(ctx context.Context, tx statements, o order, state string) error {
	err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO orders (id, state, buyer, seller, cents)
		VALUES (%d, '%s', '%s', '%s', %d)`, o.number, state, o.buyer, o.seller, o.cents))
	if err != nil && c.dialect.Classify(err).Kind == atomic.KindUnique {
		return errLate
	}
	return err
}

// state is the state of an order's row. It is empty when there is no row.
func (c *ordersClient) state(ctx context.Context, tx statements, o order) (string, error) {
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
