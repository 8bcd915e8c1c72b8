// Package gormshop makes the purchase with GORM.
package gormshop

import (
	"context"

	"gorm.io/gorm"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

type product struct {
	Name  string `gorm:"primaryKey"`
	Stock int
}

type order struct {
	ID, Product, Buyer, Price string
}

// Shop sells over GORM. It is safe for concurrent use.
type Shop struct {
	Ledger *ledger.Ledger
	On     ledger.Transactor[*gorm.DB] // made once and kept
}

// Buy takes a piece off the stock, writes the order and moves the money: all of it or nothing.
func (s *Shop) Buy(ctx context.Context, o shop.Order) error {
	return ledger.Do(ctx, s.Ledger, s.On, func(tx *gorm.DB, in *ledger.Joined) error {
		taken := tx.Model(&product{}).Where("name = ? AND stock > 0", o.Product).
			Update("stock", gorm.Expr("stock - 1"))
		if taken.Error != nil {
			return taken.Error
		}
		if taken.RowsAffected == 0 {
			return shop.ErrSoldOut
		}
		err := tx.Create(&order{ID: o.ID, Product: o.Product, Buyer: o.Buyer, Price: o.Price.String()}).Error
		if err != nil {
			return err
		}
		_, err = in.Post(ctx, o.Payment())
		return err
	})
}

// OnPostgres runs GORM's database transactions on PostgreSQL.
func OnPostgres(db *gorm.DB) ledger.Transactor[*gorm.DB] {
	return postgres.OnFunc(func(ctx context.Context, fn func(*gorm.DB) error) error {
		return db.WithContext(ctx).Transaction(fn)
	}, func(tx *gorm.DB) postgres.DBTX { return tx.Statement.ConnPool })
}

// OnSQLite is OnPostgres for SQLite.
func OnSQLite(db *gorm.DB) ledger.Transactor[*gorm.DB] {
	return sqlite.OnFunc(func(ctx context.Context, fn func(*gorm.DB) error) error {
		return db.WithContext(ctx).Transaction(fn)
	}, func(tx *gorm.DB) sqlite.DBTX { return tx.Statement.ConnPool })
}

// OnMariaDB is OnPostgres for MariaDB.
func OnMariaDB(db *gorm.DB) ledger.Transactor[*gorm.DB] {
	return mysql.OnFunc(func(ctx context.Context, fn func(*gorm.DB) error) error {
		return db.WithContext(ctx).Transaction(fn)
	}, func(tx *gorm.DB) mysql.DBTX { return tx.Statement.ConnPool })
}
