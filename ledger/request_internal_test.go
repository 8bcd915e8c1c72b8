package ledger

import (
	"bytes"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

func sampleTransfer(t *testing.T) bursar.Transfer {
	t.Helper()
	usd := currencyOf(t, "USD")
	least, version := money.FromUnits(500, usd), int64(3)
	return bursar.Transfer{ID: bursar.ID{15: 1}, Reference: "order 7",
		Legs: []bursar.Leg{
			{From: "a", To: "b", Amount: money.FromUnits(100, usd)},
			{From: "b", To: "c", Amount: money.FromUnits(50, usd)},
		},
		Conditions: []bursar.Condition{{Path: "a", AtLeast: &least}, {Path: "b", Version: &version}},
		NotAfter:   time.Unix(5, 6), Effective: time.Unix(3, 4), Metadata: bursar.Metadata{"b": "2", "a": "1"}}
}

// TestARequestIsACopy changes everything that the caller still has in hand, as it may while a queue holds the request.
func TestARequestIsACopy(t *testing.T) {
	t.Parallel()
	transfer := sampleTransfer(t)
	r, err := requestOf(&transfer)
	if err != nil {
		t.Fatal(err)
	}
	least := *transfer.Conditions[0].AtLeast
	transfer.Legs[0].From, transfer.Legs[1].Amount = "x", money.Amount{}
	*transfer.Conditions[0].AtLeast, *transfer.Conditions[1].Version = money.Amount{}, 99
	transfer.Conditions[0].Path, transfer.Metadata["a"] = "y", "9"
	got := r.transfer
	if got.Legs[0].From != "a" || got.Legs[1].Amount.IsZero() || got.Conditions[0].Path != "a" ||
		*got.Conditions[0].AtLeast != least || *got.Conditions[1].Version != 3 ||
		r.metadata != `{"a":"1","b":"2"}` {
		t.Errorf("the request changed with the caller's transfer: %+v", got)
	}
	opening := bursar.Opening{Path: "a", Currency: currencyOf(t, "USD"), Max: &least}
	o, err := requestOpen(&opening)
	if err != nil {
		t.Fatal(err)
	}
	*opening.Max = money.Amount{}
	if o.opening.Max.IsZero() || opening.Min != nil {
		t.Errorf("the request shares its limits with the caller's opening: %+v, %+v", o.opening, opening)
	}
}

// TestCanonicalBytesReadBack compares the canonical bytes with what they are made from.
func TestCanonicalBytesReadBack(t *testing.T) {
	t.Parallel()
	transfer := sampleTransfer(t)
	r, err := requestOf(&transfer)
	if err != nil {
		t.Fatal(err)
	}
	q, err := journal.ParseRequest(r.bytes)
	if err != nil {
		t.Fatal(err)
	}
	leg := journal.Leg{From: "b", To: "c", Currency: "USD", Scale: 2, Amount: journal.Pair{Lo: 50}}
	condition := journal.Condition{Kind: journal.ConditionVersion, Account: "b", Version: 3}
	if q.Kind != journal.RequestTransfer || len(q.Legs) != 2 || q.Legs[1] != leg ||
		len(q.Conditions) != 2 || q.Conditions[1] != condition ||
		q.NotAfter != 5_000_000_006 || !q.HasNotAfter || q.Effective != 3_000_000_004 || !q.HasEffective ||
		q.Reference != "order 7" || len(q.Metadata) != 2 || q.Metadata[0] != (journal.Tag{Key: "a", Value: "1"}) {
		t.Errorf("the bytes read %+v", q)
	}
	if r.hash != journal.Hash(r.bytes) {
		t.Error("the hash is not that of the bytes")
	}
	other := sampleTransfer(t)
	other.ID = bursar.ID{15: 2} // the id is not content
	if s, err := requestOf(&other); err != nil || !bytes.Equal(r.bytes, s.bytes) {
		t.Errorf("another id makes other bytes: %v", err)
	}
}

// TestOneMinimumHasOneForm opens with the usual minimum, said and unsaid.
func TestOneMinimumHasOneForm(t *testing.T) {
	t.Parallel()
	usd := currencyOf(t, "USD")
	zero := money.Zero(usd)
	unsaid, err := requestOpen(&bursar.Opening{Path: "a", Currency: usd})
	if err != nil {
		t.Fatal(err)
	}
	said, err := requestOpen(&bursar.Opening{Path: "a", Currency: usd, Min: &zero, Metadata: bursar.Metadata{}})
	if err != nil {
		t.Fatal(err)
	}
	none, err := requestOpen(&bursar.Opening{Path: "a", Currency: usd, NoMin: true})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(unsaid.bytes, said.bytes) || bytes.Equal(unsaid.bytes, none.bytes) {
		t.Errorf("the forms are %x, %x and %x", unsaid.bytes, said.bytes, none.bytes)
	}
}

func TestMetadataTextIsSortedByBytes(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]bursar.Metadata{
		`{"A":"","B":"","a":"","é":"","🂡":""}`: {"🂡": "", "a": "", "é": "", "B": "", "A": ""},
		`{"k":"<a&b>"}`: {"k": "<a&b>"},
	} {
		r, err := requestOf(&bursar.Transfer{Legs: sampleTransfer(t).Legs, Metadata: m})
		if err != nil || r.metadata != want {
			t.Errorf("got %s, %v; want %s", r.metadata, err, want)
		}
	}
}
