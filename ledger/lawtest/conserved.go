package lawtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// The laws of allSides.
const (
	lawAnswered  = "transfers from all sides are posted or refused"
	lawConserved = "the sum of all balances is zero at every position"
	lawLimits    = "no balance is beyond its limits at any position"
	lawVersions  = "each account's versions rise along the journal"
	lawOrders    = "rows written beside a transfer are there if it is"
	lawChain     = "positions have no gap, the chain holds, verify is content"
)

const (
	posters      = 24 // clients that post, from all processes
	joiners      = 4  // clients that post by In and write a row of their own beside it
	accountCount = 100
	grace        = 10 * time.Second // for what should happen at least once, and for what should not hang
)

// allSides has clients in several processes post random transfers, some of them by In with rollbacks. Then it checks
// the journal.
func allSides(f *fixture) {
	paths := f.bounded(accountCount)
	f.exec(`CREATE TABLE orders (id VARCHAR(64) PRIMARY KEY)`)
	f.law(lawAnswered, func() { f.postFromAllSides(paths) })
	entries := f.journal()
	limits := f.limits()
	for _, check := range []struct {
		law  string
		find func() error
	}{
		{lawConserved, func() error { return conserved(entries) }},
		{lawLimits, func() error { return withinLimits(entries, limits) }},
		{lawVersions, func() error { return versionsRise(entries) }},
		{lawOrders, f.ordersMatch},
		{lawChain, func() error {
			f.verify()
			return placed(entries)
		}},
	} {
		f.law(check.law, func() {
			if err := check.find(); err != nil {
				f.t.Error(err)
			}
		})
	}
}

// bounded opens accounts. Every fourth has a maximum that is soon reached.
func (f *fixture) bounded(n int) []string {
	paths := make([]string, n)
	openings := make([]bursar.Opening, n)
	most := f.cents(fundCents + fundCents/2)
	for i := range paths {
		paths[i] = fmt.Sprintf("users:%d", i)
		openings[i] = bursar.Opening{Path: paths[i], Currency: f.usd}
		if i%4 == 0 {
			openings[i].Max = &most
		}
	}
	f.setUp(openings, fundCents)
	return paths
}

func (f *fixture) exec(query string) {
	f.t.Helper()
	if err := f.db.Exec(context.Background(), query); err != nil {
		f.t.Fatal(err)
	}
}

// refused reports whether an account's limits are in the way.
func refused(err error) bool {
	return errors.Is(err, bursar.ErrInsufficientFunds) || errors.Is(err, bursar.ErrLimitExceeded)
}

// refusalOf is an error as a refusal. An error of another type is none, with no code.
func refusalOf(err error) *bursar.Error {
	refusal := &bursar.Error{}
	errors.As(err, &refusal)
	return refusal
}

// answerCounts counts the answers to clients from all sides.
type answerCounts struct {
	posted, refused       atomic.Int64
	committed, rolledBack atomic.Int64 // orders
}

func (c *answerCounts) byName() map[string]int64 {
	return map[string]int64{
		"posted": c.posted.Load(), "refused": c.refused.Load(),
		"committed as orders": c.committed.Load(), "rolled back": c.rolledBack.Load(),
	}
}

// missing names what has not happened.
func (c *answerCounts) missing() (names []string) {
	for name, n := range c.byName() {
		if n == 0 {
			names = append(names, name)
		}
	}
	return names
}

