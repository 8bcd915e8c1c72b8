package bursar

import (
	"strconv"
	"time"

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
	Path    string
	AtLeast *money.Amount // available balance is at least this: else [ErrConditionFailed]
	Version *int64        // the account's version is exactly this: else [ErrVersionChanged]
}

// Transfer is what a caller asks for: legs that happen all or not at all, in order, with limits holding after
// each.
type Transfer struct {
	ID         ID     // made for you when zero; then a lost answer cannot be asked for again
	Reference  string // optional, unique among the book's posted transfers
	Legs       []Leg  // 1 to 256
	Conditions []Condition
	// NotAfter refuses the transfer with [ErrTooLate] when it is decided later than this; zero: no bound.
	NotAfter time.Time
	// Effective dates the transfer back; zero: its ledger time. Later than the time of the decision is
	// [ErrEffectiveInFuture].
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
	EntryLeg  EntryKind = 1
	EntryOpen EntryKind = 2
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
