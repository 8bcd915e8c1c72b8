package lawtest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

const (
	islandMax     = 5 // accounts
	islandClients = 4
	islandCents   = 10
)

// island is accounts that only each other pay, with clients that note what they asked and what they were told. The notes are
// a history, which is linearizable if it could have happened with one call at a time, each somewhere between its
// beginning and its end.
type island struct {
	f        *fixture
	ledgers  []*ledger.Ledger
	prefix   string
	paths    []string
	contents []bursar.Transfer // what clients send, by number: often the same one twice
	moves    [][]move          // the same for the model
	began    time.Time

	mu      sync.Mutex
	history []porcupine.Operation
}

// linearizes runs several islands at once and lets porcupine judge each history.
func linearizes(f *fixture) {
	var islands []*island
	var wg sync.WaitGroup
	ledgers := f.processes()
	for n := range rounds(4) {
		islands = append(islands, f.settle(n, ledgers))
	}
	for n, il := range islands {
		for client := range islandClients {
			wg.Go(func() { il.live(client, f.random(n*islandClients+client)) })
		}
		if n%4 == 3 {
			wg.Wait()
		}
	}
	wg.Wait()
	lost, calls, entries := 0, 0, f.journal()
	for _, il := range islands {
		il.compare(entries)
		for i := range il.history {
			calls++
			if il.history[i].Output.(told).lost {
				lost++
			}
		}
		if err := linearizable(il.history, il.start()); err != nil {
			f.t.Errorf("island %s: %v", il.prefix, err)
		}
	}
	f.t.Logf("%d calls, the answers to %d of them were lost", calls, lost)
	f.replay()
}

// settle opens the accounts of an island and thinks up transfers: of one or two legs, and often for more than there is.
func (f *fixture) settle(n int, ledgers []*ledger.Ledger) *island {
	il := &island{f: f, ledgers: ledgers, prefix: fmt.Sprintf("island%d:", n), began: clock.System().Now()}
	r := f.random(2000 + n)
	var openings []bursar.Opening
	for i := range 3 + n%(islandMax-2) {
		path := fmt.Sprintf("%s%d", il.prefix, i)
		il.paths = append(il.paths, path)
		openings = append(openings, bursar.Opening{Path: path, Currency: f.usd})
	}
	f.setUp(openings, islandCents)
	for i := range 40 {
		t := bursar.Transfer{ID: bursar.IDOf(il.prefix, i)}
		var moves []move
		for range 1 + r.IntN(2) {
			from := r.IntN(len(il.paths))
			m := move{from, (from + 1 + r.IntN(len(il.paths)-1)) % len(il.paths), 1 + r.Int64N(islandCents)}
			moves = append(moves, m)
			t.Legs = append(t.Legs, bursar.Leg{From: il.paths[m.from], To: il.paths[m.to], Amount: money.FromUnits(m.cents, f.usd)})
		}
		il.contents, il.moves = append(il.contents, t), append(il.moves, moves)
	}
	return il
}

// compare adds what the journal says to the notes.
func (il *island) compare(entries []bursar.Entry) {
	indices := make(map[string]int)
	for i, path := range il.paths {
		indices[path] = i
	}
	facts := make(map[bursar.ID]*fact)
	for _, t := range il.contents {
		facts[t.ID] = &fact{}
	}
	for i := range entries {
		fact := facts[entries[i].Transfer]
		if fact == nil {
			continue
		}
		fact.posted = true
		for _, s := range sides(&entries[i]) {
			fact.versions[indices[s.path]] = s.version
		}
	}
	for i := range il.history {
		if in := il.history[i].Input.(asked); !in.look {
			in.journal = facts[il.contents[in.transfer].ID]
			il.history[i].Input = in
		}
	}
}

// start is the island before its clients came: each account was funded with its second entry, after its opening.
func (il *island) start() tide {
	s := tide{accounts: len(il.paths), outcomes: map[int]bursar.Code{}}
	for i := range il.paths {
		s.cents[i], s.versions[i] = islandCents, 2
	}
	return s
}

// live is one client: it looks around and posts, now and then with little patience, and now and then it goes away before the
// answer. A lost answer ends nothing: the same transfer may be sent again by anyone.
func (il *island) live(client int, r *rand.Rand) {
	var left sync.WaitGroup
	defer left.Wait()
	for range 15 {
		ok := true
		switch n := r.IntN(len(il.contents)); r.IntN(6) {
		case 0, 1:
			ok = il.look(client)
		case 2:
			ctx, cancel := context.WithTimeout(il.f.t.Context(), time.Duration(r.Int64N(int64(10*time.Millisecond))))
			ok = il.post(ctx, client, n)
			cancel()
		case 3:
			il.leave(&left, client, n)
		default:
			ok = il.post(il.f.t.Context(), client, n)
		}
		if !ok {
			return
		}
	}
}

// leave posts without waiting for the answer, which is lost. When the call ended is noted: whatever it did was done by then.
func (il *island) leave(left *sync.WaitGroup, client, n int) {
	call := il.now()
	left.Go(func() {
		if _, err := il.send(il.f.t.Context(), client, n); err != nil && !refused(err) {
			il.f.t.Errorf("post: %v", err)
		}
		il.note(porcupine.Operation{ClientId: client, Input: il.asks(n), Output: told{lost: true}, Call: call, Return: il.now()})
	})
}

func (il *island) asks(n int) asked {
	return asked{transfer: n, moves: il.moves[n], remember: !il.f.h.In}
}

func (il *island) send(ctx context.Context, client, n int) (bursar.Posted, error) {
	return il.f.postTo(ctx, il.ledgers[client%len(il.ledgers)], il.contents[n])
}

func (il *island) now() int64 { return int64(clock.System().Now().Sub(il.began)) }

func (il *island) note(op porcupine.Operation) {
	il.mu.Lock()
	defer il.mu.Unlock()
	il.history = append(il.history, op)
}

func (il *island) look(client int) bool {
	call := il.now()
	accounts, err := il.ledgers[client%len(il.ledgers)].Accounts(il.f.t.Context(), bursar.AccountQuery{Prefix: il.prefix})
	if err != nil || len(accounts) != len(il.paths) {
		il.f.t.Errorf("look: %d accounts, %v", len(accounts), err)
		return false
	}
	var seen shore
	for i, a := range accounts { // in order of path, as they were opened
		seen.cents[i], _ = a.Balance.Units()
		seen.versions[i] = a.Version
	}
	il.note(porcupine.Operation{ClientId: client, Input: asked{look: true}, Output: told{accounts: seen}, Call: call, Return: il.now()})
	return true
}

func (il *island) post(ctx context.Context, client, n int) bool {
	_, impatient := ctx.Deadline()
	call := il.now()
	posted, err := il.send(ctx, client, n)
	op := porcupine.Operation{ClientId: client, Input: il.asks(n), Call: call, Return: il.now()}
	switch {
	case err == nil:
		op.Output = told{replayed: posted.Replayed}
	case refused(err):
		op.Output = told{code: bursar.CodeOf(err)}
	case bursar.CodeOf(err) == bursar.CodeOutcomeUnknown:
		op.Output, op.Return = told{lost: true}, math.MaxInt64
	case bursar.Retryable(err) && impatient:
		return true // nothing has happened: if something has, the history without it cannot be explained
	default:
		il.f.t.Errorf("post: %v", err)
		return false
	}
	il.note(op)
	return true
}
