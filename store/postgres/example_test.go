package postgres_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// moveIn gives an application with a pool a ledger in the same database.
func moveIn(pool *pgxpool.Pool) (*ledger.Ledger, error) {
	return ledger.New(context.Background(), postgres.New(pool), &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
}

// payOrder marks an order as paid and moves the money in one database transaction.
func payOrder(ctx context.Context, on driver.Transactor[pgx.Tx], l *ledger.Ledger, order int64) error {
	return ledger.Do(ctx, l, on, func(tx pgx.Tx, in *ledger.Joined) error { // on is postgres.On(pool), kept
		if _, err := tx.Exec(ctx, `UPDATE orders SET state = 'paid' WHERE id = $1`, order); err != nil {
			return err
		}
		_, err := in.Post(ctx, bursar.Transfer{
			ID:   bursar.IDOf("order.pay", order), // a retry posts once
			Legs: []bursar.Leg{{From: "buyers:ann", To: "sellers:bob", Amount: money.MustParse("25.00 USD")}},
		})
		return err // errors.Is(err, bursar.ErrInsufficientFunds)
	})
}

// The ledger moves into the pool that the application has.
func ExampleNew() { _ = moveIn }

// The application's own row and the money commit together.
func ExampleOn() { _ = payOrder }

// TestExamples runs them: Ann has money for one order of two.
func TestExamples(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), sqltest.Postgres(t).DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), `CREATE TABLE orders (id bigint PRIMARY KEY, state text NOT NULL);
		INSERT INTO orders VALUES (1, 'open'), (2, 'open')`); err != nil {
		t.Fatal(err)
	}
	l, err := moveIn(pool)
	if err != nil {
		t.Fatal(err)
	}
	credit := money.MustParse("-30.00 USD")
	for _, o := range []bursar.Opening{{Path: "buyers:ann", Min: &credit}, {Path: "sellers:bob"}} {
		o.Currency = credit.Currency()
		if _, err := l.OpenAccount(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	on := postgres.On(pool)
	if err := payOrder(t.Context(), on, l, 1); err != nil {
		t.Error(err)
	}
	if err := payOrder(t.Context(), on, l, 2); bursar.CodeOf(err) != bursar.CodeInsufficientFunds {
		t.Errorf("the second order: %v", err)
	}
	rows, err := pool.Query(t.Context(), `SELECT state FROM orders ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	states, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(states, []string{"paid", "open"}) {
		t.Errorf("the orders are %q", states)
	}
	balance, err := l.Balance(t.Context(), "sellers:bob", bursar.AsOf{})
	if err != nil || balance.Balance.String() != "25.00 USD" {
		t.Errorf("the seller has %v, %v", balance.Balance, err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
