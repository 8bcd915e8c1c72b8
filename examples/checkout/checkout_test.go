package checkout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/postgrestest"
	"github.com/bursar-ledger/bursar/bursartest/sqlitetest"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

// onEach runs a test on an empty database of each engine that the application runs on. The one of PostgreSQL is skipped
// where there is no server.
func onEach(t *testing.T, test func(t *testing.T, l *bursartest.Ledger, c *Checkout, s store.Store)) {
	for engine, open := range map[string]func(*testing.T) store.Store{
		"sqlite":   func(t *testing.T) store.Store { return sqlitetest.New(t).Store },
		"postgres": func(t *testing.T) store.Store { return postgrestest.New(t).Store },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			l := bursartest.With(t, s) // verified at the end of the test
			c, err := New(t.Context(), s, l.Ledger)
			if err != nil {
				t.Fatal(err)
			}
			test(t, l, c, s)
		})
	}
}

func TestPurchase(t *testing.T) {
	onEach(t, func(t *testing.T, l *bursartest.Ledger, c *Checkout, s store.Store) {
		bursartest.Fund(t, l, "users:ann", "100.00 USD")
		order(t, c, "o1", "users:ann", "25.00 USD")
		for range 2 { // the answer to the first may have been lost on the way
			if err := c.Pay(t.Context(), "o1"); err != nil {
				t.Fatal(err)
			}
		}
		bursartest.Balance(t, l, "users:ann", "75.00 USD")
		bursartest.Balance(t, l, Sales, "25.00 USD")
		wantPaid(t, s, 1)
	})
}

func TestPurchaseWithoutTheMoney(t *testing.T) {
	onEach(t, func(t *testing.T, l *bursartest.Ledger, c *Checkout, s store.Store) {
		bursartest.Fund(t, l, "users:ann", "24.99 USD")
		order(t, c, "o1", "users:ann", "25.00 USD")
		if err := c.Pay(t.Context(), "o1"); !errors.Is(err, bursar.ErrInsufficientFunds) {
			t.Errorf("the answer is %v", err)
		}
		wantPaid(t, s, 0)
		bursartest.Fund(t, l, "users:ann", "0.01 USD")
		if err := c.Pay(t.Context(), "o1"); err != nil {
			t.Errorf("with the money: %v", err)
		}
		wantPaid(t, s, 1)
	})
}

// TestManyAtOnce has ten orders of one buyer, who has money for seven, each paid by three callers at once.
func TestManyAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, l *bursartest.Ledger, c *Checkout, s store.Store) {
		bursartest.Fund(t, l, "users:ann", "7.00 USD")
		var group sync.WaitGroup
		for i := range 10 {
			id := fmt.Sprintf("o%d", i)
			order(t, c, id, "users:ann", "1.00 USD")
			for range 3 {
				group.Go(func() {
					if err := c.Pay(t.Context(), id); err != nil && !errors.Is(err, bursar.ErrInsufficientFunds) {
						t.Errorf("%s: %v", id, err) // Error may be called from any goroutine, Fatal may not
					}
				})
			}
		}
		group.Wait()
		bursartest.Balance(t, l, "users:ann", "0.00 USD")
		bursartest.Balance(t, l, Sales, "7.00 USD")
		wantPaid(t, s, 7)
	})
}

// TestMonthEnd moves the clock and asks what the shop had at the end of a month that is over.
func TestMonthEnd(t *testing.T) {
	onEach(t, func(t *testing.T, l *bursartest.Ledger, c *Checkout, _ store.Store) {
		bursartest.Fund(t, l, "users:ann", "100.00 USD")
		february := time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC)
		for _, row := range []struct {
			order string
			at    time.Time
		}{{"in time", february.Add(-time.Second)}, {"too late", february}} {
			l.Clock.Set(row.at)
			order(t, c, row.order, "users:ann", "25.00 USD")
			if err := c.Pay(t.Context(), row.order); err != nil {
				t.Fatal(err)
			}
		}
		b, err := l.Balance(t.Context(), Sales, bursar.AsOf{At: february.Add(-time.Nanosecond)})
		if err != nil || b.Balance != money.MustParse("25.00 USD") {
			t.Errorf("January ends with %v, %v", b.Balance, err)
		}
		bursartest.Balance(t, l, Sales, "50.00 USD")
	})
}

// errCrash stands for the end of the program.
var errCrash = errors.New("the machine has lost its power")

// TestCrashBeforeCommit runs the application in a block that counts as outside of any, looks at what it has done, and
// then undoes it, as a crash just before COMMIT does.
func TestCrashBeforeCommit(t *testing.T) {
	onEach(t, func(t *testing.T, l *bursartest.Ledger, c *Checkout, s store.Store) {
		bursartest.Fund(t, l, "users:ann", "100.00 USD")
		order(t, c, "o1", "users:ann", "25.00 USD")
		err := atomic.Do(t.Context(), s.DB(), func(ctx context.Context, tx *atomic.Tx) error {
			atomic.Record(tx, &atomic.RecordOptions{Outside: true, Report: t.Error})
			if err := c.Pay(ctx, "o1"); err != nil {
				return err
			}
			bursartest.Balance(t, l.In(tx), "users:ann", "75.00 USD")
			return errCrash
		}, nil)
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		bursartest.Balance(t, l, "users:ann", "100.00 USD")
		wantPaid(t, s, 0)
		if err := c.Pay(t.Context(), "o1"); err != nil {
			t.Errorf("after the crash: %v", err)
		}
		bursartest.Balance(t, l, "users:ann", "75.00 USD")
	})
}

func order(t *testing.T, c *Checkout, id, buyer, price string) {
	t.Helper()
	if err := c.Order(t.Context(), id, buyer, money.MustParse(price)); err != nil {
		t.Fatal(err)
	}
}

// wantPaid fails the test unless so many orders are paid.
func wantPaid(t *testing.T, s store.Store, want int64) {
	t.Helper()
	const query = `SELECT count(*) FROM orders WHERE paid`
	n, err := atomic.DoValue(t.Context(), s.DB(), func(ctx context.Context, tx *atomic.Tx) (int64, error) {
		return atomic.QueryOne(ctx, tx, atomic.Value[int64], query)
	}, nil)
	if err != nil || n != want {
		t.Errorf("%d orders are paid, want %d, %v", n, want, err)
	}
}
