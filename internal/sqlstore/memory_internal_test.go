package sqlstore

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar"
)

func TestARecentValueIsKeptAndTheRestIsBounded(t *testing.T) {
	t.Parallel()
	const room = 8
	r := newRecent[int, string](room)
	r.put(-1, "used")
	for i := range 100 {
		r.put(i, fmt.Sprint(i))
		if value, found := r.get(-1); !found || value != "used" {
			t.Fatalf("what is used again and again is gone after %d others", i)
		}
		if value, found := r.get(i); !found || value != fmt.Sprint(i) {
			t.Fatalf("%d is %q, %v", i, value, found)
		}
		if n := len(r.young) + len(r.old); n > room {
			t.Fatalf("%d values in room for %d", n, room)
		}
	}
	if _, found := r.get(0); found {
		t.Error("what was not used is still there")
	}
	r.put(99, "new")
	if value, _ := r.get(99); value != "new" {
		t.Errorf("99 is %q", value)
	}
}

// TestNoStoredIDIsProvenNew writes ids that rise and others at random, with little room for them, and asks
// for each before.
func TestNoStoredIDIsProvenNew(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(1))
	compare := func(a, b bursar.ID) int { return bytes.Compare(a[:], b[:]) }
	var stored []bursar.ID
	var g gap
	proven := 0
	for step := range 3_000 {
		at := step
		if random.Intn(2) == 0 {
			at = random.Intn(step + 1)
		}
		id := bursar.ID{0: byte(at >> 8), 1: byte(at), 6: 7 << 4, 8: 128, 15: byte(random.Intn(2))}
		place, known := slices.BinarySearchFunc(stored, id, compare)
		unproven, least := g.unproven([]bursar.ID{id})
		switch {
		case len(unproven) == 0 && known:
			t.Fatalf("%v is stored and proven to be new", id)
		case len(unproven) == 0:
			proven++
		case least != id:
			t.Fatalf("the least of %v alone is %v", id, least)
		case random.Intn(40) == 0:
			var low, high *bursar.ID
			if known {
				low = &stored[place]
			} else if place > 0 {
				low = &stored[place-1]
			}
			next := place
			if known {
				next++
			}
			if next < len(stored) {
				high = &stored[next]
			}
			g.look(low, high)
			g.written.room = 64
		}
		if !known && random.Intn(3) > 0 {
			stored = slices.Insert(stored, place, id)
			g.add(id)
		}
	}
	if proven < 100 {
		t.Errorf("only %d ids were proven to be new", proven)
	}
}
