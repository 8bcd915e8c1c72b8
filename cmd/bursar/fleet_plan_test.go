package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// What is asked for in a fleet's run depends on a seed and on numbers alone, so that whoever reads the ledger in the end
// knows what every id must have come to.

const (
	fleetAccounts = 100
	fleetCents    = 5_000
	fleetBank     = "outside:bank"
)

func fleetAccount(n int) string { return fmt.Sprintf("users:%d", n) }

// wish is what one client asks for under one id.
type wish struct{ client, number int }

func (w wish) id() bursar.ID {
	return bursar.IDOf("fleet.wish", fmt.Sprintf("%d.%d", w.client, w.number))
}

// legs are the transfer. One in twenty moves more money than there is, and every fourth has two legs, of which the
// second may be the one that is refused.
func (w wish) legs(seed uint64) []bursar.Leg {
	r := rand.New(rand.NewPCG(seed, uint64(w.client)<<32|uint64(w.number)))
	legs := make([]bursar.Leg, 1+max(0, r.IntN(4)-2))
	for i := range legs {
		legs[i] = fleetLeg(r)
	}
	if r.IntN(20) == 0 {
		legs[len(legs)-1].Amount = dollars(fleetAccounts*fleetCents + 1)
	}
	return legs
}

// body is the transfer as it is sent.
func (w wish) body(seed uint64) ([]byte, error) {
	type leg struct {
		From   string       `json:"from"`
		To     string       `json:"to"`
		Amount money.Amount `json:"amount"`
	}
	var sent struct {
		ID   bursar.ID `json:"id"`
		Legs []leg     `json:"legs"`
	}
	sent.ID = w.id()
	for _, l := range w.legs(seed) {
		sent.Legs = append(sent.Legs, leg(l))
	}
	return json.Marshal(sent)
}

func fleetLeg(r *rand.Rand) bursar.Leg {
	from := r.IntN(fleetAccounts)
	return bursar.Leg{From: fleetAccount(from), To: fleetAccount((from + 1 + r.IntN(fleetAccounts-1)) % fleetAccounts), Amount: dollars(1 + r.Int64N(2_000))}
}

func dollars(cents int64) money.Amount {
	return money.FromUnits(cents, money.MustParse("0 USD").Currency())
}

// purchase is an order of the shop's, an application that posts in its own database transactions.
type purchase int

func (p purchase) id() bursar.ID { return bursar.IDOf("fleet.purchase", int(p)) }

func (p purchase) random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1<<63|uint64(p))) }

func (p purchase) leg(seed uint64) bursar.Leg { return fleetLeg(p.random(seed)) }

// repented says that the database transaction is rolled back after row and transfer are written.
func (p purchase) repented() bool { return p%5 == 0 }

// answer is what a server, or the shop, has acknowledged.
type answer struct {
	code    bursar.Code // of the refusal; empty: posted
	seq     int64       // 0 where none was given
	decided string
	fresh   bool // it was posted by this very request
}

// history is all that the clients and the shop know.
type history struct {
	seed    uint64
	answers map[wish][]answer
	bought  map[purchase]bool // what the shop says: true for paid
}

// verdict is what a ledger makes of a history.
type verdict struct {
	posted, refused int // wishes that were acknowledged
	lost, doubled   int
	faults          []string
}

