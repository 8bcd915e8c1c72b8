package postingtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/money"
)

// oneID posts one transfer from fifty goroutines. It takes all the money there is, so that a second posting, or a
// judgement before the look at the id, would be refused.
func oneID(t *testing.T, f *fixture) {
	const callers = 50
	paths := f.accounts(2, fundCents)
	for round := range 20 {
		pay := transfer(bursar.IDOf("pay", round), paths[round%2], paths[1-round%2], money.FromUnits(fundCents, f.usd))
		before := f.head()
		answers := make([]bursar.Posted, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				var err error
				if answers[i], err = f.ledger.Post(t.Context(), pay); err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		first := 0
		for i := range answers {
			if !answers[i].Replayed {
				first++
			}
			answers[i].Replayed = false
			if diff := cmp.Diff(answers[0], answers[i]); diff != "" {
				t.Fatalf("answers differ:\n%s", diff)
			}
		}
		if first != 1 {
			t.Errorf("%d of %d answers say that they were the first", first, callers)
		}
		if after := f.head(); after != before+1 {
			t.Errorf("the head went from %d to %d", before, after)
		}
		// Send it back, so that the next round finds all the money in one place again.
		f.mustPost(transfer(bursar.IDOf("back", round), paths[1-round%2], paths[round%2], money.FromUnits(fundCents, f.usd)))
	}
}

func (f *fixture) head() int64 {
	f.t.Helper()
	head, err := f.ledger.Head(context.Background())
	if err != nil {
		f.t.Fatal(err)
	}
	return head.Seq
}

// failsAlone posts good and bad transfers at once, in one call and from many goroutines.
func failsAlone(t *testing.T, f *fixture) {
	paths := f.accounts(2, fundCents)
	good := func(i int) bursar.Transfer {
		return transfer(bursar.IDOf("good", i), paths[0], paths[1], money.FromUnits(1, f.usd))
	}
	bad := []bursar.Transfer{
		transfer(bursar.IDOf("bad", 0), paths[0], paths[1], money.FromUnits(2*fundCents, f.usd)),
		transfer(bursar.IDOf("bad", 1), paths[0], "nobody", money.FromUnits(1, f.usd)),
		transfer(bursar.IDOf("bad", 2), paths[0], paths[0], money.FromUnits(1, f.usd)),
		transfer(bursar.IDOf("bad", 3), paths[0], paths[1], money.MustParse("1 JPY")),
	}
	want := []bursar.Code{bursar.InsufficientFunds, bursar.AccountNotFound, bursar.SameAccount, bursar.CurrencyMismatch}
	var batch []bursar.Transfer
	for i := range bad {
		batch = append(batch, good(i), bad[i])
	}
	results, err := f.ledger.PostBatch(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for i := range bad {
		if err := results[2*i].Err; err != nil {
			t.Errorf("good %d: %v", i, err)
		}
		if got := bursar.CodeOf(results[2*i+1].Err); got != want[i] {
			t.Errorf("bad %d: %v, want %s", i, results[2*i+1].Err, want[i])
		}
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if i%2 == 0 {
				if _, err := f.ledger.Post(t.Context(), good(len(bad)+i)); err != nil {
					t.Errorf("good: %v", err)
				}
				return
			}
			b := bad[i%len(bad)]
			b.ID = bursar.IDOf("worse", i)
			if _, err := f.ledger.Post(t.Context(), b); bursar.CodeOf(err) != want[i%len(bad)] {
				t.Errorf("bad: %v", err)
			}
		})
	}
	wg.Wait()
	f.replay(paths)
}

// cancelledOnce cancels posts at random moments and sends each again until it is answered.
func cancelledOnce(t *testing.T, f *fixture) {
	const workers = 16
	paths := f.accounts(2, fundCents)
	deadline, stop := context.WithTimeout(t.Context(), duration()/2)
	defer stop()
	var mu sync.Mutex
	seen := map[bursar.Code]int{}
	posted := map[bursar.ID]bool{}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for r := f.random(i); deadline.Err() == nil; {
				id, err := f.ledger.NewID()
				if err != nil {
					t.Error(err)
					return
				}
				send := transfer(id, world, paths[i%2], money.FromUnits(1, f.usd))
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.Int64N(int64(3*time.Millisecond))))
				_, err = f.ledger.Post(ctx, send)
				cancel()
				code := bursar.CodeOf(err)
				if err != nil && !bursar.Retryable(err) {
					t.Errorf("cancelled: %v", err)
					return
				}
				if _, err := f.ledger.Post(t.Context(), send); err != nil {
					t.Errorf("sent again: %v", err)
					return
				}
				mu.Lock()
				seen[code]++
				posted[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("codes of the cancelled calls: %v", seen)
	times := map[bursar.ID]int{}
	f.journal(func(e bursar.Entry) { times[e.Transfer]++ })
	for id := range posted {
		if times[id] != 1 {
			t.Errorf("%v is in the journal %d times", id, times[id])
		}
	}
	if seen[bursar.Canceled]+seen[bursar.OutcomeUnknown] == 0 {
		t.Error("no call was cancelled: the law was not put to the test")
	}
}

// timeRises writes through two ledgers with clocks an hour apart, of which one steps back and then stands still.
func timeRises(t *testing.T, f *fixture) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	late, early := clock.NewFake(start.Add(time.Hour)), clock.NewFake(start)
	ledgers := []*bursar.Ledger{f.open(late), f.open(early)}
	paths := f.accounts(4, 0)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				switch n {
				case 20:
					late.Set(start.Add(-time.Hour))
				case 30:
					early.Advance(time.Second)
				}
				id := bursar.IDOf("tick", int64(i*1000+n))
				if _, err := ledgers[i%2].Post(t.Context(), transfer(id, world, paths[i%4], money.FromUnits(1, f.usd))); err != nil {
					t.Errorf("post: %v", err)
				}
			}
		})
	}
	wg.Wait()
	f.replay(paths)
}

// closeDrains closes a ledger while posts are coming in: what was answered as posted is there, what was refused as
// closed is not, and nothing is left without an answer.
func closeDrains(t *testing.T, f *fixture) {
	if f.h.Strategy == nil {
		t.Log("without a strategy there is nothing to drain")
		return
	}
	paths := f.accounts(1, 0)
	l := f.open(nil)
	begun := make(chan struct{}, 1)
	var mu sync.Mutex
	answers := map[bursar.ID]error{}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id := bursar.IDOf("drain", int64(i*1_000_000+n))
				_, err := l.Post(t.Context(), transfer(id, world, paths[0], money.FromUnits(1, f.usd)))
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
	if err := l.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	wg.Wait()
	there := map[bursar.ID]bool{}
	f.journal(func(e bursar.Entry) { there[e.Transfer] = true })
	for id, err := range answers {
		if err != nil && bursar.CodeOf(err) != bursar.Closed {
			t.Errorf("a post at shutdown was answered %v", err)
		}
		if there[id] != (err == nil) {
			t.Errorf("%v was answered %v and its being there is %v", id, err, there[id])
		}
	}
}
