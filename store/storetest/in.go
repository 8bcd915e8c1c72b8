package storetest

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
)

var inCases = []testCase{
	{"money commits with the application's row", inCommits},
	{"money rolls back with the application's row", inRollsBack},
	{"a refusal leaves the transaction usable", inRefuses},
	{"a batch is all or nothing", inBatch},
	{"verbs see what the transaction did", inSees},
	{"an atomic transaction goes in as it is", inAtomic},
	{"a snapshot of the application's own is read, and not written in", inSnapshot},
	{"an inner block takes its money back", inNested},
	{"outside an open transaction is refused", outsideIsRefused},
	{"with one connection too", withOneConnection},
	{"what is no transaction is unsafe", noTransaction},
	{"another database's transaction is unsafe", anotherDatabase},
	{"an ended transaction does nothing", inEnded},
}

// orders makes a table of the application's own.
func (f *fixture) orders() {
	f.Helper()
	f.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, state VARCHAR(20) NOT NULL)")
	f.exec("INSERT INTO orders VALUES (7, 'open')")
}

func (f *fixture) wantOrder(want string) {
	f.Helper()
	f.wantSame("the order", want, f.text("SELECT state FROM orders WHERE id = 7"))
}

// begin begins a database transaction as an application does.
func (f *fixture) begin() *sql.Tx {
	f.Helper()
	tx, err := f.DB.BeginTx(f.Context(), nil)
	f.must(err)
	f.Cleanup(func() { _ = tx.Rollback() }) // after Commit it does nothing
	return tx
}

// within runs fn inside a database transaction of the application's and commits it.
func (f *fixture) within(fn func(*ledger.Joined) error) {
	f.Helper()
	tx := f.begin()
	f.must(fn(f.ledger.In(f.Tx(tx))))
	f.must(tx.Commit())
	f.sealPosted()
}

// inSnapshot reads the ledger in a read-only database transaction with a snapshot, beside rows of the application's.
func inSnapshot(f *fixture) {
	f.funded("users:1", "users:2")
	f.orders()
	var refused error
	err := atomic.Do(f.Context(), f.Atomic, func(ctx context.Context, tx *atomic.Tx) error {
		in := f.ledger.In(tx)
		before, err := in.Balance(ctx, "users:1", bursar.AsOf{})
		if err != nil {
			return err
		}
		f.must(f.outside(move("users:1", "users:2", "25.00 USD")))
		after, err := in.Balance(ctx, "users:1", bursar.AsOf{})
		if err != nil {
			return err
		}
		f.wantSame("the snapshot's balance", before.Balance.String(), after.Balance.String())
		state, err := atomic.QueryOne(ctx, tx, atomic.Value[string], "SELECT state FROM orders WHERE id = 7")
		if err != nil {
			return err
		}
		f.wantSame("the order", "open", state)
		_, refused = in.Post(ctx, move("users:1", "users:2", "1.00 USD"))
		return refused
	}, &atomic.Options{ReadOnly: true, Isolation: sql.LevelSnapshot})
	if refused == nil || err == nil {
		f.Errorf("posting in a read-only database transaction: %v, and in the end %v", refused, err)
	}
	f.wantBalance("users:1", "75.00 USD")
}

// outside posts through another program's ledger, whatever is open in this one.
func (f *fixture) outside(t bursar.Transfer) error {
	l, err := ledger.New(context.Background(), f.Reopen(f.T), nil)
	if err != nil {
		return err
	}
	if _, err := l.Post(context.Background(), t); err != nil {
		return err
	}
	return l.Close(context.Background())
}

func inCommits(f *fixture) {
	f.funded("users:1", "shops:7")
	f.orders()
	tx := f.begin()
	_, err := tx.ExecContext(f.Context(), "UPDATE orders SET state = 'paid' WHERE id = 7")
	f.must(err)
	t := move("users:1", "shops:7", "25.00 USD")
	t.ID = id(1)
	posted, err := f.ledger.In(f.Tx(tx)).Post(f.Context(), t)
	f.must(err)
	again, err := f.ledger.In(f.Tx(tx)).Post(f.Context(), t)
	f.must(err)
	if posted.Replayed || !again.Replayed || again.ID != id(1) {
		f.Errorf("the answers inside are %+v and %+v", posted, again)
	}
	f.must(tx.Commit())
	f.wantOrder("paid")
	f.wantBalance("users:1", "75.00 USD")
	f.wantBalance("shops:7", "125.00 USD")
	if again := f.post(t); !again.Replayed {
		f.Error("a retry outside posted again")
	}
	f.wantChain(f.ledger)
}

