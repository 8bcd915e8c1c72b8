package storetest

import (
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar"
)

var sizeCases = []testCase{
	{"the largest transfer", largestTransfer},
	{"the largest batch", largestBatch},
	{"one more is refused", oneMore},
}

// wide is text of n bytes in characters of four.
func wide(n int) string { return strings.Repeat("🂡", n/4) + strings.Repeat("x", n%4) }

// largest has 256 legs over accounts with paths of 255 bytes, 64 conditions, and everything else at its longest.
func largest(path func(int) string) bursar.Transfer {
	t := bursar.Transfer{ID: id(1), Reference: wide(255), Metadata: bursar.Metadata{}}
	for i := range 256 {
		t.Legs = append(t.Legs, leg(path(i), path((i+1)%256), "1.00 USD"))
	}
	for i := range 64 {
		t.Conditions = append(t.Conditions, bursar.Condition{Path: path(i), AtLeast: limit("0.00 USD")})
	}
	for i := range 32 {
		t.Metadata[fmt.Sprintf("%02d", i)+wide(62)] = wide(512)
	}
	return t
}

func largestTransfer(f *fixture) {
	path := func(i int) string { return fmt.Sprintf("%03d:%s", i, strings.Repeat("x", 251)) }
	f.world()
	for i := range 256 {
		f.account(path(i))
	}
	f.pay("world", path(0), "1.00 USD")
	before := f.head().Seq
	t := largest(path)
	f.post(t)
	if got := f.head().Seq - before; got != 256 {
		f.Errorf("the transfer made %d entries, want 256", got)
	}
	record, err := f.ledger.Transfer(f.Context(), id(1))
	f.must(err)
	f.wantSame("the reference", t.Reference, record.Reference)
	f.wantSame("the metadata", t.Metadata, record.Metadata)
	for i, e := range record.Entries {
		if e.Leg != i || e.From != path(i) || e.Seq != before+int64(i)+1 {
			f.Fatalf("leg %d is %s", i, short(&e))
		}
	}
	if again := f.post(t); !again.Replayed || len(record.Entries) != 256 {
		f.Errorf("%d entries, replayed %v", len(record.Entries), again.Replayed)
	}
	f.wantChain(f.ledger)
}

// largestBatch needs several statements for everything that it reads and writes.
func largestBatch(f *fixture) {
	f.funded("users:1")
	f.pay("world", "users:1", "9900.00 USD")
	batch := make([]bursar.Transfer, bursar.BatchMax)
	for i := range batch {
		batch[i] = move("users:1", "world", "1.00 USD")
		batch[i].ID, batch[i].Reference = id(i), fmt.Sprintf("order %d", i)
		if i%2 == 1 {
			batch[i].Effective = clockStart.AddDate(0, 0, -1)
		}
	}
	for _, replayed := range []bool{false, true} {
		results, err := f.ledger.PostBatch(f.Context(), batch)
		f.must(err)
		for i, result := range results {
			if result.Err != nil || result.Posted.Replayed != replayed || result.Posted.ID != id(i) {
				f.Fatalf("transfer %d: %+v, want replayed %v", i, result, replayed)
			}
		}
	}
	f.wantBalance("users:1", "0.00 USD")
	if got := f.head().Seq; got != 4+bursar.BatchMax {
		f.Errorf("the head is %d", got)
	}
}

func oneMore(f *fixture) {
	_, err := f.ledger.PostBatch(f.Context(), make([]bursar.Transfer, bursar.BatchMax+1))
	f.wantError(err, bursar.CodeTooLarge, "")
	_, err = f.ledger.In(notTx{nil}).PostAll(f.Context(), make([]bursar.Transfer, bursar.BatchMax+1))
	f.wantError(err, bursar.CodeTooLarge, "")
	f.account("a", "b")
	for _, test := range []struct {
		code   bursar.Code
		field  string
		change func(*bursar.Transfer)
	}{
		{bursar.CodeReferenceInvalid, "reference", func(t *bursar.Transfer) { t.Reference = wide(256) }},
		{bursar.CodeMetadataInvalid, "metadata", func(t *bursar.Transfer) { t.Metadata["one more"] = "" }},
		{bursar.CodeMetadataInvalid, "metadata", func(t *bursar.Transfer) { t.Metadata = bursar.Metadata{wide(65): ""} }},
		{bursar.CodeMetadataInvalid, "metadata", func(t *bursar.Transfer) { t.Metadata = bursar.Metadata{"k": wide(513)} }},
		{bursar.CodeLegsInvalid, "legs", func(t *bursar.Transfer) { t.Legs = append(t.Legs, t.Legs[0]) }},
		{bursar.CodeLegsInvalid, "conditions", func(t *bursar.Transfer) {
			t.Conditions = append(t.Conditions, t.Conditions[0])
		}},
	} {
		t := largest(func(i int) string { return []string{"a", "b"}[i%2] })
		test.change(&t)
		f.refused(t, test.code, test.field)
	}
}
