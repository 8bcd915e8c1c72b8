package verify

import (
	"testing"

	"github.com/bursar-ledger/bursar"
)

// TestFilter wants every id that was given, and few others. Ids that differ in one byte are the worst that a program
// makes.
func TestFilter(t *testing.T) {
	t.Parallel()
	counted := func(n int) (id bursar.ID) {
		id[6], id[8], id[13], id[14], id[15] = 0x70, 0x80, byte(n>>16), byte(n>>8), byte(n)
		return id
	}
	const ids = 50_000
	for name, made := range map[string]func(int) bursar.ID{
		"named": func(n int) bursar.ID { return bursar.IDOf("test", n) }, "counted": counted,
	} {
		f := newFilter(ids)
		for n := range ids {
			f.add(made(n))
		}
		wrong := 0
		for n := range 2 * ids {
			id := made(n)
			switch may := f.may(&id); {
			case n < ids && !may:
				t.Fatalf("%s: id %d is forgotten", name, n)
			case n >= ids && may:
				wrong++
			}
		}
		if wrong > ids/20 {
			t.Errorf("%s: %d of %d other ids pass", name, wrong, ids)
		}
	}
	if n := len((newFilter(1 << 40)).bits); n != filterMost {
		t.Errorf("a filter of %d words", n)
	}
}
