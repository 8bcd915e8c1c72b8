package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/postgres"
)

func TestMoneyCommitsWithTheRowOfPgx(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.exec("CREATE TABLE orders (id integer PRIMARY KEY, state text NOT NULL)")
	d.exec("INSERT INTO orders VALUES (7, 'open')")
	pay := func(amount string, fail error) error {
		return pgx.BeginFunc(t.Context(), d.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "UPDATE orders SET state = 'paid' WHERE id = $1", 7); err != nil {
				return err
			}
			order := move("users:1", "users:2", amount)
			order.ID = bursar.IDOf("order.pay", 7)
			_, err := d.ledger.In(postgres.PgxTx(tx)).Post(t.Context(), order)
			return errors.Join(err, fail)
		})
	}
	d.wantCode(pay("100.01 USD", nil), bursar.CodeInsufficientFunds)
	reason := errors.New("changed my mind")
	if err := pay("25.00 USD", reason); !errors.Is(err, reason) {
		t.Errorf("pay = %v, want %v", err, reason)
	}
	if got := d.text("SELECT state FROM orders"); got != "open" {
		t.Errorf("the order is %s", got)
	}
	d.wantBalance("users:1", "100.00 USD")
	for range 2 { // a retry pays once
		d.must(pay("25.00 USD", nil))
	}
	if got := d.text("SELECT state FROM orders"); got != "paid" {
		t.Errorf("the order is %s", got)
	}
	d.wantBalance("users:1", "75.00 USD")
	d.wantVerified()
}

func TestRefusalsLeavePgxUsable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	tx := d.begin()
	in := d.ledger.In(postgres.PgxTx(tx))
	for _, refused := range []struct {
		t    bursar.Transfer
		code bursar.Code
	}{
		{move("users:1", "users:2", "500.00 USD"), bursar.CodeInsufficientFunds},
		{move("users:1", "nobody", "5.00 USD"), bursar.CodeAccountNotFound},
		{move("users:1", "users:1", "5.00 USD"), bursar.CodeSameAccount},
	} {
		_, err := in.Post(t.Context(), refused.t)
		d.wantCode(err, refused.code)
	}
	_, err := in.OpenAccount(t.Context(), bursar.Opening{Path: "users:1", Currency: money.MustParse("1 JPY").Currency()})
	d.wantCode(err, bursar.CodeAccountExists)
	inner, err := tx.Begin(t.Context()) // a savepoint
	d.must(err)
	_, err = d.ledger.In(postgres.PgxTx(inner)).Post(t.Context(), move("users:1", "users:2", "7.00 USD"))
	d.must(err)
	d.must(inner.Rollback(t.Context()))
	inner, err = tx.Begin(t.Context())
	d.must(err)
	_, err = d.ledger.In(postgres.PgxTx(inner)).Post(t.Context(), move("users:1", "users:2", "5.00 USD"))
	d.must(err)
	d.must(inner.Commit(t.Context()))
	inside, err := in.Balance(t.Context(), "users:1", bursar.AsOf{})
	if err != nil || inside.Balance.String() != "95.00 USD" {
		t.Errorf("inside users:1 has %v, %v", inside.Balance, err)
	}
	d.must(tx.Commit(t.Context()))
	d.wantBalance("users:1", "95.00 USD")
	_, err = in.Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
	d.wantCode(err, bursar.CodeUnsafeTransaction)
	if !errors.Is(err, sql.ErrTxDone) || !errors.Is(err, pgx.ErrTxClosed) {
		t.Errorf("posting after the end: %v", err)
	}
	d.wantVerified()
}

