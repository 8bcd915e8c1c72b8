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
)

const (
	historyAccountsMax = 5
	historyClients     = 4
	historyCents       = 10 // in each account at the start
)

// history is the requests of some clients with their answers. The clients use accounts that nobody else uses. The
// history is linearizable if it could have happened with one call at a time, each somewhere between its beginning and
// its end.
type history struct {
	f        *fixture
	ledgers  []*ledger.Ledger
	prefix   string
	paths    []string
	contents []bursar.Transfer // what clients send, by number: often the same one twice
	moves    [][]move          // the same for the model
	began    time.Time

	mu    sync.Mutex
	calls []porcupine.Operation
}

// linearizes runs several histories at once and lets porcupine judge each of them.
func linearizes(f *fixture) {
	var histories []*history
	var wg sync.WaitGroup
	ledgers := f.processes()
	for n := range rounds(4) {
		histories = append(histories, f.newHistory(n, ledgers))
	}
	for n, h := range histories {
		for client := range historyClients {
			wg.Go(func() { h.runClient(client, f.random(n*historyClients+client)) })
		}
		if n%4 == 3 {
			wg.Wait()
		}
	}
	wg.Wait()
	unknown, calls, entries := 0, 0, f.journal()
	for _, h := range histories {
		h.addOutcomes(entries)
		for i := range h.calls {
			calls++
			if h.calls[i].Output.(answer).unknown {
				unknown++
			}
		}
		if err := linearizable(h.calls, h.initial()); err != nil {
			f.t.Errorf("history %s: %v", h.prefix, err)
		}
	}
	f.t.Logf("%d calls, the answers to %d of them are unknown", calls, unknown)
	f.replay()
}

// newHistory opens the accounts of a history and makes up transfers. They have one or two legs, and often move more
// than there is.
func (f *fixture) newHistory(n int, ledgers []*ledger.Ledger) *history {
	h := &history{f: f, ledgers: ledgers, prefix: fmt.Sprintf("history%d:", n), began: clock.System().Now()}
	r := f.random(2000 + n)
	var openings []bursar.Opening
	for i := range 3 + n%(historyAccountsMax-2) {
		path := fmt.Sprintf("%s%d", h.prefix, i)
		h.paths = append(h.paths, path)
		openings = append(openings, bursar.Opening{Path: path, Currency: f.usd})
	}
	f.setUp(openings, historyCents)
	for i := range 40 {
		t := bursar.Transfer{ID: either(h.prefix, i)}
		var moves []move
		for range 1 + r.IntN(2) {
			from := r.IntN(len(h.paths))
			m := move{from, (from + 1 + r.IntN(len(h.paths)-1)) % len(h.paths), 1 + r.Int64N(historyCents)}
			moves = append(moves, m)
			amount := f.cents(m.cents)
			t.Legs = append(t.Legs, bursar.Leg{From: h.paths[m.from], To: h.paths[m.to], Amount: amount})
		}
		h.contents, h.moves = append(h.contents, t), append(h.moves, moves)
	}
	return h
}

// addOutcomes adds to each request what the journal says of its transfer in the end.
func (h *history) addOutcomes(entries []bursar.Entry) {
	indices := make(map[string]int)
	for i, path := range h.paths {
		indices[path] = i
	}
	outcomes := make(map[bursar.ID]*outcome)
	for _, t := range h.contents {
		outcomes[t.ID] = &outcome{}
	}
	for i := range entries {
		o := outcomes[entries[i].Transfer]
		if o == nil {
			continue
		}
		o.posted = true
		for _, s := range sides(&entries[i]) {
			o.versions[indices[s.path]] = s.version
		}
	}
	for i := range h.calls {
		if in := h.calls[i].Input.(request); !in.read {
			in.outcome = outcomes[h.contents[in.transfer].ID]
			h.calls[i].Input = in
		}
	}
}

