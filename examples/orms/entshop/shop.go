// Package entshop makes the purchase with ent.
package entshop

import (
	"context"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/entshop/ent"
	"github.com/bursar-ledger/bursar/examples/orms/entshop/ent/product"
	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

//go:generate go run entgo.io/ent/cmd/ent@v0.14.5 generate --feature sql/execquery --target ent ./schema

// Shop sells over ent. It is safe for concurrent use.
type Shop struct {
	Ledger *ledger.Ledger
	On     ledger.Transactor[*ent.Tx] // made once and kept
}

// Buy takes a piece off the stock, writes the order and moves the money: all of it or nothing.
func (s *Shop) Buy(ctx context.Context, o shop.Order) error {
	return ledger.Do(ctx, s.Ledger, s.On, func(tx *ent.Tx, in *ledger.Joined) error {
		taken, err := tx.Product.Update().Where(product.ID(o.Product), product.StockGT(0)).AddStock(-1).Save(ctx)
		if err != nil {
			return err
		}
		if taken == 0 {
			return shop.ErrSoldOut
		}
		err = tx.Order.Create().SetID(o.ID).SetProduct(o.Product).SetBuyer(o.Buyer).SetPrice(o.Price.String()).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = in.Post(ctx, o.Payment())
		return err
	})
}

// OnPostgres runs ent's database transactions on PostgreSQL.
func OnPostgres(db *ent.Client) ledger.Transactor[*ent.Tx] {
	return postgres.OnFunc(within(db), func(tx *ent.Tx) postgres.DBTX { return tx })
}

// OnSQLite is OnPostgres for SQLite.
func OnSQLite(db *ent.Client) ledger.Transactor[*ent.Tx] {
	return sqlite.OnFunc(within(db), func(tx *ent.Tx) sqlite.DBTX { return tx })
}

// OnMariaDB is OnPostgres for MariaDB.
func OnMariaDB(db *ent.Client) ledger.Transactor[*ent.Tx] {
	return mysql.OnFunc(within(db), func(tx *ent.Tx) mysql.DBTX { return tx })
}

// within begins and ends a database transaction. ent has nothing that does both.
func within(db *ent.Client) func(ctx context.Context, fn func(*ent.Tx) error) error {
	return func(ctx context.Context, fn func(*ent.Tx) error) error {
		tx, err := db.Tx(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback() // after a commit it does nothing
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
}