// TestPgxConnectionsThatAreLost posts after the connection has gone unnoticed, which is how pgx leaves one that is lost
// right behind an answer: the database is away, and nothing is wrong with the ledger.
func TestPgxConnectionsThatAreLost(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	first := d.begin()
	tx := d.begin()
	in := d.ledger.In(postgres.PgxTx(tx))
	_, err := in.Post(t.Context(), move("users:1", "users:2", "5.00 USD"))
	d.must(err)
	for _, lost := range []pgx.Tx{first, tx} {
		d.must(lost.Conn().Close(t.Context()))
	}
	for name, in := range map[string]*ledger.Joined{
		"at its first statement": d.ledger.In(postgres.PgxTx(first)), "later": in,
	} {
		_, err := in.Post(t.Context(), move("users:3", "users:4", "5.00 USD"))
		if bursar.CodeOf(err) != bursar.CodeUnavailable {
			t.Errorf("%s: %v, want %s", name, err, bursar.CodeUnavailable)
		}
		_, err = in.Account(t.Context(), "users:1")
		if bursar.CodeOf(err) != bursar.CodeUnavailable {
			t.Errorf("%s, reading: %v, want %s", name, err, bursar.CodeUnavailable)
		}
	}
	d.wantBalance("users:1", "100.00 USD")
}

// overtaken is what a second database transaction does while the first has not committed, and how it ends.
type overtaken struct {
	name     string
	post     func(*ledger.Joined, int) (bursar.Posted, error) // 0 is the first, 1 the second
	code     bursar.Code                                      // of the second when the first commits
	replayed bool
}

func overtakings() []overtaken {
	transfer := func(change func(*bursar.Transfer)) func(*ledger.Joined, int) (bursar.Posted, error) {
		return func(j *ledger.Joined, who int) (bursar.Posted, error) {
			t := move("users:1", "users:2", "1.00 USD")
			if who == 1 { // other accounts, or it would wait for those
				t = move("users:3", "users:4", "1.00 USD")
			}
			change(&t)
			return j.Post(context.Background(), t)
		}
	}
	return []overtaken{
		{name: "the same id", code: bursar.CodeIDReused, post: transfer(func(t *bursar.Transfer) {
			t.ID = bursar.IDOf("test",
				1)
		})},
		{name: "the same reference", code: bursar.CodeReferenceTaken,
			post: transfer(func(t *bursar.Transfer) { t.Reference = "order 7" })},
		{name: "the same account", replayed: true, post: func(j *ledger.Joined, _ int) (bursar.Posted, error) {
			return j.OpenAccount(context.Background(), bursar.Opening{
				Path: "users:5", Currency: money.MustParse("1.00 USD").Currency(),
			})
		}},
		{name: "the same transfer", replayed: true, post: func(j *ledger.Joined, _ int) (bursar.Posted, error) {
			t := move("users:1", "users:2", "1.00 USD")
			t.ID = bursar.IDOf("test", 1)
			return j.Post(context.Background(), t)
		}},
	}
}

func TestWhoComesSecondLooksAgain(t *testing.T) {
	t.Parallel()
	for _, o := range overtakings() {
		for _, commits := range []bool{true, false} {
			name := o.name + ", which is rolled back"
			if commits {
				name = o.name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o.run(newDesk(t, nil), commits)
			})
		}
	}
}

func (o *overtaken) run(d *desk, commits bool) {
	first, second := d.begin(), d.begin()
	_, err := o.post(d.ledger.In(postgres.PgxTx(first)), 0)
	d.must(err)
	type answer struct {
		posted bursar.Posted
		err    error
	}
	answers := make(chan answer, 1)
	in := d.ledger.In(postgres.PgxTx(second))
	go func() {
		posted, err := o.post(in, 1)
		answers <- answer{posted, err}
	}()
	d.waiting(second)
	code, replayed := o.code, o.replayed
	if commits {
		d.must(first.Commit(d.Context()))
	} else {
		d.must(first.Rollback(d.Context()))
		code, replayed = "", false
	}
	got := <-answers
	d.wantCode(got.err, code)
	if got.posted.Replayed != replayed {
		d.Errorf("the second was answered %+v", got.posted)
	}
	_, err = in.Post(d.Context(), move("users:3", "world", "2.00 USD")) // it can go on
	d.must(err)
	d.must(second.Commit(d.Context()))
	d.wantVerified()
}

