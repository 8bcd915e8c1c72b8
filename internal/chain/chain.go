// Package chain says what the journal's bytes say of the ledger's words: the facts of an entry and its hash, an
// amount as the pair that is hashed, metadata as it is stored.
//
// [Link] is the name to know. The bytes themselves are those of package journal; docs/journal.md specifies them.
package chain

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// factsOf is the entry as its hash covers it.
func factsOf(e *bursar.Entry, book [16]byte) journal.Entry {
	currency := e.Amount.Currency()
	return journal.Entry{
		Kind: journal.EntryKind(e.Kind), Book: book, Request: e.Transfer, Leg: uint16(e.Leg), RequestHash: e.RequestHash,
		From: e.From, To: e.To,
		Currency: currency.Code(), Scale: uint8(currency.Scale()), Amount: Pair(e.Amount),
		FromAfter: afterOf(e.FromAfter), ToAfter: afterOf(e.ToAfter),
		Effective: int64(e.Effective), Backdated: e.Backdated,
		Decided: int64(e.Decided), Seq: uint64(e.Seq), At: int64(e.At),
	}
}

// Link is the hash that the entry must carry in the book with this UUID when prev is the hash before it. buf is
// scratch space; pass the returned one to the next call.
func Link(e *bursar.Entry, book [16]byte, prev [32]byte, buf []byte) (hash [32]byte, grown []byte) {
	facts := factsOf(e, book)
	return journal.Link(prev, &facts, buf)
}

// Request is the transfer that an entry alone can say: one leg, at most with an effective time. It reads paths, amount
// and effective time, which nothing changes later. e is a leg. The request's one leg is appended to room.
func Request(e *bursar.Entry, room []journal.Leg) journal.Request {
	currency := e.Amount.Currency()
	q := journal.Request{Kind: journal.RequestTransfer, Legs: append(room, journal.Leg{
		From: e.From, To: e.To, Currency: currency.Code(), Scale: uint8(currency.Scale()), Amount: Pair(e.Amount),
	})}
	if e.Backdated {
		q.Effective, q.HasEffective = int64(e.Effective), true
	}
	return q
}

// Content appends the canonical bytes of [Request]. A transfer that has these bytes is stored without a row of its own,
// and Content is then what was asked for.
func Content(dst []byte, e *bursar.Entry) []byte {
	var room [1]journal.Leg
	q := Request(e, room[:0])
	return journal.AppendRequest(dst, &q)
}

// Refusal is the hash that is remembered with a refused request of the book with this UUID. content is its canonical
// bytes.
func Refusal(book [16]byte, id bursar.ID, content []byte, decided bursar.Instant, refusal *bursar.Error) [32]byte {
	return journal.HashRefusal(&journal.Refusal{
		Book: book, Request: id, RequestHash: journal.Hash(content), Decided: int64(decided),
		Code: string(refusal.Code), Field: refusal.Field, Message: refusal.Message,
	})
}

func afterOf(a bursar.After) journal.After {
	return journal.After{Version: uint64(a.Version), Balance: Pair(a.Balance), Held: Pair(a.Held)}
}

// Pair is an amount as it is hashed.
func Pair(a money.Amount) journal.Pair {
	hi, lo := a.Parts()
	return journal.Pair{Hi: hi, Lo: lo}
}

// MetadataText is the canonical JSON of sorted tags: an object without spaces, keys in byte order.
func MetadataText(tags []journal.Tag) string {
	if len(tags) == 0 {
		return ""
	}
	m := make(map[string]string, len(tags))
	for _, tag := range tags {
		m[tag.Key] = tag.Value
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // sorts keys
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		panic(fmt.Sprintf("bursar: a map of strings does not encode: %v", err))
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
