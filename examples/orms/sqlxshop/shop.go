// Package sqlxshop makes the purchase with sqlx.
package sqlxshop

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

// Shop sells over sqlx. It is safe for concurrent use.
type Shop struct {
	Ledger *ledger.Ledger
	On     ledger.Transactor[*sqlx.Tx] // made once and kept
}

type order struct {
	ID, Product, Buyer, Price string
}

// Buy takes a piece off the stock, writes the order and moves the money: all of it or nothing.
func (s *Shop) Buy(ctx context.Context, o shop.Order) error {
	return ledger.Do(ctx, s.Ledger, s.On, func(tx *sqlx.Tx, in *ledger.Joined) error {
		taken, err := tx.ExecContext(ctx,
			tx.Rebind(`UPDATE products SET stock = stock - 1 WHERE name = ? AND stock > 0`), o.Product)
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
		_, err = tx.NamedExecContext(ctx,
			`INSERT INTO orders (id, product, buyer, price) VALUES (:id, :product, :buyer, :price)`,
			order{o.ID, o.Product, o.Buyer, o.Price.String()})
		if err != nil {
			return err
		}
		_, err = in.Post(ctx, o.Payment())
		return err
	})
}

// OnPostgres runs sqlx's database transactions on PostgreSQL.
func OnPostgres(db *sqlx.DB) ledger.Transactor[*sqlx.Tx] {
	return postgres.OnFunc(within(db), func(tx *sqlx.Tx) postgres.DBTX { return tx })
}

// OnSQLite is OnPostgres for SQLite.
func OnSQLite(db *sqlx.DB) ledger.Transactor[*sqlx.Tx] {
	return sqlite.OnFunc(within(db), func(tx *sqlx.Tx) sqlite.DBTX { return tx })
}

// OnMariaDB is OnPostgres for MariaDB.
func OnMariaDB(db *sqlx.DB) ledger.Transactor[*sqlx.Tx] {
	return mysql.OnFunc(within(db), func(tx *sqlx.Tx) mysql.DBTX { return tx })
}

// within begins and ends a database transaction. sqlx has nothing that does both.
func within(db *sqlx.DB) func(ctx context.Context, fn func(*sqlx.Tx) error) error {
	return func(ctx context.Context, fn func(*sqlx.Tx) error) error {
		tx, err := db.BeginTxx(ctx, nil)
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
