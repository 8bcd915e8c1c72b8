package lawtest

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// stall is how long a single post may take while other clients want the same accounts, unless Database.Stall says
// otherwise.
const stall = time.Second

// oppositeDirections has many clients in all processes send money both ways between two accounts.
func oppositeDirections(f *fixture) {
	const clients = 8
	paths := f.accounts(2, fundCents*fundCents)
	post := f.oppositePost()
	ctx, cancel := context.WithTimeout(f.t.Context(), duration())
	defer cancel()
	machine := startBaseline(f.t)
	w := stopwatch{stall: cmp.Or(f.db.Stall, stall)}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				send := transfer(f.newID(), paths[i%2], paths[1-i%2], f.cents(1))
				if err := w.time(func() error { return post(i, send) }); err != nil {
					f.t.Errorf("client %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	w.check(f.t, machine.stop(), clients)
	f.replay()
}

// oppositePost is how the clients of oppositeDirections post. On an engine with one writer, clients in other processes
// poll for the file instead of queueing, and so do clients that begin their database transactions without package
// atomic. They may starve. There all clients are in one process and use package atomic.
func (f *fixture) oppositePost() func(client int, t bursar.Transfer) error {
	if f.db.Store.SealsLater() {
		ledgers := f.processes()
		return func(client int, t bursar.Transfer) error {
			_, err := f.postTo(f.t.Context(), ledgers[client/2%len(ledgers)], t)
			return err
		}
	}
	return func(_ int, t bursar.Transfer) error {
		if !f.h.In {
			_, err := f.ledger.Post(f.t.Context(), t)
			return err
		}
		return f.db.Do(f.t.Context(), func(ctx context.Context, tx driver.CallerTx) error {
			_, err := f.ledger.In(tx).Post(ctx, t)
			return err
		})
	}
}

// openTransaction keeps a database transaction open after a posting, so that its accounts are blocked. Meanwhile
// transfers on them wait, and all others are posted, even on the free accounts of the waiting transfers. After the
// commit the waiting transfers are posted.
//
// It ends when all the others have their answers. So a transfer that the open database transaction delays is seen to
// stall, however short the time.
func openTransaction(f *fixture) {
	if !f.db.Store.SealsLater() {
		f.inapplicable("the engine has one writer at a time, and an open database transaction is it")
	}
	const waiters, others = 3, 6 // clients
	paths := f.accounts(10, fundCents)
	blocked, free := paths[:2], paths[2:]
	if f.h.WaitsUnlocked {
		blocked, free = paths[8:], paths[:8]
	}
	tx, err := f.db.Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer tx.Rollback()
	blocking := transfer(bursar.IDOf("blocking", 0), blocked[0], blocked[1], f.cents(1))
	f.must(f.ledger.In(tx).Post(f.t.Context(), blocking))

	ctx, cancel := context.WithTimeout(f.t.Context(), duration())
	defer cancel()
	stalled, end := context.WithTimeout(f.t.Context(), duration()+grace) // so that a broken law comes to an end
	defer end()
	waited := make(chan error, waiters)
	for i := range waiters { // one account of each is blocked
		go func() {
			pay := transfer(bursar.IDOf("wait", i), free[i], blocked[i%2], f.cents(1))
			_, err := f.post(f.t.Context(), pay)
			if ctx.Err() == nil {
				f.t.Errorf("a transfer on a blocked account was answered: %v", err)
			}
			waited <- err
		}()
	}
	machine := startBaseline(f.t)
	w := stopwatch{stall: cmp.Or(f.db.Stall, stall)}
	var wg sync.WaitGroup
	for i := range others {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				pay := transfer(f.newID(), free[(i+n)%8], free[(i+n+1)%8], f.cents(1))
				if err := w.time(func() error { _, err := f.post(stalled, pay); return err }); err != nil && !refused(err) {
					f.t.Errorf("elsewhere: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	w.check(f.t, machine.stop(), others)
	if err := commit(tx); err != nil {
		f.t.Fatal(err)
	}
	for range waiters {
		if err := <-waited; err != nil {
			f.t.Errorf("a transfer that had to wait: %v", err)
		}
	}
	f.replay()
}