// initial is the state before the first request. Each account was opened by its first entry and funded by its second.
func (h *history) initial() state {
	s := state{accounts: len(h.paths), known: map[int]bursar.Code{}}
	for i := range h.paths {
		s.cents[i], s.versions[i] = historyCents, 2
	}
	return s
}

// runClient is one client. It reads and posts, sometimes with a short deadline, and sometimes it leaves before the
// answer. After an unknown answer any client may send the same transfer again.
func (h *history) runClient(client int, r *rand.Rand) {
	var away sync.WaitGroup
	defer away.Wait()
	for range 15 {
		ok := true
		switch n := r.IntN(len(h.contents)); r.IntN(6) {
		case 0, 1:
			ok = h.read(client)
		case 2:
			ctx, cancel := context.WithTimeout(h.f.t.Context(), time.Duration(r.Int64N(int64(10*time.Millisecond))))
			ok = h.post(ctx, client, n)
			cancel()
		case 3:
			h.postAndLeave(&away, client, n)
		default:
			ok = h.post(h.f.t.Context(), client, n)
		}
		if !ok {
			return
		}
	}
}

// postAndLeave posts without waiting for the answer, which stays unknown. The end of the call is recorded, because the
// call has no effect after it.
func (h *history) postAndLeave(away *sync.WaitGroup, client, n int) {
	call := h.now()
	away.Go(func() {
		if _, err := h.send(h.f.t.Context(), client, n); err != nil && !refused(err) {
			h.f.t.Errorf("post: %v", err)
		}
		h.add(porcupine.Operation{
			ClientId: client, Input: h.request(n), Output: answer{unknown: true}, Call: call, Return: h.now(),
		})
	})
}

// request is the request for transfer n.
func (h *history) request(n int) request {
	return request{transfer: n, moves: h.moves[n], remember: !h.f.h.In && !h.contents[n].ID.Thing()}
}

func (h *history) send(ctx context.Context, client, n int) (bursar.Posted, error) {
	return h.f.postTo(ctx, h.ledgers[client%len(h.ledgers)], h.contents[n])
}

func (h *history) now() int64 { return int64(clock.System().Now().Sub(h.began)) }

func (h *history) add(op porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, op)
}

// read reads all accounts at once.
func (h *history) read(client int) bool {
	call := h.now()
	accounts, err := h.ledgers[client%len(h.ledgers)].Accounts(h.f.t.Context(), bursar.AccountQuery{Prefix: h.prefix})
	if err != nil || len(accounts) != len(h.paths) {
		h.f.t.Errorf("read: %d accounts, %v", len(accounts), err)
		return false
	}
	var seen snapshot
	for i, a := range accounts { // in order of path, as they were opened
		seen.cents[i], _ = a.Balance.Units()
		seen.versions[i] = a.Version
	}
	h.add(porcupine.Operation{
		ClientId: client, Input: request{read: true}, Output: answer{accounts: seen}, Call: call, Return: h.now(),
	})
	return true
}

// post posts transfer n and reports whether the client may go on.
func (h *history) post(ctx context.Context, client, n int) bool {
	_, deadline := ctx.Deadline()
	call := h.now()
	posted, err := h.send(ctx, client, n)
	op := porcupine.Operation{ClientId: client, Input: h.request(n), Call: call, Return: h.now()}
	switch {
	case err == nil:
		op.Output = answer{replayed: posted.Replayed}
	case refused(err):
		refusal := refusalOf(err)
		op.Output = answer{code: refusal.Code, replayed: refusal.Replayed, final: refusal.Final}
	case bursar.CodeOf(err) == bursar.CodeOutcomeUnknown:
		op.Output, op.Return = answer{unknown: true}, math.MaxInt64
	case unwritten(err) && deadline:
		return true // nothing has happened; if something has, no order explains the history without it
	default:
		h.f.t.Errorf("post: %v", err)
		return false
	}
	h.add(op)
	return true
}