func (v *verdict) wrong(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// judge holds a journal and the rows of the shop against what was acknowledged: every transfer that was is there once with its
// content and where it was said to be, nothing that was refused is, and there is nothing that nobody asked for.
func (h *history) judge(journal []bursar.Entry, rows map[purchase]bursar.Leg) *verdict {
	v := &verdict{}
	entries := make(map[bursar.ID][]bursar.Entry)
	for i := range journal {
		if e := &journal[i]; e.Kind == bursar.EntryLeg && e.From != fleetBank {
			entries[e.Transfer] = append(entries[e.Transfer], *e)
		}
	}
	for w, answers := range h.answers {
		v.wish(h, w, answers, entries[w.id()])
		delete(entries, w.id())
	}
	for p, leg := range rows {
		found := entries[p.id()]
		delete(entries, p.id())
		if paid, said := h.bought[p]; said && !paid {
			v.wrong("order %d was not to be, and has a row", p)
		}
		if leg != p.leg(h.seed) {
			v.wrong("order %d is %+v, want %+v", p, leg, p.leg(h.seed))
		}
		v.entries(fmt.Sprint("order ", int(p)), []bursar.Leg{leg}, found)
	}
	for p, paid := range h.bought {
		if _, there := rows[p]; paid && !there {
			v.lost++
			v.wrong("order %d was paid, and has no row", p)
		}
	}
	for id, found := range entries {
		v.wrong("nobody has asked for transfer %v at %d", id, found[0].Seq)
	}
	return v
}

// wish judges what was asked for under one id.
func (v *verdict) wish(h *history, w wish, answers []answer, found []bursar.Entry) {
	if len(answers) == 0 {
		v.wrong("%+v has no answer", w)
		return
	}
	first, fresh := answers[0], 0
	for _, a := range answers {
		if a.fresh {
			fresh++
		}
		if a.code != first.code || a.decided != first.decided {
			v.wrong("%+v has the answers %+v and %+v", w, first, a)
		}
	}
	if fresh > 1 {
		v.doubled++
		v.wrong("%+v was posted anew %d times", w, fresh)
	}
	if first.code != "" {
		v.refused++
		if len(found) > 0 {
			v.wrong("%+v was refused as %s, and is posted at %d", w, first.code, found[0].Seq)
		}
		return
	}
	v.posted++
	if !v.entries(fmt.Sprintf("%+v", w), w.legs(h.seed), found) {
		return
	}
	last := found[len(found)-1]
	for _, a := range answers {
		if a.seq != 0 && a.seq != last.Seq || a.decided != last.Decided.String() {
			v.wrong("%+v was said to be at %d, decided at %s, and is at %d, decided at %v", w, a.seq, a.decided, last.Seq, last.Decided)
		}
	}
}

// entries reports whether what was found is the transfer of these legs, once.
func (v *verdict) entries(name string, legs []bursar.Leg, found []bursar.Entry) bool {
	switch {
	case len(found) == 0:
		v.lost++
		v.wrong("%s is not in the journal", name)
		return false
	case len(found) > len(legs):
		v.doubled++
		v.wrong("%s has %d entries of %d legs", name, len(found), len(legs))
		return false
	case len(found) < len(legs):
		v.wrong("%s has %d entries of %d legs", name, len(found), len(legs))
		return false
	}
	for i, e := range found {
		if (bursar.Leg{From: e.From, To: e.To, Amount: e.Amount}) != legs[i] || e.Leg != i || e.Seq != found[0].Seq+int64(i) {
			v.wrong("leg %d of %s is %+v, want %+v", i, name, e, legs[i])
			return false
		}
	}
	return true
}

// TestFleetFaultsAreFound tampers with a small history.
func TestFleetFaultsAreFound(t *testing.T) {
	const seed = 7
	two := wish{0, 0}
	for len(two.legs(seed)) != 2 {
		two.number++
	}
	one := wish{1, 0}
	for len(one.legs(seed)) != 1 {
		one.number++
	}
	var journal []bursar.Entry
	post := func(id bursar.ID, legs ...bursar.Leg) {
		for i, l := range legs {
			journal = append(journal, bursar.Entry{Seq: int64(len(journal)) + 1, Kind: bursar.EntryLeg, Transfer: id, Leg: i, From: l.From, To: l.To, Amount: l.Amount})
		}
	}
	post(two.id(), two.legs(seed)...)
	post(purchase(1).id(), purchase(1).leg(seed))
	post(one.id(), one.legs(seed)...)
	decided := journal[0].Decided.String()
	for _, c := range []struct {
		name  string
		spoil func(h *history, journal []bursar.Entry, rows map[purchase]bursar.Leg) []bursar.Entry
		want  [3]int // faults, lost, doubled
	}{
		{"all is well", func(_ *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry { return j }, [3]int{}},
		{"lost", func(_ *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry { return j[:3] }, [3]int{1, 1, 0}},
		{"doubled", func(_ *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry { return append(j, j[3]) }, [3]int{1, 0, 1}},
		{"half", func(_ *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry { return j[1:] }, [3]int{1, 0, 0}},
		{"another amount", func(_ *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			j[3].Amount = dollars(1_000_000)
			return j
		}, [3]int{1, 0, 0}},
		{"another place", func(h *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			h.answers[one][0].seq = 3
			return j
		}, [3]int{1, 0, 0}},
		{"two answers", func(h *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			h.answers[one] = append(h.answers[one], answer{code: bursar.CodeInsufficientFunds, decided: decided})
			return j
		}, [3]int{1, 0, 0}},
		{"posted anew twice", func(h *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			h.answers[one] = append(h.answers[one], h.answers[one][0])
			return j
		}, [3]int{1, 0, 1}},
		{"posted and refused", func(h *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			h.answers[one] = []answer{{code: bursar.CodeInsufficientFunds}}
			return j
		}, [3]int{1, 0, 0}},
		{"no answer", func(h *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			h.answers[one] = nil
			return j
		}, [3]int{1, 0, 0}},
		{"not asked for", func(h *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			delete(h.answers, one)
			return j
		}, [3]int{1, 0, 0}},
		{"an order without a row", func(_ *history, j []bursar.Entry, rows map[purchase]bursar.Leg) []bursar.Entry {
			delete(rows, 1)
			return j
		}, [3]int{2, 1, 0}},
		{"an order without a transfer", func(_ *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			return append(j[:2], j[3])
		}, [3]int{1, 1, 0}},
		{"an order that was undone", func(h *history, j []bursar.Entry, _ map[purchase]bursar.Leg) []bursar.Entry {
			h.bought[1] = false
			return j
		}, [3]int{1, 0, 0}},
	} {
		h := &history{seed: seed, answers: map[wish][]answer{
			two: {{seq: 2, decided: decided, fresh: true}, {seq: 2, decided: decided}}, one: {{decided: decided, fresh: true}}},
			bought: map[purchase]bool{1: true}}
		rows := map[purchase]bursar.Leg{1: purchase(1).leg(seed)}
		v := h.judge(c.spoil(h, append([]bursar.Entry(nil), journal...), rows), rows)
		if got := [3]int{len(v.faults), v.lost, v.doubled}; got != c.want {
			t.Errorf("%s: %v faults, lost, doubled, want %v: %q", c.name, got, c.want, v.faults)
		}
	}
}
