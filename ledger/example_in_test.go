package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// shop is an application that had its database before it had a ledger.
func shop(ctx context.Context, path string) (*sql.DB, *ledger.Ledger) {
	db := must(sql.Open("sqlite", sqlite.DSN(path)))
	must(db.ExecContext(ctx, `CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT NOT NULL)`))
	must(db.ExecContext(ctx, `INSERT INTO orders VALUES (1, 'open'), (2, 'open')`))

	l := must(ledger.New(ctx, sqlite.New(db), &ledger.Options{Migrate: true}))
	usd := must(money.Lookup("USD"))
	hundred := money.MustParse("-100.00 USD")
	must(l.OpenAccount(ctx, bursar.Opening{Path: "buyers:ann", Currency: usd, Min: &hundred})) // a credit line
	must(l.OpenAccount(ctx, bursar.Opening{Path: "sellers:bob", Currency: usd}))
	must(l.OpenAccount(ctx, bursar.Opening{Path: "fees:sales", Currency: usd}))
	return db, l
}

func state(ctx context.Context, db *sql.DB, order int64) (s string) {
	if err := db.QueryRowContext(ctx, `SELECT state FROM orders WHERE id = ?`, order).Scan(&s); err != nil {
		log.Fatal(err)
	}
	return s
}

func payment(order int64, net, fee string) bursar.Transfer {
	return bursar.Transfer{
		ID: bursar.IDOf("order.pay", order),
		Legs: []bursar.Leg{
			{From: "buyers:ann", To: "sellers:bob", Amount: money.MustParse(net)},
			{From: "buyers:ann", To: "fees:sales", Amount: money.MustParse(fee)},
		},
	}
}

// The application's own row and the money commit together, through database/sql.
func ExampleLedger_In() {
	path, remove := temporary()
	defer remove()
	ctx := context.Background()
	db, l := shop(ctx, path)
	defer db.Close()

	pay := func(order int64, net, fee string) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `UPDATE orders SET state = 'paid' WHERE id = ?`, order); err != nil {
			return err
		}
		if _, err := l.In(sqlite.Tx(tx)).Post(ctx, payment(order, net, fee)); err != nil {
			return err
		}
		return tx.Commit()
	}
	fmt.Println(pay(1, "79.00 USD", "1.00 USD"), state(ctx, db, 1))
	err := pay(2, "79.00 USD", "1.00 USD") // more than the credit line has left
	fmt.Println(errors.Is(err, bursar.ErrInsufficientFunds), state(ctx, db, 2))
	fmt.Println(must(l.Balance(ctx, "buyers:ann", bursar.AsOf{})).Balance)
	// Output:
	// <nil> paid
	// true open
	// -80.00 USD
}

// The same inside atomic.Do, which begins, retries and commits. Its Tx goes in as it is.
func ExampleLedger_In_atomic() {
	path, remove := temporary()
	defer remove()
	ctx := context.Background()
	db, l := shop(ctx, path)
	defer db.Close()

	handle := sqlite.New(db).DB()
	err := atomic.Do(ctx, handle, func(ctx context.Context, tx *atomic.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE orders SET state = 'paid' WHERE id = 1`); err != nil {
			return err
		}
		_, err := l.In(tx).Post(ctx, payment(1, "79.00 USD", "1.00 USD"))
		return err
	}, nil)
	fmt.Println(err, state(ctx, db, 1), must(l.Balance(ctx, "fees:sales", bursar.AsOf{})).Balance)
	// Output: <nil> paid 1.00 USD
}

func ExampleDo() {
	path, remove := temporary()
	defer remove()
	ctx := context.Background()
	db, l := shop(ctx, path)
	defer db.Close()

	err := ledger.Do(ctx, l, sqlite.On(db), func(tx *sql.Tx, in *ledger.Joined) error {
		if _, err := tx.ExecContext(ctx, `UPDATE orders SET state = 'paid' WHERE id = 2`); err != nil {
			return err
		}
		_, err := in.Post(ctx, payment(2, "79.00 USD", "1.00 USD"))
		return err
	})
	fmt.Println(err, state(ctx, db, 2), must(l.Balance(ctx, "fees:sales", bursar.AsOf{})).Balance)
	// Output: <nil> paid 1.00 USD
}

// Queries is what a generator of query code makes of an application's SQL: methods over a DBTX.
type Queries struct{ db sqlite.DBTX }

func (q *Queries) WithTx(tx *sql.Tx) *Queries { return &Queries{db: tx} }

func (q *Queries) MarkPaid(ctx context.Context, id int64) error {
	_, err := q.db.ExecContext(ctx, `UPDATE orders SET state = 'paid' WHERE id = ?`, id)
	return err
}

// Generated query code takes a DBTX, and so does sqlite.Tx: whatever runs the application's statements runs the
// ledger's.
func ExampleLedger_In_generatedQueries() {
	path, remove := temporary()
	defer remove()
	ctx := context.Background()
	db, l := shop(ctx, path)
	defer db.Close()
	queries := &Queries{db: db}

	tx := must(db.BeginTx(ctx, nil))
	defer tx.Rollback()
	q := queries.WithTx(tx)
	if err := q.MarkPaid(ctx, 1); err != nil {
		log.Fatal(err)
	}
	must(l.In(sqlite.Tx(q.db)).Post(ctx, payment(1, "79.00 USD", "1.00 USD")))
	fmt.Println(tx.Commit(), state(ctx, db, 1), must(l.Balance(ctx, "sellers:bob", bursar.AsOf{})).Balance)
	// Output: <nil> paid 79.00 USD
}