// TestACallerDelaysOnlyItsAccounts keeps a database transaction open after a post, beside a queue and beside row locks.
func TestACallerDelaysOnlyItsAccounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		strategy          ledger.Strategy
		held, other, free string
	}{
		"queue": {ledger.Queue{}, "users:2", "users:1", "users:3"},
		"queue whose free account is locked first": {ledger.Queue{}, "users:2", "users:3", "users:1"},
		"none": {nil, "users:2", "users:1", "users:3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, &ledger.Options{Strategy: test.strategy})
			tx := d.begin()
			_, err := d.ledger.In(postgres.PgxTx(tx)).Post(t.Context(), move(test.other, test.held, "1.00 USD"))
			d.must(err)
			delayed := make(chan error, 1)
			go func() {
				_, err := d.ledger.Post(t.Context(), move(test.held, test.free, "101.00 USD")) // the last of it comes with tx
				delayed <- err
			}()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			post := func() {
				_, err := d.ledger.Post(ctx, move(test.free, "users:4", "1.00 USD"))
				d.must(err)
			}
			for range 10 { // while it is on its way
				post()
			}
			d.blocking(tx)
			for range 10 {
				post()
			}
			select {
			case err := <-delayed:
				t.Fatalf("a post on an account that is held was answered: %v", err)
			default:
			}
			d.must(tx.Commit(t.Context()))
			d.must(<-delayed)
			d.wantBalance(test.held, "0.00 USD")
			d.wantBalance(test.free, "181.00 USD")
			d.wantVerified()
		})
	}
}

// TestOppositeOrders posts to the same two accounts in opposite orders in two database transactions.
func TestOppositeOrders(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	first, second := d.begin(), d.begin()
	a, b := d.ledger.In(postgres.PgxTx(first)), d.ledger.In(postgres.PgxTx(second))
	_, err := a.Post(t.Context(), move("world", "users:1", "1.00 USD"))
	d.must(err)
	_, err = b.Post(t.Context(), move("users:2", "users:3", "1.00 USD"))
	d.must(err)
	waits := make(chan error, 1)
	go func() {
		_, err := a.Post(t.Context(), move("users:2", "users:4", "1.00 USD"))
		waits <- err
	}()
	d.waiting(first)
	_, err = b.Post(t.Context(), move("users:1", "users:3", "1.00 USD"))
	switch victim := <-waits; {
	case err != nil && victim == nil:
		d.must(first.Commit(t.Context()))
		d.must(second.Rollback(t.Context()))
	case err == nil && victim != nil:
		err = victim
		d.must(second.Commit(t.Context()))
		d.must(first.Rollback(t.Context()))
	default:
		t.Fatalf("of two who wait for one another %v and %v were told", victim, err)
	}
	d.wantCode(err, bursar.CodeConflict)
	if !bursar.Retryable(err) {
		t.Errorf("%v is not retryable", err)
	}
	d.wantVerified()
}

// TestOppositeOrdersUnderAtomic does the same under atomic.Do, which begins the victim again.
func TestOppositeOrdersUnderAtomic(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	met := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	done := make(chan error, 2)
	for who := range 2 {
		legs := [2][2]string{{"users:1", "users:3"}, {"users:2", "users:4"}}
		attempt := 0
		go func() {
			done <- atomic.Do(t.Context(), d.store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
				attempt++
				in := d.ledger.In(tx)
				if _, err := in.Post(ctx, move(legs[who][0], legs[who][1], "1.00 USD")); err != nil {
					return err
				}
				if attempt == 1 { // both hold their first account
					close(met[who])
					<-met[1-who]
				}
				_, err := in.Post(ctx, move(legs[1-who][0], legs[1-who][1], "1.00 USD"))
				return err
			}, nil)
		}()
	}
	d.must(<-done)
	d.must(<-done)
	d.wantBalance("users:1", "98.00 USD")
	d.wantBalance("users:2", "98.00 USD")
	d.wantVerified()
}
