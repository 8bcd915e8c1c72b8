package chain_test

import (
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/money"
)

// leg is an entry as most are.
func leg() *bursar.Entry {
	amount := money.MustParse("12.34 USD")
	after := bursar.After{Version: 7, Balance: amount, Held: money.Zero(amount.Currency())}
	return &bursar.Entry{Seq: 1, At: 3, Kind: bursar.EntryLeg, From: "users:1234", To: "users:5678", Amount: amount,
		FromAfter: after, ToAfter: after, Decided: 2}
}

func BenchmarkLink(b *testing.B) {
	entry := leg()
	var hash bursar.Hash
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		hash, buf = chain.Link(entry, bursar.ID{1}, hash, buf)
	}
}

// A link of the chain allocates nothing once its buffer has grown.
func TestLinkAllocatesNothing(t *testing.T) {
	entry := leg()
	var hash bursar.Hash
	var buf []byte
	if n := testing.AllocsPerRun(100, func() { hash, buf = chain.Link(entry, bursar.ID{1}, hash, buf) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
