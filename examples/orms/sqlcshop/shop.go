// Package sqlcshop makes the purchase with code that sqlc generates: for pgx, and for database/sql.
package sqlcshop

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/ledger"

	"github.com/bursar-ledger/bursar/examples/orms/shop"
	"github.com/bursar-ledger/bursar/examples/orms/sqlcshop/pgq"
	"github.com/bursar-ledger/bursar/examples/orms/sqlcshop/sqlq"
)

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate

// Shop sells over pgx. It is safe for concurrent use.
type Shop struct {
	Ledger *ledger.Ledger
	On     ledger.Transactor[pgx.Tx] // postgres.On(pool), made once and kept
}

// Buy takes a piece off the stock, writes the order and moves the money: all of it or nothing.
func (s *Shop) Buy(ctx context.Context, o shop.Order) error {
	return ledger.Do(ctx, s.Ledger, s.On, func(tx pgx.Tx, in *ledger.Joined) error {
		q := pgq.New(tx)
		taken, err := q.TakeFromStock(ctx, o.Product)
		if err != nil {
			return err
		}
		if taken == 0 {
			return shop.ErrSoldOut
		}
		err = q.InsertOrder(ctx, pgq.InsertOrderParams{
			ID: o.ID, Product: o.Product, Buyer: o.Buyer, Price: o.Price.String(),
		})
		if err != nil {
			return err
		}
		_, err = in.Post(ctx, o.Payment())
		return err
	})
}

// SQLShop is Shop over database/sql.
type SQLShop struct {
	Ledger *ledger.Ledger
	On     ledger.Transactor[*sql.Tx] // sqlite.On(db) or mysql.On(db), made once and kept
}

// Buy is Buy of Shop.
func (s *SQLShop) Buy(ctx context.Context, o shop.Order) error {
	return ledger.Do(ctx, s.Ledger, s.On, func(tx *sql.Tx, in *ledger.Joined) error {
		q := sqlq.New(tx)
		taken, err := q.TakeFromStock(ctx, o.Product)
		if err != nil {
			return err
		}
		if taken == 0 {
			return shop.ErrSoldOut
		}
		err = q.InsertOrder(ctx, sqlq.InsertOrderParams{
			ID: o.ID, Product: o.Product, Buyer: o.Buyer, Price: o.Price.String(),
		})
		if err != nil {
			return err
		}
		_, err = in.Post(ctx, o.Payment())
		return err
	})
}
