package lawtest

import (
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar"
)

func TestDelivered(t *testing.T) {
	journal := sound()
	posted := map[bursar.ID]bool{bursar.IDOf("test", 1): true, bursar.IDOf("test", 4): true, bursar.IDOf("test", 5): false}
	all := [][]bursar.Entry{journal, journal, journal}
	if err := Delivered(journal, all, posted); err != nil {
		t.Errorf("a sound journal: %v", err)
	}
	early := slices.Clone(journal)
	early[3].At = early[2].At
	missing := slices.Delete(slices.Clone(journal), 2, 3)
	double := slices.Insert(slices.Clone(journal), 2, journal[1])
	for name, err := range map[string]error{
		"time stands still":    Delivered(early, [][]bursar.Entry{early}, posted),
		"one is missing":       Delivered(journal, [][]bursar.Entry{journal, missing}, posted),
		"one came twice":       Delivered(journal, [][]bursar.Entry{double}, posted),
		"the end is missing":   Delivered(journal, [][]bursar.Entry{journal[:4]}, posted),
		"posted and not there": Delivered(journal, all, map[bursar.ID]bool{bursar.IDOf("test", 5): true}),
		"there and not posted": Delivered(journal, all, map[bursar.ID]bool{bursar.IDOf("test", 1): false}),
		"a journal with a gap": Delivered(missing, nil, nil),
		"a reader got nothing": Delivered(journal, [][]bursar.Entry{nil}, posted),
	} {
		if err == nil {
			t.Errorf("%s: it was not found", name)
		}
	}
}
