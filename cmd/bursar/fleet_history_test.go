package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// The requests of a run depend on a seed and on numbers alone. So it is known in the end which transfer every id must
// have come to.

const (
	fleetAccounts = 100
	fleetCents    = 5_000
	fleetBank     = "outside:bank"
)

func fleetAccount(n int) string { return fmt.Sprintf("users:%d", n) }

// request is what one client asks for under one id.
type request struct{ client, number int }

// id is that of an attempt, so that a refusal is an answer for ever.
func (q request) id() bursar.ID {
	id := bursar.IDOf("fleet.request", q.client, q.number)
	id[6] = id[6]&0x0f | 4<<4
	return id
}

// legs are the legs of the transfer. Every fourth transfer has two. The last leg of one in twenty moves more money than
// there is.
func (q request) legs(seed uint64) []bursar.Leg {
	r := rand.New(rand.NewPCG(seed, uint64(q.client)<<32|uint64(q.number)))
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
func (q request) body(seed uint64) ([]byte, error) {
	type leg struct {
		From   string       `json:"from"`
		To     string       `json:"to"`
		Amount money.Amount `json:"amount"`
	}
	var sent struct {
		ID   bursar.ID `json:"id"`
		Legs []leg     `json:"legs"`
	}
	sent.ID = q.id()
	for _, l := range q.legs(seed) {
		sent.Legs = append(sent.Legs, leg(l))
	}
	return json.Marshal(sent)
}

func fleetLeg(r *rand.Rand) bursar.Leg {
	from := r.IntN(fleetAccounts)
	to := (from + 1 + r.IntN(fleetAccounts-1)) % fleetAccounts
	return bursar.Leg{From: fleetAccount(from), To: fleetAccount(to), Amount: dollars(1 + r.Int64N(2_000))}
}

func dollars(cents int64) money.Amount {
	return money.FromUnits(cents, money.MustParse("0 USD").Currency())
}

// order is a request of the shop, which is an application that posts in its own database transactions.
type order int

func (o order) id() bursar.ID { return bursar.IDOf("fleet.order", int(o)) }

func (o order) random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1<<63|uint64(o))) }

func (o order) leg(seed uint64) bursar.Leg { return fleetLeg(o.random(seed)) }

// rolledBack reports whether the shop rolls back after it has written row and transfer.
func (o order) rolledBack() bool { return o%5 == 0 }

// answer is what a server, or the shop, has acknowledged.
type answer struct {
	code    bursar.Code // of the refusal; empty: posted
	seq     int64       // 0 where none was given
	decided string
	fresh   bool // this call posted it, and no earlier one
	by      int  // the number of the server
}

// history is the requests of the clients and the shop, with their answers.
type history struct {
	seed    uint64
	answers map[request][]answer
	orders  map[order]bool // true for paid
}

// comparison is the result of comparing a history with the outcome.
type comparison struct {
	posted, refused int // requests with that answer
	lost, doubled   int
	violations      []string
}

func (c *comparison) wrong(format string, args ...any) {
	c.violations = append(c.violations, fmt.Sprintf(format, args...))
}

// compare compares the history with the outcome, which is the journal and the rows of the shop. Every transfer that was
// answered as posted is there once, with its content and in its place. Nothing that was refused is there, and nothing
// that nobody has requested.
func (h *history) compare(journal []bursar.Entry, rows map[order]bursar.Leg) *comparison {
	c := &comparison{}
	entries := make(map[bursar.ID][]bursar.Entry)
	for i := range journal {
		if e := &journal[i]; e.Kind == bursar.EntryLeg && e.From != fleetBank {
			entries[e.Transfer] = append(entries[e.Transfer], *e)
		}
	}
	for q, answers := range h.answers {
		c.addRequest(h, q, answers, entries[q.id()])
		delete(entries, q.id())
	}
	for o, leg := range rows {
		found := entries[o.id()]
		delete(entries, o.id())
		if paid, said := h.orders[o]; said && !paid {
			c.wrong("order %d was not paid, and has a row", o)
		}
		if leg != o.leg(h.seed) {
			c.wrong("order %d is %+v, want %+v", o, leg, o.leg(h.seed))
		}
		c.checkEntries(fmt.Sprint("order ", int(o)), []bursar.Leg{leg}, found)
	}
	for o, paid := range h.orders {
		if _, there := rows[o]; paid && !there {
			c.lost++
			c.wrong("order %d was paid, and has no row", o)
		}
	}
	for id, found := range entries {
		c.wrong("nobody has requested transfer %v at %d", id, found[0].Seq)
	}
	return c
}

// addRequest compares the answers to one request with its entries.
func (c *comparison) addRequest(h *history, q request, answers []answer, found []bursar.Entry) {
	if len(answers) == 0 {
		c.wrong("%+v has no answer", q)
		return
	}
	first, fresh := answers[0], 0
	for _, a := range answers {
		if a.fresh {
			fresh++
		}
		if a.code != first.code || a.decided != first.decided {
			c.wrong("%+v has the answers %+v and %+v", q, first, a)
		}
	}
	if fresh > 1 {
		c.doubled++
		c.wrong("%+v was posted anew %d times", q, fresh)
	}
	if first.code != "" {
		c.refused++
		if len(found) > 0 {
			c.wrong("%+v was refused as %s, and is posted at %d", q, first.code, found[0].Seq)
		}
		return
	}
	c.posted++
	if !c.checkEntries(fmt.Sprintf("%+v, answered %+v,", q, answers), q.legs(h.seed), found) {
		return
	}
	last := found[len(found)-1]
	for _, a := range answers {
		if a.seq != 0 && a.seq != last.Seq || a.decided != last.Decided.String() {
			c.wrong("%+v was answered as %d, decided at %s, and is %d, decided at %v",
				q, a.seq, a.decided, last.Seq, last.Decided)
		}
	}
}

