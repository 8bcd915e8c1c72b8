package postingtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

const (
	posters      = 60 // goroutines that call Post
	joiners      = 4  // goroutines that call In beside rows of their own
	accountCount = 100
	fundCents    = 10_000
)

// conserved runs random transfers from all sides and then replays the journal.
func conserved(t *testing.T, f *fixture) {
	paths := f.accounts(accountCount, fundCents)
	if err := f.db.Exec(t.Context(), `CREATE TABLE orders (id TEXT PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), duration())
	defer cancel()
	var posted, refused, joined, undone atomic.Int64
	var wg sync.WaitGroup
	for i := range posters {
		wg.Go(func() {
			for r := f.random(i); ctx.Err() == nil; {
				switch _, err := f.ledger.Post(t.Context(), f.randomTransfer(r, paths)); {
				case err == nil:
					posted.Add(1)
				case errors.Is(err, bursar.ErrInsufficientFunds):
					refused.Add(1)
				default:
					t.Errorf("post: %v", err)
					return
				}
			}
		})
	}
	for i := range joiners {
		wg.Go(func() {
			for r := f.random(posters + i); ctx.Err() == nil; {
				switch committed, err := f.order(t.Context(), r, paths); {
				case err != nil:
					t.Errorf("order: %v", err)
					return
				case committed:
					joined.Add(1)
				default:
					undone.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d posted, %d refused, %d orders committed, %d rolled back", posted.Load(), refused.Load(), joined.Load(), undone.Load())
	for what, n := range map[string]int64{"posted": posted.Load(), "committed as orders": joined.Load(), "rolled back": undone.Load()} {
		if n == 0 {
			t.Errorf("nothing was %s: the law was not put to the test", what)
		}
	}
	f.replay(paths)
	f.ordersMatch()
}

// randomTransfer has one to three legs between random accounts.
func (f *fixture) randomTransfer(r *rand.Rand, paths []string) bursar.Transfer {
	id, err := f.ledger.NewID()
	if err != nil {
		panic(err)
	}
	t := bursar.Transfer{ID: id}
	for range 1 + r.IntN(3) {
		from := r.IntN(len(paths))
		to := (from + 1 + r.IntN(len(paths)-1)) % len(paths)
		t.Legs = append(t.Legs, bursar.Leg{From: paths[from], To: paths[to], Amount: money.FromUnits(1+r.Int64N(fundCents), f.usd)})
	}
	return t
}

// order inserts an order and posts its transfer in one database transaction, and then commits or rolls back at
// random. A refusal must leave the database transaction usable: the order is then withdrawn in the same one.
func (f *fixture) order(ctx context.Context, r *rand.Rand, paths []string) (committed bool, err error) {
	t := f.randomTransfer(r, paths)
	for _, leg := range t.Legs { // what an application shows before it asks
		if _, err := f.ledger.Balance(ctx, leg.From, bursar.AsOf{}); err != nil {
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
	switch _, err := f.ledger.In(tx).Post(ctx, t); {
	case errors.Is(err, bursar.ErrInsufficientFunds):
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
	return true, tx.Commit()
}

// replay walks the journal from the first entry: at every position the sum is zero, no balance is below its
// minimum, and the entry's balances and versions are those of the walk.
func (f *fixture) replay(limited []string) {
	f.t.Helper()
	min := make(map[string]bool, len(limited))
	for _, path := range limited {
		min[path] = true
	}
	balances, versions := map[string]int64{}, map[string]int64{}
	var seq int64
	var at bursar.Instant
	f.journal(func(e bursar.Entry) {
		if e.Seq != seq+1 || e.At <= at {
			f.t.Fatalf("entry %d at %v follows %d at %v", e.Seq, e.At, seq, at)
		}
		seq, at = e.Seq, e.At
		cents, _ := e.Amount.Units()
		for _, side := range []struct {
			path  string
			delta int64
			after bursar.After
		}{{e.From, -cents, e.FromAfter}, {e.To, cents, e.ToAfter}} {
			if side.path == "" {
				continue
			}
			balances[side.path] += side.delta
			versions[side.path]++
			if got, _ := side.after.Balance.Units(); got != balances[side.path] || side.after.Version != versions[side.path] {
				f.t.Fatalf("entry %d says %s has %d at version %d, a walk gives %d at %d",
					seq, side.path, got, side.after.Version, balances[side.path], versions[side.path])
			}
			if min[side.path] && balances[side.path] < 0 {
				f.t.Fatalf("after entry %d %s has %d", seq, side.path, balances[side.path])
			}
		}
	})
	var sum int64
	for _, balance := range balances {
		sum += balance
	}
	if sum != 0 {
		f.t.Errorf("the balances sum to %d", sum)
	}
}

// ordersMatch compares the application's rows with the transfers that were posted beside them.
func (f *fixture) ordersMatch() {
	f.t.Helper()
	orders, err := f.db.Strings(context.Background(), `SELECT id FROM orders ORDER BY id`)
	if err != nil {
		f.t.Fatal(err)
	}
	marked, err := f.db.Strings(context.Background(), `SELECT metadata FROM bursar_request WHERE metadata IS NOT NULL AND refusal IS NULL ORDER BY metadata`)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := range marked {
		marked[i] = marked[i][len(`{"order":"`) : len(marked[i])-len(`"}`)]
	}
	if diff := cmp.Diff(orders, marked); diff != "" {
		f.t.Errorf("orders and their transfers (-orders +transfers):\n%s", diff)
	}
}

// opposite sends money both ways between two accounts from many goroutines: no error and no stall.
func opposite(t *testing.T, f *fixture) {
	const workers, rounds, stall = 16, 40, 5 * time.Second
	paths := f.accounts(2, fundCents*workers*rounds)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for range rounds {
				one, cancel := context.WithTimeout(ctx, stall)
				id, err := f.ledger.NewID()
				if err == nil {
					_, err = f.ledger.Post(one, transfer(id, paths[i%2], paths[1-i%2], money.FromUnits(fundCents, f.usd)))
				}
				cancel()
				if err != nil {
					t.Errorf("worker %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	f.replay(paths)
}
