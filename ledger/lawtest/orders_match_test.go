package lawtest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// orderRow is a row of an order.
type orderRow struct {
	number        int
	state         string
	buyer, seller string
	cents         int64
}

func parseOrderRows(t *testing.T, texts []string) []orderRow {
	t.Helper()
	rows := make([]orderRow, len(texts))
	for i, text := range texts {
		s := &rows[i]
		if _, err := fmt.Sscan(text, &s.number, &s.state, &s.buyer, &s.seller, &s.cents); err != nil {
			t.Fatalf("order %q: %v", text, err)
		}
	}
	return rows
}

func sortedAnswers(answers map[int]string) []string { return slices.Sorted(maps.Values(answers)) }

// unmatched returns the violations between answers, the rows of orders and the journal. An order that is paid has one
// entry under its id, with its accounts and its amount. Every other order has none, and so has an order without a row.
// There are no other entries. Every answer is the state of the row.
func unmatched(seed uint64, rows []orderRow, entries []bursar.Entry, answers map[int]string) (violations []string) {
	wrong := func(format string, args ...any) { violations = append(violations, fmt.Sprintf(format, args...)) }
	posted := make(map[bursar.ID][]bursar.Entry)
	for _, e := range entries {
		posted[e.Transfer] = append(posted[e.Transfer], e)
	}
	states := make(map[int]string)
	for _, s := range rows {
		states[s.number] = s.state
		o := orderOf(seed, s.number)
		if s.buyer != o.buyer || s.seller != o.seller || s.cents != o.cents {
			wrong("order %d is %+v, and what was ordered is %+v", s.number, s, o)
		}
		transfers := posted[o.id()]
		delete(posted, o.id())
		switch {
		case s.state != answerPaid && len(transfers) > 0:
			wrong("order %d is %s and has the transfer %v", s.number, s.state, o.id())
		case s.state == answerPaid && len(transfers) != 1:
			wrong("order %d is paid and has %d entries", s.number, len(transfers))
		case s.state == answerPaid:
			if e := transfers[0]; e.From != s.buyer || e.To != s.seller || e.Amount != cents(s.cents) || e.Leg != 0 {
				wrong("order %d is %+v, and its entry moves %v from %s to %s", s.number, s, e.Amount, e.From, e.To)
			}
		}
	}
	for id, entries := range posted {
		wrong("no order is paid by transfer %v at %d", id, entries[0].Seq)
	}
	for _, number := range slices.Sorted(maps.Keys(answers)) {
		if want := strings.TrimPrefix(answers[number], answerUndone); states[number] != want {
			wrong("order %d was answered %s, and its row says %q", number, answers[number], states[number])
		}
	}
	return violations
}

func TestUnmatchedOrdersAreFound(t *testing.T) {
	const seed = 7
	state := map[int]string{0: answerPaid, 1: answerPaid, 2: answerRefused} // order 3 is undone
	var rows []orderRow
	entries := make(map[int]bursar.Entry)
	for number := range 4 {
		o := orderOf(seed, number)
		if state[number] != "" {
			rows = append(rows, orderRow{number, state[number], o.buyer, o.seller, o.cents})
		}
		entries[number] = bursar.Entry{
			Seq: int64(number) + 1, Kind: bursar.EntryLeg, Transfer: o.id(),
			From: o.buyer, To: o.seller, Amount: cents(o.cents),
		}
	}
	other := entries[1]
	other.Amount = cents(1_000)
	turned := entries[1]
	turned.From, turned.To = turned.To, turned.From
	answers := map[int]string{0: answerPaid, 1: answerPaid, 2: answerRefused, 3: answerUndone}
	for _, test := range []struct {
		name    string
		rows    []orderRow
		entries []bursar.Entry
		answers map[int]string
		want    int
	}{
		{"all is well", rows, []bursar.Entry{entries[0], entries[1]}, answers, 0},
		{"a transfer is missing", rows, []bursar.Entry{entries[0]}, answers, 1},
		{"a transfer is there twice", rows, []bursar.Entry{entries[0], entries[1], entries[1]}, answers, 1},
		{"a refused order was posted", rows, []bursar.Entry{entries[0], entries[1], entries[2]}, answers, 1},
		{"an order that is not there was posted", rows, []bursar.Entry{entries[0], entries[1], entries[3]}, answers, 1},
		{"another amount", rows, []bursar.Entry{entries[0], other}, answers, 1},
		{"the other way round", rows, []bursar.Entry{entries[0], turned}, answers, 1},
		{"what was acknowledged is gone", rows[1:], []bursar.Entry{entries[1]}, answers, 1},
		{"what was undone is there", rows, []bursar.Entry{entries[0], entries[1]}, map[int]string{0: answerUndone}, 1},
		{"another state", rows, []bursar.Entry{entries[0], entries[1]}, map[int]string{2: answerPaid}, 1},
	} {
		if violations := unmatched(seed, test.rows, test.entries, test.answers); len(violations) != test.want {
			t.Errorf("%s: %d violations, want %d: %q", test.name, len(violations), test.want, violations)
		}
	}
}
