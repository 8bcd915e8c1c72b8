package chain_test

import (
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

func TestTheKindsOfTheWordsAreThoseOfTheBytes(t *testing.T) {
	t.Parallel()
	if bursar.EntryLeg != bursar.EntryKind(journal.EntryLeg) || bursar.EntryOpen != bursar.EntryKind(journal.EntryOpen) {
		t.Error("an entry's kind has another number in the journal's bytes")
	}
}

// TestEveryFactIsHashed changes one field after the other.
func TestEveryFactIsHashed(t *testing.T) {
	t.Parallel()
	one, two := money.MustParse("1.00 USD"), money.MustParse("2.00 USD")
	entry := bursar.Entry{
		Seq: 2, At: 5, Kind: bursar.EntryLeg, Transfer: bursar.ID{1}, Leg: 1, RequestHash: bursar.Hash{1},
		From: "a", To: "b", Amount: one, FromAfter: bursar.After{Version: 1, Balance: one, Held: one},
		ToAfter: bursar.After{Version: 1, Balance: one, Held: one}, Decided: 4,
	}
	book, prev := [16]byte{1}, [32]byte{1}
	first, buf := chain.Link(&entry, book, prev, nil)
	if again, _ := chain.Link(&entry, book, prev, buf); again != first {
		t.Error("the same entry has two hashes")
	}
	for name, change := range map[string]func(*bursar.Entry){
		"seq": func(e *bursar.Entry) { e.Seq++ }, "at": func(e *bursar.Entry) { e.At++ },
		"kind": func(e *bursar.Entry) { e.Kind = bursar.EntryOpen }, "transfer": func(e *bursar.Entry) { e.Transfer[0]++ },
		"leg": func(e *bursar.Entry) { e.Leg++ }, "request": func(e *bursar.Entry) { e.RequestHash[0]++ },
		"from": func(e *bursar.Entry) { e.From = "c" }, "to": func(e *bursar.Entry) { e.To = "c" },
		"amount":       func(e *bursar.Entry) { e.Amount = two },
		"from version": func(e *bursar.Entry) { e.FromAfter.Version++ },
		"from balance": func(e *bursar.Entry) { e.FromAfter.Balance = two },
		"from held":    func(e *bursar.Entry) { e.FromAfter.Held = two },
		"to version":   func(e *bursar.Entry) { e.ToAfter.Version++ },
		"to balance":   func(e *bursar.Entry) { e.ToAfter.Balance = two },
		"to held":      func(e *bursar.Entry) { e.ToAfter.Held = two },
		"effective":    func(e *bursar.Entry) { e.Backdated, e.Effective = true, 3 },
		"decided":      func(e *bursar.Entry) { e.Decided++ },
	} {
		changed := entry
		change(&changed)
		if hash, _ := chain.Link(&changed, book, prev, buf); hash == first {
			t.Errorf("another %s has the same hash", name)
		}
	}
}

func TestMetadataText(t *testing.T) {
	t.Parallel()
	if got := chain.MetadataText(nil); got != "" {
		t.Errorf("no metadata is %q", got)
	}
	got := chain.MetadataText([]journal.Tag{{Key: "a", Value: "<&>"}, {Key: "b", Value: "\n"}})
	if want := `{"a":"<&>","b":"\n"}`; got != want {
		t.Errorf("metadata is %s, want %s", got, want)
	}
}
