package bursar

import (
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// factsOf is the entry as its hash covers it.
func factsOf(e *Entry, book [16]byte) journal.Entry {
	currency := e.Amount.Currency()
	return journal.Entry{
		Kind: journal.EntryKind(e.Kind), Book: book, Request: e.Transfer, Leg: uint16(e.Leg), RequestHash: e.RequestHash,
		From: e.From, To: e.To,
		Currency: currency.Code(), Scale: uint8(currency.Scale()), Amount: pairOf(e.Amount),
		FromAfter: afterOf(e.FromAfter), ToAfter: afterOf(e.ToAfter),
		Effective: int64(e.Effective), Backdated: e.Backdated,
		Decided: int64(e.Decided), Seq: uint64(e.Seq), At: int64(e.At),
	}
}

// link is the hash that the entry must carry in the book with this UUID when prev is the hash before it. buf is
// scratch space; pass the returned one to the next call.
func link(e *Entry, book [16]byte, prev [32]byte, buf []byte) (hash [32]byte, grown []byte) {
	facts := factsOf(e, book)
	return journal.Link(prev, &facts, buf)
}

func afterOf(a After) journal.After {
	return journal.After{Version: uint64(a.Version), Balance: pairOf(a.Balance), Held: pairOf(a.Held)}
}

func pairOf(a money.Amount) journal.Pair {
	hi, lo := a.Parts()
	return journal.Pair{Hi: hi, Lo: lo}
}
