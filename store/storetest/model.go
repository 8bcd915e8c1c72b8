package storetest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

var modelCases = []testCase{{"random transfers agree with a naive model", agreesWithModel}}

// model is a ledger in memory, written as simply as it can be. It has a list of entries and adds them up for every
// answer. Amounts are cents.
type model struct {
	accounts []modelAccount
	entries  []modelEntry
	sealed   int   // how many of them are
	headAt   int64 // the head's time
}

type modelAccount struct {
	path     string
	min, max int64
	decided  int64
}

// modelEntry is a leg, or an opening, which has no from.
type modelEntry struct {
	at, effective int64
	from, to      string
	cents         int64
	backdated     bool
	request       int   // of which it is one
	done          int64 // the time of that request's last entry
}

const noMin, noMax = -1 << 40, 1 << 40

// balance is what an account has after the first n entries, and how many of them are its own. Only entries that count
// change the balance.
func (m *model) balance(path string, n int, counts func(*modelEntry) bool) (cents, version int64) {
	for i := range m.entries[:n] {
		e := &m.entries[i]
		if e.from != path && e.to != path {
			continue
		}
		version++
		switch {
		case !counts(e):
		case e.to == path:
			cents += e.cents
		default:
			cents -= e.cents
		}
	}
	return cents, version
}

func always(*modelEntry) bool { return true }

func (m *model) account(path string) *modelAccount {
	for i := range m.accounts {
		if m.accounts[i].path == path {
			return &m.accounts[i]
		}
	}
	return nil
}

// lastAt is the time of the last entry.
func (m *model) lastAt() int64 {
	if len(m.entries) == 0 {
		return 0
	}
	return m.entries[len(m.entries)-1].at
}

// post decides a transfer at a time. It returns the code of a refusal, or "".
func (m *model) post(t *bursar.Transfer, now int64) bursar.Code {
	was := len(m.entries)
	for _, leg := range t.Legs {
		now = max(now, m.account(leg.From).decided, m.account(leg.To).decided)
	}
	effective := int64(0)
	if !t.Effective.IsZero() {
		effective = t.Effective.UnixNano()
		if effective > now {
			return bursar.CodeEffectiveInFuture
		}
	}
	for _, leg := range t.Legs {
		cents, _ := leg.Amount.Units()
		from, _ := m.balance(leg.From, len(m.entries), always)
		to, _ := m.balance(leg.To, len(m.entries), always)
		code := bursar.Code("")
		switch {
		case from-cents < m.account(leg.From).min:
			code = bursar.CodeInsufficientFunds
		case to+cents > m.account(leg.To).max:
			code = bursar.CodeLimitExceeded
		}
		if code != "" {
			m.entries = m.entries[:was]
			return code
		}
		at := max(now, m.lastAt()+1)
		m.entries = append(m.entries, modelEntry{at: at, from: leg.From, to: leg.To, cents: cents})
	}
	m.finish(was, effective)
	for _, leg := range t.Legs {
		m.account(leg.From).decided, m.account(leg.To).decided = now, now
	}
	return ""
}

// finish says of the entries of a request, which begin with the one at first, what they have in common.
func (m *model) finish(first int, effective int64) {
	for i := range m.entries[first:] {
		e := &m.entries[first+i]
		e.request, e.done = first, m.lastAt()
		if e.effective, e.backdated = effective, effective != 0; !e.backdated {
			e.effective = e.done
		}
	}
}

// seal gives all entries their places.
func (m *model) seal() { m.sealed, m.headAt = len(m.entries), max(m.headAt, m.lastAt()) }

func agreesWithModel(f *fixture) {
	books := 0
	rapid.Check(f.T, func(rt *rapid.T) {
		books++
		f.clock.Set(clockStart)
		r := &modelRun{fixture: f, rt: rt, model: &model{}}
		r.fixture.ledger = f.start(&ledger.Options{Book: fmt.Sprintf("book%d", books), Migrate: true, SealEvery: -1})
		defer r.closeLedger()
		r.openAccounts()
		for range rapid.IntRange(1, 3).Draw(rt, "batches") {
			r.batch(rapid.SampledFrom([]int{1, 2, 5, 20, 70}).Draw(rt, "transfers"))
		}
		r.compareEntries()
		r.compareBalances()
		r.post(rapid.SampledFrom([]int{0, 1, 3, 20}).Draw(rt, "unsealed"))
		for range 4 {
			r.compareStatement()
		}
		r.sealPosted()
		f.trialBalance()
	})
}

// modelRun sends the same requests to a ledger and to a model, and compares the answers and the outcome.
type modelRun struct {
	*fixture
	rt    *rapid.T
	model *model
}

// closeLedger ends what the ledger does in the background.
func (r *modelRun) closeLedger() {
	if err := r.ledger.Close(r.Context()); err != nil {
		r.rt.Fatal(err)
	}
}

func (r *modelRun) openAccounts() {
	for _, a := range []modelAccount{
		{"world", noMin, noMax, 0}, {"a", 0, noMax, 0}, {"b", -500, 2_000, 0}, {"c", 0, 1_000, 0},
	} {
		o := bursar.Opening{Path: a.path, Currency: currency("USD"), NoMin: a.min == noMin}
		if a.min != noMin {
			o.Min = cents(a.min)
		}
		if a.max != noMax {
			o.Max = cents(a.max)
		}
		a.decided = max(r.clock.Now().UnixNano(), r.model.lastAt())
		at := max(a.decided, r.model.lastAt()+1)
		r.model.accounts = append(r.model.accounts, a)
		r.model.entries = append(r.model.entries, modelEntry{at: at, to: a.path})
		r.model.finish(len(r.model.entries)-1, 0)
		if _, err := r.ledger.OpenAccount(r.Context(), o); err != nil {
			r.rt.Fatal(err)
		}
		r.sealPosted()
	}
}

