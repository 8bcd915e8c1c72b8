// Package bunshop makes the purchase with bun.
package bunshop

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

type product struct {
	Name  string `bun:",pk"`
	Stock int
}

type order struct {
	ID                    string `bun:",pk"`
	Product, Buyer, Price string
}

// Shop sells over bun. It is safe for concurrent use.
type Shop struct {
	Ledger *ledger.Ledger
	On     ledger.Transactor[bun.Tx] // made once and kept
}

// Buy takes a piece off the stock, writes the order and moves the money: all of it or nothing.
func (s *Shop) Buy(ctx context.Context, o shop.Order) error {
	return ledger.Do(ctx, s.Ledger, s.On, func(tx bun.Tx, in *ledger.Joined) error {
		taken, err := tx.NewUpdate().Model((*product)(nil)).Set("stock = stock - 1").
			Where("name = ? AND stock > 0", o.Product).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := taken.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			return shop.ErrSoldOut
		}
		row := &order{ID: o.ID, Product: o.Product, Buyer: o.Buyer, Price: o.Price.String()}
		if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
			return err
		}
		_, err = in.Post(ctx, o.Payment())
		return err
	})
}

// OnPostgres runs bun's database transactions on PostgreSQL.
func OnPostgres(db *bun.DB) ledger.Transactor[bun.Tx] {
	return postgres.OnFunc(within(db), func(tx bun.Tx) postgres.DBTX { return tx })
}

// OnSQLite is OnPostgres for SQLite.
func OnSQLite(db *bun.DB) ledger.Transactor[bun.Tx] {
	return sqlite.OnFunc(within(db), func(tx bun.Tx) sqlite.DBTX { return tx })
}

// OnMariaDB is OnPostgres for MariaDB.
func OnMariaDB(db *bun.DB) ledger.Transactor[bun.Tx] {
	return mysql.OnFunc(within(db), func(tx bun.Tx) mysql.DBTX { return tx })
}

func within(db *bun.DB) func(ctx context.Context, fn func(bun.Tx) error) error {
	return func(ctx context.Context, fn func(bun.Tx) error) error {
		return db.RunInTx(ctx, nil, func(_ context.Context, tx bun.Tx) error { return fn(tx) })
	}
}
