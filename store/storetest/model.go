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

// model is the ledger in memory, written as simply as it can be: a list of facts that is counted through for every
// answer. Amounts are cents.
type model struct {
	accounts []modelAccount
	facts    []fact
}

type modelAccount struct {
	path     string
	min, max int64
	decided  int64
}

// fact is one entry: leg or opening, which has no from.
type fact struct {
	at, effective int64
	from, to      string
	cents         int64
}

const noMin, noMax = -1 << 40, 1 << 40

// balance counts what an account has after the first n facts, and how many of those are its own.
func (m *model) balance(path string, n int, counts func(*fact) bool) (cents, version int64) {
	for i := range m.facts[:n] {
		fact := &m.facts[i]
		if fact.from != path && fact.to != path {
			continue
		}
		version++
		switch {
		case !counts(fact):
		case fact.to == path:
			cents += fact.cents
		default:
			cents -= fact.cents
		}
	}
	return cents, version
}

func always(*fact) bool { return true }

func (m *model) account(path string) *modelAccount {
	for i := range m.accounts {
		if m.accounts[i].path == path {
			return &m.accounts[i]
		}
	}
	return nil
}

// lastAt is the time of the last fact.
func (m *model) lastAt() int64 {
	if len(m.facts) == 0 {
		return 0
	}
	return m.facts[len(m.facts)-1].at
}

// post decides a transfer at a time and says why it may not happen.
func (m *model) post(t *bursar.Transfer, now int64) bursar.Code {
	was := len(m.facts)
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
		from, _ := m.balance(leg.From, len(m.facts), always)
		to, _ := m.balance(leg.To, len(m.facts), always)
		code := bursar.Code("")
		switch {
		case from-cents < m.account(leg.From).min:
			code = bursar.CodeInsufficientFunds
		case to+cents > m.account(leg.To).max:
			code = bursar.CodeLimitExceeded
		}
		if code != "" {
			m.facts = m.facts[:was]
			return code
		}
		at := max(now, m.lastAt()+1)
		f := fact{at: at, effective: at, from: leg.From, to: leg.To, cents: cents}
		if effective != 0 {
			f.effective = effective
		}
		m.facts = append(m.facts, f)
	}
	for _, leg := range t.Legs {
		m.account(leg.From).decided, m.account(leg.To).decided = now, now
	}
	return ""
}

func agreesWithModel(f *fixture) {
	books := 0
	rapid.Check(f.T, func(rt *rapid.T) {
		books++
		f.clock.Set(dawn)
		g := &game{fixture: f, rt: rt, model: &model{}}
		g.fixture.ledger = f.start(&ledger.Options{Book: fmt.Sprintf("book%d", books)})
		defer g.closeLedger()
		g.openAccounts()
		for range rapid.IntRange(1, 3).Draw(rt, "batches") {
			g.batch(rapid.SampledFrom([]int{1, 2, 5, 20, 70}).Draw(rt, "transfers"))
		}
		g.compareEntries()
		g.compareBalances()
		g.compareStatements()
		f.trialBalance()
	})
}

// game plays a ledger against a model.
type game struct {
	*fixture
	rt    *rapid.T
	model *model
}

// closeLedger ends what the ledger does in the background.
func (g *game) closeLedger() {
	if err := g.ledger.Close(g.Context()); err != nil {
		g.rt.Fatal(err)
	}
}

func (g *game) openAccounts() {
	for _, a := range []modelAccount{{"world", noMin, noMax, 0}, {"a", 0, noMax, 0}, {"b", -500, 2_000, 0}, {"c", 0, 1_000, 0}} {
		o := bursar.Opening{Path: a.path, Currency: currency("USD"), NoMin: a.min == noMin}
		if a.min != noMin {
			o.Min = cents(a.min)
		}
		if a.max != noMax {
			o.Max = cents(a.max)
		}
		a.decided = max(g.clock.Now().UnixNano(), g.model.lastAt())
		at := max(a.decided, g.model.lastAt()+1)
		g.model.accounts = append(g.model.accounts, a)
		g.model.facts = append(g.model.facts, fact{at: at, effective: at, to: a.path})
		if _, err := g.ledger.OpenAccount(g.Context(), o); err != nil {
			g.rt.Fatal(err)
		}
		g.settle()
	}
}

func cents(n int64) *money.Amount {
	a := money.FromUnits(n, currency("USD"))
	return &a
}

// batch posts n random transfers at once and compares what became of each.
func (g *game) batch(n int) {
	g.clock.Advance(rapid.SampledFrom([]time.Duration{0, 1, time.Second, time.Hour, -1, -time.Minute, -3 * time.Hour}).Draw(g.rt, "step"))
	now := max(g.clock.Now().UnixNano(), g.model.lastAt())
	batch := make([]bursar.Transfer, n)
	for i := range batch {
		batch[i] = g.transfer()
	}
	results, err := g.ledger.PostBatch(g.Context(), batch)
	if err != nil {
		g.rt.Fatal(err)
	}
	g.settle()
	for i := range batch {
		if want, got := g.model.post(&batch[i], now), bursar.CodeOf(results[i].Err); want != got {
			g.rt.Fatalf("transfer %d, %+v: %v, the model says %q", i, batch[i], results[i].Err, want)
		}
	}
}

