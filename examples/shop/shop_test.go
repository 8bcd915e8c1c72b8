package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

type fields = map[string]any

const ok = http.StatusOK

func TestShop(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		c, l, s := newClient(t, url)
		for _, replayed := range []bool{false, true} {
			c.want(t, "PUT /topups/t1", `{"user": "ann", "amount": "50.00 USD"}`, ok, fields{"replayed": replayed})
		}
		for range 2 {
			c.want(t, "PUT /orders/o1", `{"user": "ann", "product": "mug"}`, ok,
				fields{"state": "paid", "price": "12.50 USD", "fee": "0.31 USD"})
		}
		c.want(t, "PUT /orders/o2", `{"user": "ann", "product": "sticker"}`, ok, fields{"fee": "0.00 USD"})
		bursartest.Balance(t, l, "users:ann", "37.40 USD")
		bursartest.Balance(t, l, sales, "12.29 USD")
		bursartest.Balance(t, l, fees, "0.31 USD")

		for range 2 {
			c.want(t, "PUT /orders/o1/refund", "", ok, fields{"state": "refunded"})
		}
		c.want(t, "PUT /orders/o1", `{"user": "ann", "product": "mug"}`, ok, fields{"state": "refunded"})
		bursartest.Balance(t, l, "users:ann", "49.90 USD")
		bursartest.Balance(t, l, fees, "0.00 USD")
		if stock := ask[int](t, s.db, `SELECT stock FROM products WHERE id = 'mug'`); stock != 100 {
			t.Errorf("%d mugs instead of 100", stock)
		}
		for _, replayed := range []bool{false, true} {
			c.want(t, "PUT /payouts/p1", `{"amount": "0.10 USD"}`, ok, fields{"replayed": replayed})
		}
		bursartest.Balance(t, l, sales, "0.00 USD")
		bursartest.Balance(t, l, bank, "-49.90 USD")
	})
}

func TestRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		c, l, s := newClient(t, url)
		c.want(t, "PUT /topups/t1", `{"user": "ann", "amount": "13.00 USD"}`, ok, nil)
		c.want(t, "PUT /orders/o1", `{"user": "ann", "product": "mug"}`, ok, nil)
		for _, row := range []struct {
			request, body string
			status        int
			code          string
		}{
			{"PUT /topups/t1", `{"user": "ann", "amount": "14.00 USD"}`, 409, "id_reused"},
			{"PUT /topups/t2", `{"user": "ann", "amount": "1.00 EUR"}`, 409, "currency_mismatch"},
			{"PUT /topups/t2", `{"user": "ann", "amount": 1.00}`, 422, "amount_invalid"},
			{"PUT /topups/t3", `{"user": "ann", "amount": "-1.00 USD"}`, 422, "amount_not_positive"},
			{"PUT /topups/t3", `{"user": "ann"}`, 422, "amount_invalid"},
			{"PUT /topups/t3", ``, 422, "account_invalid"},
			{"PUT /topups/t3", `{"user": "a:b", "amount": "1.00 USD"}`, 400, "malformed"},
			{"PUT /topups/t3", `{"who": "ann"}`, 400, "malformed"},
			{"PUT /orders/o1", `{"user": "ann", "product": "poster"}`, 409, "id_reused"},
			{"PUT /orders/o2", `{"user": "ann", "product": "poster"}`, 409, "insufficient_funds"},
			{"PUT /orders/o2", `{"user": "bob", "product": "poster"}`, 404, "account_not_found"},
			{"PUT /orders/o2", `{"user": "ann", "product": "boat"}`, 404, "product_not_found"},
			{"PUT /orders/o2/refund", ``, 404, "order_not_found"},
			{"PUT /payouts/p1", `{"amount": "99.00 USD"}`, 409, "insufficient_funds"},
			{"GET /statements/users:bob?month=2026-01", ``, 404, "account_not_found"},
			{"GET /statements/users:ann?month=May", ``, 422, "time_invalid"},
		} {
			c.want(t, row.request, row.body, row.status, fields{"code": row.code, "status": float64(row.status)})
		}
		bursartest.Balance(t, l, "users:ann", "0.50 USD")
		if n := ask[int](t, s.db, `SELECT count(*) FROM orders`); n != 1 {
			t.Errorf("%d orders instead of 1", n)
		}
		if stock := ask[int](t, s.db, `SELECT stock FROM products WHERE id = 'poster'`); stock != 20 {
			t.Errorf("%d posters instead of 20", stock)
		}
		// A refused purchase has left nothing behind, so that its id is good for another try.
		c.want(t, "PUT /topups/t4", `{"user": "ann", "amount": "40.00 USD"}`, ok, nil)
		c.want(t, "PUT /orders/o2", `{"user": "ann", "product": "poster"}`, ok, fields{"state": "paid"})
		// So has a refused payout. A refund waits until the shop has the money again.
		c.want(t, "PUT /payouts/p1", `{"amount": "41.00 USD"}`, ok, nil)
		c.want(t, "PUT /orders/o2/refund", "", http.StatusConflict, fields{"code": "insufficient_funds"})
		c.want(t, "PUT /orders/o2", `{"user": "ann", "product": "poster"}`, ok, fields{"state": "paid"})
	})
}

