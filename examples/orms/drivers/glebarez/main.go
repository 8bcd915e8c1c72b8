// The glebarez program makes a purchase with GORM over the dialect github.com/glebarez/sqlite, in the file that its
// argument names. It runs when it is built with -tags bursar_no_modernc.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"

	store "github.com/bursar-ledger/bursar/store/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/gormshop"
	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path string) error {
	db, err := gorm.Open(sqlite.Open(store.DSN(path)), &gorm.Config{})
	if err != nil {
		return err
	}
	handle, err := db.DB()
	if err != nil {
		return err
	}
	defer handle.Close()
	l, err := ledger.New(ctx, store.New(handle), &ledger.Options{Migrate: true})
	if err != nil {
		return err
	}
	defer l.Close(ctx)
	price := money.MustParse("25.00 USD")
	for _, o := range []bursar.Opening{
		{Path: shop.Seller, Currency: price.Currency()}, {Path: "users:ann", Currency: price.Currency(), NoMin: true},
	} {
		if _, err := l.OpenAccount(ctx, o); err != nil {
			return err
		}
	}
	for _, statement := range append(shop.Tables[:], `INSERT INTO products (name, stock) VALUES ('tea', 1)`) {
		if err := db.Exec(statement).Error; err != nil {
			return err
		}
	}
	s := &gormshop.Shop{Ledger: l, On: gormshop.OnSQLite(db)}
	err = s.Buy(ctx, shop.Order{ID: "o1", Product: "tea", Buyer: "users:ann", Price: price})
	if err != nil {
		return err
	}
	return read(ctx, path)
}

// read reads the same file through a store that opens it by itself, over the driver that there is.
func read(ctx context.Context, path string) error {
	books, err := store.Open(path)
	if err != nil {
		return err
	}
	defer books.Close()
	l, err := ledger.New(ctx, books, nil)
	if err != nil {
		return err
	}
	defer l.Close(ctx)
	balance, err := l.Balance(ctx, shop.Seller, bursar.AsOf{})
	if err == nil {
		fmt.Println(shop.Seller, "has", balance.Balance)
	}
	return err
}
