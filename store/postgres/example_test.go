package postgres_test

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/posting"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// An application marks its order as paid and moves the money in one database transaction.
func ExamplePgxTx() {
	pay := func(ctx context.Context, pool *pgxpool.Pool, ledger *bursar.Ledger, order int) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE orders SET state = 'paid' WHERE id = $1", order); err != nil {
				return err
			}
			_, err := ledger.In(postgres.PgxTx(tx)).Post(ctx, bursar.Transfer{
				ID:   bursar.IDOf("order.pay", order), // a retry posts once
				Legs: []bursar.Leg{{From: "users:1", To: "shops:7", Amount: money.MustParse("25.00 USD")}},
			})
			return err
		})
	}
	_ = pay
}

// The ledger moves into the pool that the application has.
func ExampleNew() {
	open := func(pool *pgxpool.Pool) (*bursar.Ledger, error) {
		return bursar.New(postgres.New(pool), &bursar.Options{Strategy: posting.Queue{}})
	}
	_ = open
}
