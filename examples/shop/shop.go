package main

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// The accounts that the shop always has. Each customer has one more, see accountOf.
const (
	bank  = "outside:bank" // stands for the outside world: what people paid in and were paid out
	sales = "shop:sales"   // what the shop may pay out
	fees  = "shop:fees"    // what it keeps for its costs
)

// currency is the one currency of the shop.
var currency = money.USD{}.Currency()

// shop sells products for money that customers have topped up.
type shop struct {
	db     *atomic.DB
	ledger *ledger.Ledger
	rate   money.Rate // the fee, as a part of the price
}

// newShop opens the shop's accounts. They are opened once, however often the shop starts.
func newShop(ctx context.Context, db *atomic.DB, l *ledger.Ledger) (*shop, error) {
	rate, err := money.ParseRate("2.5%")
	if err != nil {
		return nil, err
	}
	for _, opening := range []bursar.Opening{
		{Path: bank, Currency: currency, NoMin: true},
		{Path: sales, Currency: currency},
		{Path: fees, Currency: currency},
	} {
		if _, err := l.OpenAccount(ctx, opening); err != nil {
			return nil, err
		}
	}
	return &shop{db: db, ledger: l, rate: rate}, nil
}

// accountOf is the account of a customer.
func accountOf(user string) string { return "users:" + user }

// topUp brings money from outside to a customer, whose account it opens when this is the first time.
func (s *shop) topUp(ctx context.Context, in request) (bursar.Posted, error) {
	if _, err := s.ledger.OpenAccount(ctx, bursar.Opening{Path: accountOf(in.User), Currency: currency}); err != nil {
		return bursar.Posted{}, err
	}
	return s.ledger.Post(ctx, bursar.Transfer{
		ID:   bursar.IDOf("topup", in.ID),
		Legs: []bursar.Leg{{From: bank, To: accountOf(in.User), Amount: in.Amount}},
	})
}

// payOut sends income of the shop to its bank. What is refused today may be asked for again, under the same id.
func (s *shop) payOut(ctx context.Context, in request) (bursar.Posted, error) {
	return s.ledger.Post(ctx, bursar.Transfer{
		ID:   bursar.IDOf("payout", in.ID),
		Legs: []bursar.Leg{{From: sales, To: bank, Amount: in.Amount}},
	})
}
