// Package shop says what a purchase is: the shop's own two tables, an order, and the transfer that pays it. The
// packages beside it make the purchase with one way to reach a database each.
package shop

import (
	"errors"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Tables makes the shop's own tables, on every engine.
var Tables = [...]string{
	`CREATE TABLE products (name VARCHAR(64) PRIMARY KEY, stock INTEGER NOT NULL)`,
	`CREATE TABLE orders (id VARCHAR(64) PRIMARY KEY, product VARCHAR(64) NOT NULL, buyer VARCHAR(64) NOT NULL,
		price VARCHAR(64) NOT NULL)`,
}

// ErrSoldOut means that there was no piece left.
var ErrSoldOut = errors.New("sold out")

// Order is one piece of one product for one buyer.
type Order struct {
	ID      string
	Product string
	Buyer   string // the path of an account
	Price   money.Amount
}

// Seller is the account that is paid.
const Seller = "shop:sales"

// Payment is the transfer that pays the order.
func (o Order) Payment() bursar.Transfer {
	return bursar.Transfer{
		ID:        bursar.IDOf("order.pay", o.ID),
		Reference: "order:" + o.ID,
		Legs:      []bursar.Leg{{From: o.Buyer, To: Seller, Amount: o.Price}},
	}
}