func (g *game) transfer() bursar.Transfer {
	var t bursar.Transfer
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(g.rt, "legs") {
		from := rapid.IntRange(0, 3).Draw(g.rt, "from")
		to := (from + rapid.IntRange(1, 3).Draw(g.rt, "to")) % 4
		amount := cents(rapid.SampledFrom([]int64{1, 50, 499, 500, 1_000}).Draw(g.rt, "cents"))
		t.Legs = append(t.Legs, bursar.Leg{From: g.model.accounts[from].path, To: g.model.accounts[to].path, Amount: *amount})
	}
	if rapid.IntRange(0, 3).Draw(g.rt, "backdated") == 0 {
		back := rapid.SampledFrom([]time.Duration{-1, 0, time.Nanosecond, time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(g.rt, "back")
		t.Effective = time.Unix(0, g.model.lastAt()).Add(-back)
	}
	return t
}

func (g *game) compareEntries() {
	var entries []bursar.Entry
	for after := int64(0); ; after = int64(len(entries)) {
		page, err := g.ledger.Journal(g.Context(), after, 50)
		if err != nil {
			g.rt.Fatal(err)
		}
		if entries = append(entries, page...); len(page) == 0 {
			break
		}
	}
	if len(entries) != len(g.model.facts) {
		g.rt.Fatalf("the journal has %d entries, the model %d", len(entries), len(g.model.facts))
	}
	for i, e := range entries {
		units, _ := e.Amount.Units()
		got := fact{at: int64(e.At), effective: int64(e.At), from: e.From, to: e.To, cents: units}
		if e.Backdated {
			got.effective = int64(e.Effective)
		}
		if got != g.model.facts[i] || e.Seq != int64(i+1) {
			g.rt.Fatalf("entry %d is %+v, the model says %+v", e.Seq, got, g.model.facts[i])
		}
	}
}

// compareBalances asks for one account as of every position, and for the others as of some. Where each question goes to a
// server it asks for fewer, which the many runs make up for.
func (g *game) compareBalances() {
	closely := rapid.IntRange(0, 3).Draw(g.rt, "account")
	for i, account := range g.model.accounts {
		step := 1
		if g.Store.SealsLater() {
			step = 7
		}
		if i != closely {
			step = 13
		}
		for n := 1; n <= len(g.model.facts); n += step {
			at := g.model.facts[n-1].at
			want, version := g.model.balance(account.path, n, always)
			g.wantAsOf(account.path, bursar.AsOf{Seq: int64(n)}, want, version)
			if n%7 == 0 {
				g.wantAsOf(account.path, bursar.AsOf{At: time.Unix(0, at)}, want, version)
				dated, _ := g.model.balance(account.path, len(g.model.facts), func(f *fact) bool { return f.effective <= at })
				g.wantAsOf(account.path, bursar.AsOf{Effective: time.Unix(0, at)}, dated, version)
			}
		}
		want, version := g.model.balance(account.path, len(g.model.facts), always)
		g.wantAsOf(account.path, bursar.AsOf{}, want, version)
	}
}

func (g *game) wantAsOf(path string, asOf bursar.AsOf, want, version int64) {
	b, err := g.ledger.Balance(g.Context(), path, asOf)
	if err != nil {
		g.rt.Fatal(err)
	}
	if got, _ := b.Balance.Units(); got != want || b.Version != version {
		g.rt.Fatalf("%s as of %+v has %d with version %d, the model says %d with %d", path, asOf, got, b.Version, want, version)
	}
}

func (g *game) compareStatements() {
	limit := rapid.SampledFrom([]int{1, 3, 40, 64, 0}).Draw(g.rt, "page")
	account := rapid.SampledFrom(g.model.accounts).Draw(g.rt, "statement").path
	n := len(g.model.facts)
	before := int64(0)
	for before != 1 {
		lines, err := g.ledger.Statement(g.Context(), account, bursar.StatementQuery{Before: before, Limit: limit})
		if err != nil || len(lines) == 0 {
			g.rt.Fatalf("the statement of %s breaks off before version %d: %v", account, before, err)
		}
		for _, line := range lines {
			for n--; g.model.facts[n].from != account && g.model.facts[n].to != account; n-- {
			}
			balance, version := g.model.balance(account, n+1, always)
			got, _ := line.Balance.Units()
			if line.Seq != int64(n+1) || got != balance || line.Version != version || int64(line.Effective) != g.model.facts[n].effective {
				g.rt.Fatalf("line %+v of %s, the model says %d at %d with version %d", line, account, balance, n+1, version)
			}
		}
		before = lines[len(lines)-1].Version
	}
}
