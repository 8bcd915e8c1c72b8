package ledger

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/money"
)

// What a call was answered stays as it is when its memory serves other calls.
func TestAnswersOutliveTheMemoryOfTheirCall(t *testing.T) {
	l := memoryLedger(t, 50)
	post := func(n int) []bursar.Result {
		transfers := transfersFrom(n, 40, evenly(50))
		transfers[3].Legs[0].Amount = money.FromUnits(int64(1<<50+n), dollars)
		transfers[5].Legs[0].To = "nobody:" + fmt.Sprint(n)
		transfers[7].Legs[0].To = "not a path"
		transfers[9] = transfers[8]
		transfers[11].ID, transfers[11].Legs = transfers[10].ID, transfers[12].Legs
		return must(l.PostBatch(t.Context(), transfers))
	}
	told := func(results []bursar.Result) (text string) {
		for _, r := range results {
			text += fmt.Sprintf("%+v\n", r.Posted)
			if e, ok := r.Err.(*bursar.Error); ok {
				text += fmt.Sprintf("%s %s %s %s %v %v\n", e.Code, e.Field, e.Message, e.Account, e.Available, e.Needed)
			}
		}
		return text
	}
	first := post(0)
	before := told(first)
	for n := range 20 {
		post(1000 * (n + 1))
		_, _ = l.Post(t.Context(), transfersFrom(100_000+n, 1, evenly(50))[0])
	}
	if after := told(first); after != before {
		t.Errorf("the answers were\n%s\nand are\n%s", before, after)
	}
	for i, want := range map[int]bursar.Code{
		2: "", 3: bursar.CodeInsufficientFunds, 5: bursar.CodeAccountNotFound, 7: bursar.CodeAccountInvalid,
		9: "", 11: bursar.CodeIDReused,
	} {
		if code := bursar.CodeOf(first[i].Err); code != want {
			t.Errorf("transfer %d: %v, want %q", i, first[i].Err, want)
		}
	}
	if !first[9].Posted.Replayed || first[9].Posted.Seq != first[8].Posted.Seq {
		t.Errorf("the same transfer again has %+v, the first time %+v", first[9].Posted, first[8].Posted)
	}
}

// The ids that are made for one call rise, also while the clock stands still.
func TestIDsOfACallRise(t *testing.T) {
	l := memoryLedger(t, 50)
	l.clock = clock.NewFake(time.Unix(1_800_000_000, 0))
	transfers := transfersFrom(0, 2_000, evenly(50))
	for i := range transfers {
		transfers[i].ID = bursar.ID{}
	}
	results := must(l.PostBatch(t.Context(), transfers))
	for i := 1; i < len(results); i++ {
		before, id := results[i-1].Posted.ID, results[i].Posted.ID
		if bytes.Compare(before[:], id[:]) >= 0 || id[6]>>4 != 7 || id[8]>>6 != 2 {
			t.Fatalf("%s follows %s", id, before)
		}
	}
}
