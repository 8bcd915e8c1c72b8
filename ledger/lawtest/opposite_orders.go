package lawtest

import (
	"context"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// oppositeOrders has two clients post in opposite orders, each in one database transaction. They meet in the middle, so
// one has to give way, and atomic.Do begins it again.
func oppositeOrders(f *fixture) {
	if f.db.Do == nil {
		f.inapplicable("atomic.Do does not run database transactions of this driver")
	}
	c := newOrderPair(f)
	errs := c.run(func(first, second bursar.Transfer, met func()) error {
		attempt := 0
		return f.db.Do(f.t.Context(), func(ctx context.Context, tx driver.CallerTx) error {
			attempt++
			in := f.ledger.In(tx)
			if _, err := in.Post(ctx, first); err != nil {
				return err
			}
			if attempt == 1 {
				met()
			}
			_, err := in.Post(ctx, second)
			return err
		})
	})
	for _, err := range errs {
		if err != nil {
			f.t.Errorf("atomic.Do: %v", err)
		}
	}
	f.replay()
}

// oppositeOrdersForeign does the same with database transactions that nobody begins again. One client is told of a
// conflict.
func oppositeOrdersForeign(f *fixture) {
	if !f.db.Store.SealsLater() {
		f.inapplicable("the engine has one writer at a time, so two database transactions do not meet")
	}
	c := newOrderPair(f)
	errs := c.run(func(first, second bursar.Transfer, met func()) error {
		tx, err := f.db.Begin(f.t.Context())
		if err != nil {
			return err
		}
		defer tx.Rollback()
		in := f.ledger.In(tx)
		if _, err := in.Post(f.t.Context(), first); err != nil {
			return err
		}
		met()
		if _, err = in.Post(f.t.Context(), second); err != nil {
			return err
		}
		return tx.Commit()
	})
	conflicts := 0
	for _, err := range errs {
		switch {
		case bursar.CodeOf(err) == bursar.CodeConflict:
			conflicts++
		case err != nil:
			f.t.Errorf("a foreign database transaction: %v", err)
		}
	}
	if conflicts != 1 {
		f.t.Errorf("%d of two clients were told of a conflict, want 1", conflicts)
	}
	f.replay()
}

// orderPair is two pairs of accounts. Two clients post on both pairs, in opposite orders.
type orderPair struct {
	f     *fixture
	pairs [2][2]string
	meets bool // both clients can be in the middle at once
}

func newOrderPair(f *fixture) *orderPair {
	p := f.accounts(4, fundCents)
	return &orderPair{f: f, pairs: [2][2]string{{p[0], p[1]}, {p[2], p[3]}}, meets: f.db.Store.SealsLater()}
}

func (c *orderPair) run(client func(first, second bursar.Transfer, met func()) error) (errs [2]error) {
	var middle sync.WaitGroup
	middle.Add(2)
	var wg sync.WaitGroup
	for i := range errs {
		transfers := [2]bursar.Transfer{}
		for n, pair := range c.pairs {
			transfers[n] = transfer(bursar.IDOf("cross", 10*i+n), pair[0], pair[1], c.f.cents(1))
		}
		wg.Go(func() {
			once := sync.OnceFunc(middle.Done)
			defer once() // so that the other client goes on if this one failed before
			errs[i] = client(transfers[i], transfers[1-i], func() {
				once()
				if c.meets {
					middle.Wait()
				}
			})
		})
	}
	wg.Wait()
	return errs
}