// TestStatement looks at three months, one without entries in between and one with more of them than a page holds.
func TestStatement(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		c, l, s := newClient(t, url)
		c.want(t, "PUT /topups/t1", `{"user": "ann", "amount": "50.00 USD"}`, ok, nil)
		moveTo(t, l, time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC))
		c.want(t, "PUT /orders/o1", `{"user": "ann", "product": "mug"}`, ok, nil)
		moveTo(t, l, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		c.want(t, "PUT /orders/o1/refund", "", ok, nil)
		many := make([]bursar.Transfer, bursar.PageMax)
		for i := range many {
			many[i] = bursar.Transfer{
				ID:   bursar.IDOf("topup", fmt.Sprintf("many-%d", i)),
				Legs: []bursar.Leg{{From: bank, To: "users:ann", Amount: money.MustParse("0.01 USD")}},
			}
		}
		if _, err := s.ledger.PostBatch(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			month, opening, closing string
			lines                   int
		}{
			{"2025-12", "0.00 USD", "0.00 USD", 0},
			{"2026-01", "0.00 USD", "37.50 USD", 3}, // opened, topped up, bought
			{"2026-02", "37.50 USD", "37.50 USD", 0},
			{"2026-03", "37.50 USD", "60.00 USD", 1 + bursar.PageMax},
			{"2026-04", "60.00 USD", "60.00 USD", 0},
		} {
			_, answer, err := c.send(t.Context(), "GET /statements/users:ann?month="+row.month, "")
			if err != nil {
				t.Fatal(err)
			}
			var got bursar.Statement
			if err := json.Unmarshal([]byte(answer), &got); err != nil {
				t.Fatal(err)
			}
			if got.Opening.String() != row.opening || got.Closing.String() != row.closing || len(got.Lines) != row.lines {
				t.Errorf("%s: %v to %v in %d lines", row.month, got.Opening, got.Closing, len(got.Lines))
			}
			wantSum(t, row.month, got)
		}
	})
}

// moveTo moves the clock after everything has its place in the journal: entries have the time at which they got it.
func moveTo(t *testing.T, l *bursartest.Ledger, at time.Time) {
	t.Helper()
	if _, err := l.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Clock.Set(at)
}

// wantSum fails the test unless the lines lead from the opening to the closing balance, one after the other.
func wantSum(t *testing.T, month string, s bursar.Statement) {
	t.Helper()
	balance := s.Opening
	for _, line := range s.Lines {
		var err error
		if balance, err = balance.Add(line.Amount); err != nil {
			t.Fatal(err)
		}
		if line.Balance != balance {
			t.Errorf("%s: %v instead of %v after entry %d", month, line.Balance, balance, line.Seq)
		}
	}
	if s.Closing != balance {
		t.Errorf("%s: closes with %v instead of %v", month, s.Closing, balance)
	}
}

func TestProblemOf(t *testing.T) {
	wantCode(t, fmt.Errorf("commit: %w", atomic.ErrOutcomeUnknown), bursar.CodeOutcomeUnknown)
	wantCode(t, atomic.ErrBudget, bursar.CodeConflict)
	wantCode(t, atomic.ErrNoConnection, bursar.CodeUnavailable)
	wantCode(t, context.Canceled, bursar.CodeCanceled)
	wantCode(t, fmt.Errorf("%w: %w", atomic.ErrNoConnection, context.Canceled), bursar.CodeCanceled)
	secret := errors.New("secret")
	wantCode(t, secret, bursar.CodeInternal)
	if p := problemOf(secret); p.Detail == secret.Error() {
		t.Error("an unforeseen error shows its text")
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "shop.db", "oracle://localhost/shop"} {
		if _, err := store.Open(url); err == nil {
			t.Errorf("opens %q", url)
		}
	}
}
