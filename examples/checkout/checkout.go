// Package checkout is a small application that pays orders out of a ledger. It is there for its tests, which may be
// copied: checkout_test.go has one for each thing that an application with money should try.
package checkout

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

// Sales is the account that payments go to.
const Sales = "shop:sales"

// Checkout pays orders. It is safe for concurrent use.
type Checkout struct {
	store  store.Store
	ledger *ledger.Ledger
}

// New makes the application's table and the shop's account, unless they are there, in the database of the ledger.
func New(ctx context.Context, s store.Store, l *ledger.Ledger) (*Checkout, error) {
	err := atomic.Do(ctx, s.DB(), func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS orders (
			id TEXT NOT NULL PRIMARY KEY, buyer TEXT NOT NULL, price TEXT NOT NULL, paid BOOLEAN NOT NULL DEFAULT FALSE)`)
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	usd, err := money.Lookup("USD")
	if err != nil {
		return nil, err
	}
	_, err = l.OpenAccount(ctx, bursar.Opening{Path: Sales, Currency: usd})
	return &Checkout{s, l}, err
}

// Order notes what somebody wants to buy.
func (c *Checkout) Order(ctx context.Context, id, buyer string, price money.Amount) error {
	return atomic.Do(ctx, c.store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
		const insert = `INSERT INTO orders (id, buyer, price) VALUES ($1, $2, $3)`
		return atomic.ExecOne(ctx, tx, insert, id, buyer, price)
	}, nil)
}

// Pay marks an order paid and moves its price from the buyer to the shop: both or neither. Paying again does nothing.
func (c *Checkout) Pay(ctx context.Context, id string) error {
	return ledger.Do(ctx, c.ledger, c.store.On(), func(tx *atomic.Tx, in *ledger.Joined) error {
		const update = `UPDATE orders SET paid = TRUE WHERE id = $1`
		if err := atomic.ExecOne(ctx, tx, update, id); err != nil {
			return err
		}
		const query = `SELECT buyer, price FROM orders WHERE id = $1`
		legs, err := atomic.QueryOne(ctx, tx, func(row atomic.Row) ([]bursar.Leg, error) {
			leg := bursar.Leg{To: Sales}
			err := row.Scan(&leg.From, &leg.Amount)
			return []bursar.Leg{leg}, err
		}, query, id)
		if err != nil {
			return err
		}
		_, err = in.Post(ctx, bursar.Transfer{ID: bursar.IDOf("order.pay", id), Legs: legs})
		return err
	})
}