func inRollsBack(f *fixture) {
	f.funded("users:1", "shops:7")
	f.orders()
	head, before := f.head(), f.everything()
	tx := f.begin()
	_, err := tx.ExecContext(f.Context(), "UPDATE orders SET state = 'paid' WHERE id = 7")
	f.must(err)
	in := f.ledger.In(f.Tx(tx))
	_, err = in.OpenAccount(f.Context(), bursar.Opening{Path: "users:2", Currency: currency("USD")})
	f.must(err)
	t := move("users:1", "users:2", "25.00 USD")
	t.ID = id(1)
	_, err = in.Post(f.Context(), t)
	f.must(err)
	f.must(tx.Rollback())
	f.wantOrder("open")
	f.wantSame("the accounts", before, f.everything())
	f.wantSame("the head", head, f.head())
	_, err = f.ledger.Transfer(f.Context(), id(1))
	f.wantError(err, bursar.CodeTransferNotFound, "")
	f.pay("users:1", "shops:7", "1.00 USD")
	f.wantChain(f.ledger)
}

func inRefuses(f *fixture) {
	f.funded("users:1", "shops:7")
	f.orders()
	rows := f.number("SELECT count(*) FROM bursar_request")
	tx := f.begin()
	in := f.ledger.In(f.Tx(tx))
	version := int64(9)
	stale := move("users:1", "shops:7", "1.00 USD")
	stale.Conditions = []bursar.Condition{{Path: "users:1", Version: &version}}
	for _, refused := range []struct {
		t     bursar.Transfer
		code  bursar.Code
		field string
	}{
		{move("users:1", "shops:7", "500.00 USD"), bursar.CodeInsufficientFunds, "legs[0]"},
		{move("users:1", "nobody", "5.00 USD"), bursar.CodeAccountNotFound, "legs[0].to"},
		{move("users:1", "users:1", "5.00 USD"), bursar.CodeSameAccount, "legs[0].to"},
		{stale, bursar.CodeVersionChanged, "conditions[0]"},
	} {
		_, err := in.Post(f.Context(), refused.t)
		f.wantError(err, refused.code, refused.field)
	}
	_, err := in.OpenAccount(f.Context(), bursar.Opening{Path: "users:1", Currency: currency("EUR")})
	f.wantError(err, bursar.CodeAccountExists, "currency")
	_, err = tx.ExecContext(f.Context(), "UPDATE orders SET state = 'unpaid' WHERE id = 7")
	f.must(err)
	_, err = in.Post(f.Context(), move("users:1", "shops:7", "5.00 USD"))
	f.must(err)
	f.must(tx.Commit())
	f.wantOrder("unpaid")
	f.wantBalance("users:1", "95.00 USD")
	if got := f.number("SELECT count(*) FROM bursar_request"); got != rows {
		f.Errorf("there are %d rows of requests, want %d: refusals inside are not remembered", got, rows)
	}
}

func inBatch(f *fixture) {
	f.funded("users:1", "users:2")
	before := f.everything()
	f.within(func(j *ledger.Joined) error {
		_, err := j.PostAll(f.Context(), []bursar.Transfer{
			move("users:1", "users:2", "100.00 USD"),
			move("users:1", "users:2", "0.01 USD"),
			move("users:2", "users:1", "1.00 USD"),
		})
		f.wantError(err, bursar.CodeInsufficientFunds, "legs[0]")
		if !strings.HasPrefix(err.Error(), "transfer 1: ") {
			f.Errorf("the error %q does not name the transfer at fault", err)
		}
		_, err = j.PostAll(f.Context(), []bursar.Transfer{move("users:1", "users:2", "1.00 USD"), {}})
		f.wantError(err, bursar.CodeLegsInvalid, "legs")
		return nil
	})
	f.wantSame("the accounts after refused batches", before, f.everything())
	var posted []bursar.Posted
	f.within(func(j *ledger.Joined) (err error) {
		posted, err = j.PostAll(f.Context(), []bursar.Transfer{
			move("users:1", "users:2", "100.00 USD"), move("users:2", "users:1", "150.00 USD"),
		})
		return err
	})
	if len(posted) != 2 || posted[0].ID.IsZero() || posted[1].ID.IsZero() {
		f.Errorf("the batch is answered by %+v", posted)
	}
	f.wantBalance("users:1", "150.00 USD")
}