func cents(n int64) *money.Amount {
	a := money.FromUnits(n, currency("USD"))
	return &a
}

// batch posts n random transfers at once and seals them.
func (r *modelRun) batch(n int) {
	r.post(n)
	r.sealPosted()
	r.model.seal()
}

// post posts n random transfers at once and compares the answers. An engine with one writer seals them by itself.
func (r *modelRun) post(n int) {
	steps := []time.Duration{0, 1, time.Second, time.Hour, -1, -time.Minute, -3 * time.Hour}
	r.clock.Advance(rapid.SampledFrom(steps).Draw(r.rt, "step"))
	now := max(r.clock.Now().UnixNano(), r.model.lastAt())
	batch := make([]bursar.Transfer, n)
	for i := range batch {
		batch[i] = r.transfer()
	}
	results, err := r.ledger.PostBatch(r.Context(), batch)
	if err != nil {
		r.rt.Fatal(err)
	}
	for i := range batch {
		if want, got := r.model.post(&batch[i], now), bursar.CodeOf(results[i].Err); want != got {
			r.rt.Fatalf("transfer %d, %+v: %v, the model says %q", i, batch[i], results[i].Err, want)
		}
	}
	if !r.Store.SealsLater() {
		r.model.seal()
	}
}

func (r *modelRun) transfer() bursar.Transfer {
	var t bursar.Transfer
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(r.rt, "legs") {
		from := rapid.IntRange(0, 3).Draw(r.rt, "from")
		to := (from + rapid.IntRange(1, 3).Draw(r.rt, "to")) % 4
		amount := cents(rapid.SampledFrom([]int64{1, 50, 499, 500, 1_000}).Draw(r.rt, "cents"))
		t.Legs = append(t.Legs, bursar.Leg{From: r.model.accounts[from].path, To: r.model.accounts[to].path, Amount: *amount})
	}
	if rapid.IntRange(0, 3).Draw(r.rt, "backdated") == 0 {
		backs := []time.Duration{-1, 0, time.Nanosecond, time.Second, time.Minute, time.Hour, 24 * time.Hour}
		back := rapid.SampledFrom(backs).Draw(r.rt, "back")
		t.Effective = time.Unix(0, r.model.lastAt()).Add(-back)
	}
	return t
}

func (r *modelRun) compareEntries() {
	var entries []bursar.Entry
	for after := int64(0); ; after = int64(len(entries)) {
		page, err := r.ledger.Journal(r.Context(), after, 50)
		if err != nil {
			r.rt.Fatal(err)
		}
		if entries = append(entries, page...); len(page) == 0 {
			break
		}
	}
	if len(entries) != len(r.model.entries) {
		r.rt.Fatalf("the journal has %d entries, the model %d", len(entries), len(r.model.entries))
	}
	for i, e := range entries {
		units, _ := e.Amount.Units()
		got := modelEntry{at: int64(e.At), from: e.From, to: e.To, cents: units, backdated: e.Backdated}
		want := r.model.entries[i]
		got.effective, got.request, got.done = want.done, want.request, want.done
		if e.Backdated {
			got.effective = int64(e.Effective)
		}
		if got != want || e.Seq != int64(i+1) {
			r.rt.Fatalf("entry %d is %+v, the model says %+v", e.Seq, got, r.model.entries[i])
		}
	}
}

// compareBalances reads one account as of every position, and the others as of some. It reads less often on a server,
// and the many runs make up for that.
func (r *modelRun) compareBalances() {
	closely := rapid.IntRange(0, 3).Draw(r.rt, "account")
	for i, account := range r.model.accounts {
		step := 1
		if r.Store.SealsLater() {
			step = 7
		}
		if i != closely {
			step = 13
		}
		for n := 1; n <= len(r.model.entries); n += step {
			at := r.model.entries[n-1].at
			want, version := r.model.balance(account.path, n, always)
			r.wantAsOf(account.path, bursar.AsOf{Seq: int64(n)}, want, version)
			if n%7 == 0 {
				whole := n // entries of requests that are done
				for whole < len(r.model.entries) && r.model.entries[whole].request < whole {
					whole--
				}
				want, version := r.model.balance(account.path, whole, always)
				r.wantAsOf(account.path, bursar.AsOf{At: time.Unix(0, at)}, want, version)
				dated, _ := r.model.balance(account.path, len(r.model.entries), func(e *modelEntry) bool {
					return e.effective <= at
				})
				r.wantAsOf(account.path, bursar.AsOf{Effective: time.Unix(0, at)}, dated, version)
			}
		}
		want, version := r.model.balance(account.path, len(r.model.entries), always)
		r.wantAsOf(account.path, bursar.AsOf{}, want, version)
	}
}

func (r *modelRun) wantAsOf(path string, asOf bursar.AsOf, want, version int64) {
	b, err := r.ledger.Balance(r.Context(), path, asOf)
	if err != nil {
		r.rt.Fatal(err)
	}
	if got, _ := b.Balance.Units(); got != want || b.Version != version {
		r.rt.Fatalf("%s as of %+v has %d with version %d, the model says %d with %d",
			path, asOf, got, b.Version, want, version)
	}
}
