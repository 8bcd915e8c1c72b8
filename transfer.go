package bursar

import (
	"strconv"
	"time"

	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// Leg moves an amount from one account to another.
type Leg struct {
	From, To string
	Amount   money.Amount // positive, in the currency of both accounts
}

// Condition must hold right before a transfer's first leg, else the transfer is refused. Exactly one of AtLeast
// and Version is set.
type Condition struct {
	Account string
	AtLeast *money.Amount // available balance is at least this: else [ConditionFailed]
	Version *int64        // the account's version is exactly this: else [VersionChanged]
}

// Transfer is what a caller asks for: legs that happen all or not at all, in order, with limits holding after
// each.
type Transfer struct {
	ID         ID     // made for you when zero; then a lost answer cannot be asked for again
	Reference  string // optional, unique among the book's posted transfers
	Legs       []Leg  // 1 to 256
	Conditions []Condition
	// NotAfter refuses the transfer with [TooLate] when it is decided later than this; zero: no bound.
	NotAfter time.Time
	// Effective dates the transfer back; zero: its ledger time. Later than the time of the decision is
	// [EffectiveInFuture].
	Effective time.Time
	Metadata  Metadata
}

// Posted is the answer to a transfer or an opening that happened.
type Posted struct {
	ID ID `json:"id"`
	// Seq is the journal position of the request's last entry; a transfer of n legs has Seq-n+1 to Seq. It is 0 while
	// the entries are unsealed, which on SQLite they never are.
	Seq int64 `json:"seq,omitempty"`
	// At is the ledger time of that entry, 0 while unsealed.
	At Instant `json:"at,omitempty"`
	// Decided is the time that limits, expiry and conditions were judged by.
	Decided Instant `json:"decided"`
	// Replayed says that the id was known with the same content: this is the first result, nothing new happened.
	Replayed bool `json:"replayed"`
}

// EntryKind says what an entry records. The numbers are stored and in every hash.
type EntryKind uint8

// The kinds of entry.
const (
	EntryLeg  = EntryKind(journal.EntryLeg)
	EntryOpen = EntryKind(journal.EntryOpen)
)

// String is "transfer" or "open".
func (k EntryKind) String() string {
	switch k {
	case EntryLeg:
		return "transfer"
	case EntryOpen:
		return "open"
	default:
		return "kind " + strconv.Itoa(int(k))
	}
}

// MarshalText is String.
func (k EntryKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// After is an account right after an entry.
type After struct {
	Version int64        `json:"version"`
	Balance money.Amount `json:"balance"`
	Held    money.Amount `json:"held"`
}

// Entry is one leg or one act as the journal records it. From is empty for an act on an account; To is then that
// account.
type Entry struct {
	Seq         int64
	At          Instant
	Hash        [32]byte
	Kind        EntryKind
	Transfer    ID  // the transfer or act that it belongs to
	Leg         int // position of the leg in the transfer, from 0
	RequestHash [32]byte
	From, To    string
	Amount      money.Amount
	FromAfter   After
	ToAfter     After
	Effective   Instant // when Backdated
	Backdated   bool    // the transfer named an effective time; otherwise At is it
	Decided     Instant
}

// facts are the entry as its hash covers it.
func (e *Entry) facts(book [16]byte) journal.Entry {
	currency := e.Amount.Currency()
	return journal.Entry{
		Kind: journal.EntryKind(e.Kind), Book: book, Request: e.Transfer, Leg: uint16(e.Leg), RequestHash: e.RequestHash,
		From: e.From, To: e.To,
		Currency: currency.Code(), Scale: uint8(currency.Scale()), Amount: pairOf(e.Amount),
		FromAfter: e.FromAfter.facts(), ToAfter: e.ToAfter.facts(),
		Effective: int64(e.Effective), Backdated: e.Backdated,
		Decided: int64(e.Decided), Seq: uint64(e.Seq), At: int64(e.At),
	}
}

// Link is the hash that the entry must carry in the book with this UUID when prev is the hash before it. buf is
// scratch space; pass the returned one to the next call.
func (e *Entry) Link(book [16]byte, prev [32]byte, buf []byte) (hash [32]byte, grown []byte) {
	facts := e.facts(book)
	return journal.Link(prev, &facts, buf)
}

func (a After) facts() journal.After {
	return journal.After{Version: uint64(a.Version), Balance: pairOf(a.Balance), Held: pairOf(a.Held)}
}

func pairOf(a money.Amount) journal.Pair {
	hi, lo := a.Parts()
	return journal.Pair{Hi: hi, Lo: lo}
}