// postFromAllSides has clients post for a while, and each kind of clients until what it does has happened at least
// once. On a cluster the joiners may always be too late while the posters go on.
func (f *fixture) postFromAllSides(paths []string) {
	t := f.t
	ledgers := f.processes()
	ctx, cancel := context.WithTimeout(t.Context(), duration())
	defer cancel()
	late, stop := context.WithTimeout(t.Context(), duration()+grace)
	defer stop()
	var counts answerCounts
	goOn := func(kinds ...*atomic.Int64) bool {
		missing := slices.ContainsFunc(kinds, func(n *atomic.Int64) bool { return n.Load() == 0 })
		return ctx.Err() == nil || missing && late.Err() == nil
	}
	var wg sync.WaitGroup
	for i := range posters {
		wg.Go(func() {
			for r := f.random(i); goOn(&counts.posted, &counts.refused); {
				switch _, err := f.postTo(t.Context(), ledgers[i%len(ledgers)], f.randomTransfer(r, paths)); {
				case err == nil:
					counts.posted.Add(1)
				case refused(err):
					counts.refused.Add(1)
				default:
					t.Errorf("post: %v", err)
					return
				}
			}
		})
	}
	for i := range joiners {
		wg.Go(func() {
			for r := f.random(posters + i); goOn(&counts.committed, &counts.rolledBack); {
				switch committed, err := f.order(t.Context(), ledgers[i%len(ledgers)], r, paths); {
				case bursar.CodeOf(err) == bursar.CodeConflict: // an application begins again
				case err != nil:
					t.Errorf("order: %v", err)
					return
				case committed:
					counts.committed.Add(1)
				default:
					counts.rolledBack.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("answers: %v", counts.byName())
	for _, name := range counts.missing() {
		t.Errorf("nothing was %s: the law was not put to the test", name)
	}
}

// randomTransfer has one to three legs between random accounts.
func (f *fixture) randomTransfer(r *rand.Rand, paths []string) bursar.Transfer {
	t := bursar.Transfer{ID: f.newID()}
	for range 1 + r.IntN(3) {
		from := r.IntN(len(paths))
		to := (from + 1 + r.IntN(len(paths)-1)) % len(paths)
		amount := f.cents(1 + r.Int64N(fundCents))
		t.Legs = append(t.Legs, bursar.Leg{From: paths[from], To: paths[to], Amount: amount})
	}
	return t
}

// order inserts an order and posts its transfer in one database transaction, and then commits or rolls back at random.
// A refusal must leave the database transaction usable: the same one then withdraws the order.
func (f *fixture) order(ctx context.Context, l *ledger.Ledger, r *rand.Rand, paths []string) (
	committed bool, err error) {
	t := f.randomTransfer(r, paths)
	for _, leg := range t.Legs { // what an application shows before it asks
		if _, err := l.Balance(ctx, leg.From, bursar.AsOf{}); err != nil {
			return false, err
		}
	}
	tx, err := f.db.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	t.Metadata = bursar.Metadata{"order": t.ID.String()}
	if err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO orders (id) VALUES ('%s')`, t.ID)); err != nil {
		return false, fmt.Errorf("insert: %w", err)
	}
	switch _, err := l.In(tx).Post(ctx, t); {
	case refused(err):
		if err := tx.Exec(ctx, fmt.Sprintf(`DELETE FROM orders WHERE id = '%s'`, t.ID)); err != nil {
			return false, fmt.Errorf("after a refusal: %w", err)
		}
	case err != nil:
		return false, err
	default:
		committed = r.IntN(3) > 0
	}
	if !committed {
		return false, tx.Rollback()
	}
	return true, commit(tx)
}

// ordersMatch compares the application's rows with the transfers that were posted beside them.
func (f *fixture) ordersMatch() error {
	orders, err := f.db.Strings(context.Background(), `SELECT id FROM orders`)
	if err != nil {
		return err
	}
	marked, err := f.db.Strings(context.Background(), `SELECT metadata FROM bursar_request
		WHERE metadata IS NOT NULL AND refusal IS NULL`)
	if err != nil {
		return err
	}
	for i := range marked {
		marked[i] = marked[i][len(`{"order":"`) : len(marked[i])-len(`"}`)]
	}
	slices.Sort(orders)
	slices.Sort(marked)
	if diff := cmp.Diff(orders, marked); diff != "" {
		return fmt.Errorf("orders and their transfers (-orders +transfers):\n%s", diff)
	}
	return nil
}
