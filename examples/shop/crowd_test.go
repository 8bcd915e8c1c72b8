package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

const (
	buyers   = 12
	perBuyer = 4
	mugs     = 20 // fewer than buyers want
)

// crowd is many customers at one shop.
type crowd struct {
	client
	t *testing.T
}

// TestCrowd lets many customers want few mugs, each request several times at once, some of them given up half way. In
// the end stock, orders and money match, and the shop has closed without an error.
func TestCrowd(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		books := opened(t, url)
		setStock(t, books.DB(), mugs)
		base, closeShop := start(t, url)
		c := crowd{client{base}, t}
		var group sync.WaitGroup
		for i := range buyers {
			group.Go(func() { c.shopping(fmt.Sprintf("buyer-%d", i)) })
		}
		group.Wait()
		closeShop()
		wantMatch(t, books)
	})
}

// shopping is what one customer does: two purchases refunded out of four, the first to make room for others.
func (c crowd) shopping(user string) {
	c.insist("PUT /topups/"+user, `{"user": "`+user+`", "amount": "60.00 USD"}`)
	for i := range perBuyer {
		order := fmt.Sprintf("PUT /orders/%s-%d", user, i)
		status := c.insist(order, `{"user": "`+user+`", "product": "mug"}`)
		if status == http.StatusOK && i%2 == 0 {
			c.insist(order+"/refund", "")
		}
	}
}

// insist sends a request three times at once, one of them without waiting for the answer, until every answer is final,
// and returns the status, which all answers that come must share unless the mugs run out in between.
func (c crowd) insist(request, body string) (final int) {
	statuses := make([]int, 3)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() {
			if i == 0 {
				hasty, cancel := context.WithTimeout(c.t.Context(), 2*time.Millisecond)
				_, _, _ = c.send(hasty, request, body)
				cancel()
			}
			statuses[i] = c.patient(request, body)
		})
	}
	group.Wait()
	// Whoever found the mugs sold out may see one that came back since: the last word is that of one more request.
	final = c.patient(request, body)
	for _, status := range statuses {
		if status == http.StatusOK && final != http.StatusOK {
			c.t.Errorf("%s: done, and then %d", request, final)
		}
	}
	return final
}

// patient sends a request again for as long as the answer says that this helps.
func (c crowd) patient(request, body string) int {
	for {
		status, answer, err := c.send(c.t.Context(), request, body)
		switch {
		case err != nil:
			c.t.Errorf("%s: %v", request, err)
			return 0
		case status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
			continue
		case status != http.StatusOK && status != http.StatusConflict:
			c.t.Errorf("%s: %d %s", request, status, answer)
		}
		return status
	}
}

// start runs a shop as main does. The returned function closes it as an interrupt would.
func start(t *testing.T, url string) (base string, closeShop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() {
		defer listener.Close()
		ended <- run(ctx, url, listener)
	}()
	return "http://" + listener.Addr().String(), func() {
		http.DefaultClient.CloseIdleConnections() // a server waits seconds for those that have not been used yet
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the shop ended with %v", err)
		}
	}
}

func setStock(t *testing.T, db *atomic.DB, n int) {
	t.Helper()
	err := atomic.Do(t.Context(), db, func(ctx context.Context, tx *atomic.Tx) error {
		return atomic.ExecOne(ctx, tx, `UPDATE products SET stock = $1 WHERE id = 'mug'`, n)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// wantMatch compares the shop's tables with the ledger: every order has its transfer, and every cent its order.
func wantMatch(t *testing.T, books store.Store) {
	t.Helper()
	l, err := ledger.New(t.Context(), books, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.WithoutCancel(t.Context()))
	sold := ask[int64](t, books.DB(), `SELECT count(*) FROM orders WHERE state = 'paid'`)
	stock := ask[int64](t, books.DB(), `SELECT stock FROM products WHERE id = 'mug'`)
	if sold+stock != mugs || sold == 0 {
		t.Errorf("%d sold and %d in stock of %d", sold, stock, mugs)
	}
	var spent int64
	for i := range buyers {
		user := fmt.Sprintf("buyer-%d", i)
		orders := ask[int64](t, books.DB(), `SELECT count(*) FROM orders WHERE state = 'paid' AND buyer = $1`, user)
		bursartest.Balance(t, l, accountOf(user), money.FromUnits(60_00-orders*12_50, currency).String())
		spent += orders
		for n := range perBuyer {
			wantTransfer(t, books, l, fmt.Sprintf("%s-%d", user, n))
		}
	}
	bursartest.Balance(t, l, sales, money.FromUnits(spent*12_19, currency).String())
	bursartest.Balance(t, l, fees, money.FromUnits(spent*31, currency).String())
	bursartest.Balance(t, l, bank, money.FromUnits[int64](-buyers*60_00, currency).String())
	if _, err := l.Seal(t.Context()); err != nil {
		t.Error(err)
	}
	bursartest.Verify(t, books, l.Book())
}

// wantTransfer fails the test unless the ledger has the payment of an order exactly if there is one, and its refund
// exactly if it is refunded.
func wantTransfer(t *testing.T, books store.Store, l *ledger.Ledger, id string) {
	t.Helper()
	for kind, query := range map[string]string{
		"order.pay":    `SELECT count(*) FROM orders WHERE id = $1`,
		"order.refund": `SELECT count(*) FROM orders WHERE id = $1 AND state = 'refunded'`,
	} {
		record, err := l.Transfer(t.Context(), bursar.IDOf(kind, id))
		if err != nil && bursar.CodeOf(err) != bursar.CodeTransferNotFound {
			t.Fatal(err)
		}
		posted := err == nil && record.Refusal == nil
		if orders := ask[int64](t, books.DB(), query, id); posted != (orders == 1) {
			t.Errorf("%s %s: %d rows, and posted is %v", kind, id, orders, posted)
		}
	}
}