// checkEntries notes a violation unless the entries of a transfer are its legs, once. It returns false if it noted one.
func (c *comparison) checkEntries(name string, legs []bursar.Leg, found []bursar.Entry) bool {
	switch {
	case len(found) == 0:
		c.lost++
		c.wrong("%s is not in the journal", name)
		return false
	case len(found) > len(legs):
		c.doubled++
		c.wrong("%s has %d entries of %d legs", name, len(found), len(legs))
		return false
	case len(found) < len(legs):
		c.wrong("%s has %d entries of %d legs", name, len(found), len(legs))
		return false
	}
	for i, e := range found {
		leg := bursar.Leg{From: e.From, To: e.To, Amount: e.Amount}
		if leg != legs[i] || e.Leg != i || e.Seq != found[0].Seq+int64(i) {
			c.wrong("leg %d of %s is %+v, want %+v", i, name, e, legs[i])
			return false
		}
	}
	return true
}

// TestFleetViolationsAreFound tampers with a small history and its outcome.
func TestFleetViolationsAreFound(t *testing.T) {
	const seed = 7
	two := request{0, 0}
	for len(two.legs(seed)) != 2 {
		two.number++
	}
	one := request{1, 0}
	for len(one.legs(seed)) != 1 {
		one.number++
	}
	var journal []bursar.Entry
	post := func(id bursar.ID, legs ...bursar.Leg) {
		for i, l := range legs {
			journal = append(journal, bursar.Entry{
				Seq: int64(len(journal)) + 1, Kind: bursar.EntryLeg,
				Transfer: id, Leg: i, From: l.From, To: l.To, Amount: l.Amount,
			})
		}
	}
	post(two.id(), two.legs(seed)...)
	post(order(1).id(), order(1).leg(seed))
	post(one.id(), one.legs(seed)...)
	decided := journal[0].Decided.String()
	for _, test := range []struct {
		name   string
		tamper func(s *fleetSample)
		want   [3]int // violations, lost, doubled
	}{
		{"all is well", func(*fleetSample) {}, [3]int{}},
		{"lost", func(s *fleetSample) { s.journal = s.journal[:3] }, [3]int{1, 1, 0}},
		{"doubled", func(s *fleetSample) { s.journal = append(s.journal, s.journal[3]) }, [3]int{1, 0, 1}},
		{"half", func(s *fleetSample) { s.journal = s.journal[1:] }, [3]int{1, 0, 0}},
		{"another amount", func(s *fleetSample) { s.journal[3].Amount = dollars(1_000_000) }, [3]int{1, 0, 0}},
		{"another place", func(s *fleetSample) { s.answers[one][0].seq = 3 }, [3]int{1, 0, 0}},
		{"two answers", func(s *fleetSample) {
			s.answers[one] = append(s.answers[one], answer{code: bursar.CodeInsufficientFunds, decided: decided})
		}, [3]int{1, 0, 0}},
		{"posted anew twice", func(s *fleetSample) {
			s.answers[one] = append(s.answers[one], s.answers[one][0])
		}, [3]int{1, 0, 1}},
		{"posted and refused", func(s *fleetSample) {
			s.answers[one] = []answer{{code: bursar.CodeInsufficientFunds}}
		}, [3]int{1, 0, 0}},
		{"no answer", func(s *fleetSample) { s.answers[one] = nil }, [3]int{1, 0, 0}},
		{"not requested", func(s *fleetSample) { delete(s.answers, one) }, [3]int{1, 0, 0}},
		{"an order without a row", func(s *fleetSample) { delete(s.rows, 1) }, [3]int{2, 1, 0}},
		{"an order without a transfer", func(s *fleetSample) {
			s.journal = append(s.journal[:2], s.journal[3])
		}, [3]int{1, 1, 0}},
		{"an order that was not paid", func(s *fleetSample) { s.orders[1] = false }, [3]int{1, 0, 0}},
	} {
		s := &fleetSample{
			history: history{
				seed: seed,
				answers: map[request][]answer{
					two: {{seq: 2, decided: decided, fresh: true}, {seq: 2, decided: decided}},
					one: {{decided: decided, fresh: true}},
				},
				orders: map[order]bool{1: true},
			},
			journal: append([]bursar.Entry(nil), journal...),
			rows:    map[order]bursar.Leg{1: order(1).leg(seed)},
		}
		test.tamper(s)
		c := s.compare(s.journal, s.rows)
		if got := [3]int{len(c.violations), c.lost, c.doubled}; got != test.want {
			t.Errorf("%s: %v violations, lost, doubled, want %v: %q", test.name, got, test.want, c.violations)
		}
	}
}

// fleetSample is a history with its outcome.
type fleetSample struct {
	history
	journal []bursar.Entry
	rows    map[order]bursar.Leg
}
