package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/money"
)

// The states of an order.
const (
	paid     = "paid"
	refunded = "refunded"
)

// order is one piece of one product, sold to a customer.
type order struct {
	ID      string       `json:"id"`
	Buyer   string       `json:"user"`
	Product string       `json:"product"`
	Price   money.Amount `json:"price"`
	Fee     money.Amount `json:"fee"` // the part of the price that goes to the fee account
	State   string       `json:"state"`
}

// buy takes a piece off the stock, makes the order and moves the money: all in one database transaction, or not at all.
// Buying again with the same id gives the order as it is by now.
func (s *shop) buy(ctx context.Context, in request) (order, error) {
	return atomic.DoValue(ctx, s.db, func(ctx context.Context, tx *atomic.Tx) (order, error) {
		o, err := s.offer(ctx, tx, in)
		if err != nil {
			return order{}, err
		}
		// Two requests with one id meet here: the second waits until the first has committed, and then inserts nothing.
		fresh, err := changed(ctx, tx, `INSERT INTO orders (id, buyer, product, price, fee, state)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, o.ID, o.Buyer, o.Product, o.Price, o.Fee, o.State)
		if err != nil {
			return order{}, err
		}
		if !fresh {
			return sameOrder(ctx, tx, o)
		}
		inStock, err := changed(ctx, tx, `UPDATE products SET stock = stock - 1 WHERE id = $1 AND stock > 0`, o.Product)
		if err != nil {
			return order{}, err
		}
		if !inStock {
			return order{}, &problem{http.StatusConflict, "sold_out", "there is no " + o.Product + " left"}
		}
		return o, s.move(ctx, tx, bursar.IDOf("order.pay", o.ID), o.payment)
	}, nil)
}

// refund takes an order back: the piece into the stock, the whole price to the buyer. It happens at most once; asking
// again gives the refunded order.
func (s *shop) refund(ctx context.Context, in request) (order, error) {
	return atomic.DoValue(ctx, s.db, func(ctx context.Context, tx *atomic.Tx) (order, error) {
		fresh, err := changed(ctx, tx, `UPDATE orders SET state = $1 WHERE id = $2 AND state = $3`, refunded, in.ID, paid)
		if err != nil {
			return order{}, err
		}
		o, err := readOrder(ctx, tx, in.ID)
		if err != nil || !fresh {
			return o, err
		}
		if err := atomic.ExecOne(ctx, tx, `UPDATE products SET stock = stock + 1 WHERE id = $1`, o.Product); err != nil {
			return order{}, err
		}
		return o, s.move(ctx, tx, bursar.IDOf("order.refund", o.ID), o.repayment)
	}, nil)
}

// move posts the legs inside the shop's own database transaction.
func (s *shop) move(ctx context.Context, tx *atomic.Tx, id bursar.ID, legs func() ([]bursar.Leg, error)) error {
	l, err := legs()
	if err != nil {
		return err
	}
	_, err = s.ledger.In(tx).Post(ctx, bursar.Transfer{ID: id, Legs: l})
	return err
}

// offer is the order as it would be at today's price.
func (s *shop) offer(ctx context.Context, tx *atomic.Tx, in request) (order, error) {
	const query = `SELECT price FROM products WHERE id = $1`
	price, err := atomic.QueryOne(ctx, tx, atomic.Value[money.Amount], query, in.Product)
	if errors.Is(err, sql.ErrNoRows) {
		return order{}, &problem{http.StatusNotFound, "product_not_found", "there is no product " + in.Product}
	}
	if err != nil {
		return order{}, err
	}
	fee, _, err := price.Times(s.rate, money.HalfUp) // both parts are the shop's: no cent is lost by rounding
	return order{ID: in.ID, Buyer: in.User, Product: in.Product, Price: price, Fee: fee, State: paid}, err
}

// sameOrder is the order that has this id already, if it is for the same customer and product.
func sameOrder(ctx context.Context, tx *atomic.Tx, wanted order) (order, error) {
	o, err := readOrder(ctx, tx, wanted.ID)
	if err == nil && (o.Buyer != wanted.Buyer || o.Product != wanted.Product) {
		err = bursar.Errorf(bursar.CodeIDReused, "order %s is for another customer or product", o.ID)
	}
	return o, err
}

func readOrder(ctx context.Context, tx *atomic.Tx, id string) (order, error) {
	o, err := atomic.QueryOne(ctx, tx, func(row atomic.Row) (o order, err error) {
		return o, row.Scan(&o.ID, &o.Buyer, &o.Product, &o.Price, &o.Fee, &o.State)
	}, `SELECT id, buyer, product, price, fee, state FROM orders WHERE id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = &problem{http.StatusNotFound, "order_not_found", "there is no order " + id}
	}
	return o, err
}

// payment is what a purchase moves: the price without the fee to the sales, and the fee apart.
func (o order) payment() ([]bursar.Leg, error) {
	net, err := o.Price.Sub(o.Fee)
	if err != nil {
		return nil, err
	}
	legs := []bursar.Leg{{From: accountOf(o.Buyer), To: sales, Amount: net}}
	if !o.Fee.IsZero() { // a leg of nothing is refused
		legs = append(legs, bursar.Leg{From: accountOf(o.Buyer), To: fees, Amount: o.Fee})
	}
	return legs, nil
}

// repayment is the payment the other way round.
func (o order) repayment() ([]bursar.Leg, error) {
	legs, err := o.payment()
	for i, leg := range legs {
		legs[i].From, legs[i].To = leg.To, leg.From
	}
	return legs, err
}
