package lawtest

import (
	"context"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// timeRises writes in two processes with clocks an hour apart, of which one steps back and then stands still.
func timeRises(f *fixture) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	late, early := clock.NewFake(start.Add(time.Hour)), clock.NewFake(start)
	ledgers := []*ledger.Ledger{f.elsewhere(late), f.elsewhere(early)}
	paths := f.accounts(4, 0)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range rounds(20) {
				switch n {
				case 8:
					late.Set(start.Add(-time.Hour))
				case 12:
					early.Advance(time.Second)
				}
				id := bursar.IDOf("tick", int64(i*1000+n))
				if _, err := f.postTo(f.t.Context(), ledgers[i%2], transfer(id, world, paths[i%4], money.FromUnits(1, f.usd))); err != nil {
					f.t.Errorf("post: %v", err)
				}
			}
		})
	}
	wg.Wait()
	f.replay()
}

// stall is how long a single post may take where others want the same accounts.
const stall = time.Second

// opposite sends money both ways between two accounts from many goroutines, in all processes.
func opposite(f *fixture) {
	const workers = 8
	paths := f.accounts(2, fundCents*fundCents)
	post := f.turns()
	ctx, cancel := context.WithTimeout(f.t.Context(), duration())
	defer cancel()
	machine := startPulse(f.t)
	var w stopwatch
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				send := transfer(f.newID(), paths[i%2], paths[1-i%2], money.FromUnits(1, f.usd))
				if err := w.time(func() error { return post(i, send) }); err != nil {
					f.t.Errorf("worker %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	w.check(f.t, machine.stop())
	f.replay()
}

// turns is how the callers of opposite post. Where the engine has one writer, those of other processes, and those who begin
// database transactions without package atomic, poll for the file instead of queueing, and may starve: there they
// take turns in one process.
func (f *fixture) turns() func(caller int, t bursar.Transfer) error {
	if f.db.Store.SealsLater() {
		ledgers := f.processes()
		return func(caller int, t bursar.Transfer) error {
			_, err := f.postTo(f.t.Context(), ledgers[caller/2%len(ledgers)], t)
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

// heldOpen keeps a database transaction open after a posting. Meanwhile transfers on its accounts wait and all others are
// posted, those on the other accounts of the waiting ones too; afterwards those that waited are. It ends once all others have
// their answers, so one that the open database transaction holds up stalls, however short the time.
func heldOpen(f *fixture) {
	if !f.db.Store.SealsLater() {
		f.inapplicable("the engine has one writer at a time, and an open database transaction is it")
	}
	const waiters, others = 3, 6
	paths := f.accounts(10, fundCents)
	hold, free := paths[:2], paths[2:]
	if f.h.HoldsNoOther {
		hold, free = paths[8:], paths[:8]
	}
	tx, err := f.db.Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer tx.Rollback()
	f.must(f.ledger.In(tx).Post(f.t.Context(), transfer(bursar.IDOf("held", 0), hold[0], hold[1], money.FromUnits(1, f.usd))))

	ctx, cancel := context.WithTimeout(f.t.Context(), duration())
	defer cancel()
	stalled, end := context.WithTimeout(f.t.Context(), duration()+patience) // so that a law that is broken comes to an end
	defer end()
	waited := make(chan error, waiters)
	for i := range waiters { // one end of each is held
		go func() {
			pay := transfer(bursar.IDOf("wait", i), free[i], hold[i%2], money.FromUnits(1, f.usd))
			_, err := f.post(f.t.Context(), pay)
			if ctx.Err() == nil {
				f.t.Errorf("a transfer on an account that is held was answered: %v", err)
			}
			waited <- err
		}()
	}
	machine := startPulse(f.t)
	var w stopwatch
	var wg sync.WaitGroup
	for i := range others {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				pay := transfer(f.newID(), free[(i+n)%8], free[(i+n+1)%8], money.FromUnits(1, f.usd))
				if err := w.time(func() error { _, err := f.post(stalled, pay); return err }); err != nil && !refused(err) {
					f.t.Errorf("elsewhere: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	w.check(f.t, machine.stop())
	if err := tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
	for range waiters {
		if err := <-waited; err != nil {
			f.t.Errorf("a transfer that had to wait: %v", err)
		}
	}
	f.replay()
}

// crossing posts the same two transfers in opposite orders in two database transactions that meet in the middle: one has
// to give way, and atomic.Do begins it again.
func crossing(f *fixture) {
	if f.db.Do == nil {
		f.inapplicable("atomic.Do does not run database transactions of this driver")
	}
	c := newCrossroads(f)
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

// crossingForeign does the same with database transactions that begin again by themselves only if they are told to.
func crossingForeign(f *fixture) {
	if !f.db.Store.SealsLater() {
		f.inapplicable("the engine has one writer at a time, so two database transactions do not cross")
	}
	c := newCrossroads(f)
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
			f.t.Errorf("a foreign transaction was told: %v", err)
		}
	}
	if conflicts != 1 {
		f.t.Errorf("%d of two that stood in each other's way were told of a conflict", conflicts)
	}
	f.replay()
}

// crossroads is two callers and the two transfers that they post in opposite orders.
type crossroads struct {
	f     *fixture
	pairs [2][2]string
	meets bool // both can be in the middle at once
}

func newCrossroads(f *fixture) *crossroads {
	p := f.accounts(4, fundCents)
	return &crossroads{f: f, pairs: [2][2]string{{p[0], p[1]}, {p[2], p[3]}}, meets: f.db.Store.SealsLater()}
}

func (c *crossroads) run(caller func(first, second bursar.Transfer, met func()) error) (errs [2]error) {
	var middle sync.WaitGroup
	middle.Add(2)
	var wg sync.WaitGroup
	for i := range errs {
		transfers := [2]bursar.Transfer{}
		for n, pair := range c.pairs {
			transfers[n] = transfer(bursar.IDOf("cross", 10*i+n), pair[0], pair[1], money.FromUnits(1, c.f.usd))
		}
		wg.Go(func() {
			once := sync.OnceFunc(middle.Done)
			defer once() // so that the other one goes on if this one failed before
			errs[i] = caller(transfers[i], transfers[1-i], func() {
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

// closeDrains closes a ledger while posts are coming in: what was answered as posted is there, what was refused as
// closed is not, and nothing is left without an answer.
func closeDrains(f *fixture) {
	if f.h.In {
		f.inapplicable("the application ends its own database transactions")
	}
	paths := f.accounts(1, 0)
	l := f.elsewhere(nil)
	begun := make(chan struct{}, 1)
	var mu sync.Mutex
	answers := map[bursar.ID]error{}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id := bursar.IDOf("drain", int64(i*1_000_000+n))
				_, err := l.Post(f.t.Context(), transfer(id, world, paths[0], money.FromUnits(1, f.usd)))
				mu.Lock()
				answers[id] = err
				mu.Unlock()
				if err != nil {
					return
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	if err := l.Close(f.t.Context()); err != nil {
		f.t.Errorf("close: %v", err)
	}
	wg.Wait()
	posted := map[bursar.ID]bool{}
	for id, err := range answers {
		if err != nil && bursar.CodeOf(err) != bursar.CodeClosed {
			f.t.Errorf("a post at shutdown was answered %v", err)
		}
		posted[id] = err == nil
	}
	if err := once(f.journal(), posted); err != nil {
		f.t.Error(err)
	}
}