func inSees(f *fixture) {
	f.funded("users:1")
	f.within(func(j *ledger.Joined) error {
		_, err := j.OpenAccount(f.Context(), bursar.Opening{Path: "users:2", Currency: currency("USD")})
		f.must(err)
		_, err = j.Post(f.Context(), move("users:1", "users:2", "40.00 USD"))
		f.must(err)
		inside, err := j.Balance(f.Context(), "users:2", bursar.AsOf{})
		f.must(err)
		f.wantSame("the balance inside", "40.00 USD", inside.Balance.String())
		_, err = f.ledger.Account(f.Context(), "users:2") // outside it has not happened
		f.wantError(err, bursar.CodeAccountNotFound, "")
		f.wantBalance("users:1", "100.00 USD")
		return nil
	})
	f.wantBalance("users:2", "40.00 USD")
}

func inAtomic(f *fixture) {
	f.funded("users:1", "shops:7")
	f.orders()
	pay := func(fail error) error {
		return atomic.Do(f.Context(), f.Atomic, func(ctx context.Context, tx *atomic.Tx) error {
			if _, err := tx.ExecContext(ctx, "UPDATE orders SET state = 'paid' WHERE id = 7"); err != nil {
				return err
			}
			_, err := f.ledger.In(tx).Post(ctx, move("users:1", "shops:7", "25.00 USD"))
			return errors.Join(err, fail)
		}, nil)
	}
	reason := errors.New("changed my mind")
	if err := pay(reason); !errors.Is(err, reason) {
		f.Errorf("Do = %v, want %v", err, reason)
	}
	f.wantOrder("open")
	f.wantBalance("users:1", "100.00 USD")
	f.must(pay(nil))
	f.wantOrder("paid")
	f.wantBalance("users:1", "75.00 USD")
}

func inNested(f *fixture) {
	f.funded("users:1", "shops:7")
	reason := errors.New("changed my mind")
	f.must(atomic.Do(f.Context(), f.Atomic, func(ctx context.Context, tx *atomic.Tx) error {
		if _, err := f.ledger.In(tx).Post(ctx, move("users:1", "shops:7", "1.00 USD")); err != nil {
			return err
		}
		err := atomic.Do(ctx, f.Atomic, func(ctx context.Context, tx *atomic.Tx) error {
			_, err := f.ledger.In(tx).Post(ctx, move("users:1", "shops:7", "2.00 USD"))
			return errors.Join(err, reason)
		}, nil)
		if !errors.Is(err, reason) {
			return errors.Join(err, errors.New("the inner block did not fail as it should"))
		}
		_, err = f.ledger.In(tx).Post(ctx, move("users:1", "shops:7", "4.00 USD"))
		return err
	}, nil))
	f.wantBalance("users:1", "95.00 USD")
	f.wantChain(f.ledger)
}

// waitMax is how long a call that must not wait may take on a slow machine.
const waitMax = time.Minute

// outsideIsRefused posts outside an open atomic block with its context. Without the refusal it would wait for itself.
func outsideIsRefused(f *fixture) {
	f.funded("users:1", "shops:7")
	ctx, cancel := context.WithTimeout(f.Context(), waitMax)
	defer cancel()
	f.must(atomic.Do(ctx, f.Atomic, func(ctx context.Context, tx *atomic.Tx) error {
		_, err := f.ledger.In(tx).Post(ctx, move("users:1", "shops:7", "1.00 USD"))
		f.must(err)
		_, err = f.ledger.Post(ctx, move("users:1", "shops:7", "1.00 USD"))
		f.wantError(err, bursar.CodeInTransaction, "")
		_, err = f.ledger.PostBatch(ctx, []bursar.Transfer{move("users:1", "shops:7", "1.00 USD")})
		f.wantError(err, bursar.CodeInTransaction, "")
		_, err = f.ledger.OpenAccount(ctx, bursar.Opening{Path: "users:2", Currency: currency("USD")})
		f.wantError(err, bursar.CodeInTransaction, "")
		balance, err := f.ledger.Balance(ctx, "users:1", bursar.AsOf{}) // reading takes part in the open block
		f.must(err)
		f.wantSame("the balance inside", "99.00 USD", balance.Balance.String())
		return nil
	}, nil))
	f.wantBalance("users:1", "99.00 USD")
}

