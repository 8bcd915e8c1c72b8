// Package pgxshop makes the purchase with pgx alone.
package pgxshop

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/ledger"

	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

// Shop sells over pgx. It is safe for concurrent use.
type Shop struct {
	Ledger *ledger.Ledger
	On     ledger.Transactor[pgx.Tx] // postgres.On(pool), made once and kept
}

// Buy takes a piece off the stock, writes the order and moves the money: all of it or nothing.
func (s *Shop) Buy(ctx context.Context, o shop.Order) error {
	return ledger.Do(ctx, s.Ledger, s.On, func(tx pgx.Tx, in *ledger.Joined) error {
		taken, err := tx.Exec(ctx, `UPDATE products SET stock = stock - 1 WHERE name = $1 AND stock > 0`, o.Product)
		if err != nil {
			return err
		}
		if taken.RowsAffected() == 0 {
			return shop.ErrSoldOut
		}
		_, err = tx.Exec(ctx, `INSERT INTO orders (id, product, buyer, price) VALUES ($1, $2, $3, $4)`,
			o.ID, o.Product, o.Buyer, o.Price.String())
		if err != nil {
			return err
		}
		_, err = in.Post(ctx, o.Payment())
		return err
	})
}
