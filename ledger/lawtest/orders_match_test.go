package lawtest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// sale is a row of an order.
type sale struct {
	number        int
	state         string
	buyer, seller string
	cents         int64
}

func parseSales(t *testing.T, rows []string) []sale {
	t.Helper()
	sales := make([]sale, len(rows))
	for i, row := range rows {
		s := &sales[i]
		if _, err := fmt.Sscan(row, &s.number, &s.state, &s.buyer, &s.seller, &s.cents); err != nil {
			t.Fatalf("order %q: %v", row, err)
		}
	}
	return sales
}

func saidOf(said map[int]string) []string { return slices.Sorted(maps.Values(said)) }

// unmatched says what is wrong between orders, transfers and what was said of them: an order that is paid has one entry under
// its id, with its accounts and its amount; every other order, and one that has no row, has none; there are no other
// entries; and a row is there, and in which state, as was said.
func unmatched(seed uint64, sales []sale, entries []bursar.Entry, said map[int]string) (faults []string) {
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	posted := make(map[bursar.ID][]bursar.Entry)
	for _, e := range entries {
		posted[e.Transfer] = append(posted[e.Transfer], e)
	}
	states := make(map[int]string)
	for _, s := range sales {
		states[s.number] = s.state
		o := orderOf(seed, s.number)
		if s.buyer != o.buyer || s.seller != o.seller || s.cents != o.cents {
			wrong("order %d is %+v, and what was ordered is %+v", s.number, s, o)
		}
		transfers := posted[o.id()]
		delete(posted, o.id())
		switch {
		case s.state != saidPaid && len(transfers) > 0:
			wrong("order %d is %s and has the transfer %v", s.number, s.state, o.id())
		case s.state == saidPaid && len(transfers) != 1:
			wrong("order %d is paid and has %d entries", s.number, len(transfers))
		case s.state == saidPaid:
			if e := transfers[0]; e.From != s.buyer || e.To != s.seller || e.Amount != cents(s.cents) || e.Leg != 0 {
				wrong("order %d is %+v, and its entry moves %v from %s to %s", s.number, s, e.Amount, e.From, e.To)
			}
		}
	}
	for id, entries := range posted {
		wrong("no order is paid by transfer %v at %d", id, entries[0].Seq)
	}
	for _, number := range slices.Sorted(maps.Keys(said)) {
		if want := strings.TrimPrefix(said[number], saidUndone); states[number] != want {
			wrong("order %d was said to be %s, and its row says %q", number, said[number], states[number])
		}
	}
	return faults
}

func TestUnmatchedOrdersAreFound(t *testing.T) {
	const seed = 7
	state := map[int]string{0: saidPaid, 1: saidPaid, 2: saidRefused} // order 3 is undone
	var sales []sale
	entries := make(map[int]bursar.Entry)
	for number := range 4 {
		o := orderOf(seed, number)
		if state[number] != "" {
			sales = append(sales, sale{number, state[number], o.buyer, o.seller, o.cents})
		}
		entries[number] = bursar.Entry{Seq: int64(number) + 1, Kind: bursar.EntryLeg, Transfer: o.id(), From: o.buyer, To: o.seller, Amount: cents(o.cents)}
	}
	other := entries[1]
	other.Amount = cents(1_000)
	turned := entries[1]
	turned.From, turned.To = turned.To, turned.From
	said := map[int]string{0: saidPaid, 1: saidPaid, 2: saidRefused, 3: saidUndone}
	for _, test := range []struct {
		name    string
		sales   []sale
		entries []bursar.Entry
		said    map[int]string
		want    int
	}{
		{"all is well", sales, []bursar.Entry{entries[0], entries[1]}, said, 0},
		{"a transfer is missing", sales, []bursar.Entry{entries[0]}, said, 1},
		{"a transfer is there twice", sales, []bursar.Entry{entries[0], entries[1], entries[1]}, said, 1},
		{"a refused order was posted", sales, []bursar.Entry{entries[0], entries[1], entries[2]}, said, 1},
		{"an order that is not there was posted", sales, []bursar.Entry{entries[0], entries[1], entries[3]}, said, 1},
		{"another amount", sales, []bursar.Entry{entries[0], other}, said, 1},
		{"the other way round", sales, []bursar.Entry{entries[0], turned}, said, 1},
		{"what was acknowledged is gone", sales[1:], []bursar.Entry{entries[1]}, said, 1},
		{"what was undone is there", sales, []bursar.Entry{entries[0], entries[1]}, map[int]string{0: saidUndone}, 1},
		{"another state", sales, []bursar.Entry{entries[0], entries[1]}, map[int]string{2: saidPaid}, 1},
	} {
		if faults := unmatched(seed, test.sales, test.entries, test.said); len(faults) != test.want {
			t.Errorf("%s: %d faults, want %d: %q", test.name, len(faults), test.want, faults)
		}
	}
}