func withOneConnection(f *fixture) {
	f.DB.SetMaxOpenConns(1)
	outsideIsRefused(f)
	f.within(func(j *ledger.Joined) error {
		_, err := j.Post(f.Context(), move("users:1", "shops:7", "1.00 USD"))
		return err
	})
	f.pay("users:1", "shops:7", "1.00 USD")
	f.wantBalance("users:1", "97.00 USD")
}

// notTx is something that an application might pass by mistake.
type notTx struct{ value any }

func (n notTx) DatabaseTx() any { return n.value }

func noTransaction(f *fixture) {
	f.funded("users:1")
	head := f.head()
	conn, err := f.DB.Conn(f.Context())
	f.must(err)
	defer conn.Close()
	for _, test := range []struct {
		what string
		tx   driver.CallerTx
		code bursar.Code
	}{
		{"nothing", nil, bursar.CodeUnsafeTransaction},
		{"an empty adapter", notTx{nil}, bursar.CodeUnsafeTransaction},
		{"a pool", notTx{f.DB}, bursar.CodeUnsafeTransaction},
		{"a wrapped pool", notTx{struct{ *sql.DB }{f.DB}}, bursar.CodeUnsafeTransaction},
		{"a connection without a transaction", notTx{conn}, bursar.CodeUnsafeTransaction},
		{"a number", notTx{7}, bursar.CodeUnsupported},
	} {
		_, err := f.ledger.In(test.tx).Post(f.Context(), move("users:1", "world", "1.00 USD"))
		if got := bursar.CodeOf(err); got != test.code {
			f.Errorf("%s: %v, want code %s", test.what, err, test.code)
		}
		if _, err := f.ledger.In(test.tx).Account(f.Context(), "users:1"); bursar.CodeOf(err) != test.code {
			f.Errorf("reading with %s: %v, want code %s", test.what, err, test.code)
		}
	}
	f.wantSame("the head", head, f.head())
}

// anotherDatabase posts in a transaction of another database, which has another book or none.
func anotherDatabase(f *fixture) {
	f.funded("users:1")
	other := &fixture{T: f.T, Harness: f.open(f.T), clock: f.clock}
	refuse := func(what string) {
		f.Helper()
		for verb, try := range map[string]func(*ledger.Joined) error{
			"post": func(j *ledger.Joined) error {
				_, err := j.Post(f.Context(), move("users:1", "world", "1.00 USD"))
				return err
			},
			"read": func(j *ledger.Joined) error {
				_, err := j.Balance(f.Context(), "users:1", bursar.AsOf{})
				return err
			},
		} {
			tx := other.begin()
			err := try(f.ledger.In(other.Tx(tx)))
			if other.PreparesOnce && bursar.CodeOf(err) == bursar.CodeUnavailable {
				_ = tx.Rollback() // over a connection that is gone
				tx = other.begin()
				err = try(f.ledger.In(other.Tx(tx)))
			}
			if bursar.CodeOf(err) != bursar.CodeUnsafeTransaction {
				f.Errorf("%s in a database with %s: %v", verb, what, err)
			}
			f.must(tx.Rollback())
		}
	}
	refuse("no schema")
	f.must(other.Store.Migrate(f.Context()))
	refuse("no book")
	other.ledger = other.start(&ledger.Options{Migrate: true})
	other.funded("users:1")
	head := other.head()
	refuse("another book of the same name and number")
	other.wantSame("the other head", head, other.head())
	f.wantBalance("users:1", "100.00 USD")
}

func inEnded(f *fixture) {
	f.funded("users:1")
	head := f.head()
	tx := f.begin()
	in := f.ledger.In(f.Tx(tx))
	_, err := in.Balance(f.Context(), "users:1", bursar.AsOf{})
	f.must(err)
	f.must(tx.Rollback())
	for _, j := range []*ledger.Joined{in, f.ledger.In(f.Tx(tx))} {
		if _, err := j.Post(f.Context(), move("users:1", "world", "1.00 USD")); !errors.Is(err, sql.ErrTxDone) {
			f.Errorf("posting in an ended transaction: %v", err)
		}
	}
	f.wantSame("the head", head, f.head())
}
