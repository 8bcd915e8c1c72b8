package bursar

import (
	"time"

	"github.com/bursar-ledger/bursar/money"
)

// Transfer is what a caller asks for: legs that happen all or not at all, in order, with limits holding after
// each.
type Transfer struct {
	// ID makes the transfer idempotent. It is made for you when zero; then a lost answer cannot be asked for again.
	ID         ID          `json:"id,omitzero"`
	Reference  string      `json:"reference,omitempty"` // optional, unique among the book's posted transfers
	Legs       []Leg       `json:"legs"`                // 1 to LegsMax
	Conditions []Condition `json:"conditions,omitempty"`
	// NotAfter refuses the transfer with [ErrTooLate] when it is decided later than this; zero: no bound.
	NotAfter time.Time `json:"not_after,omitzero"`
	// Effective dates the transfer back; zero: its ledger time. Later than the time of the decision is
	// [ErrEffectiveInFuture].
	Effective time.Time `json:"effective,omitzero"`
	Metadata  Metadata  `json:"metadata,omitempty"`
}

// Leg moves an amount from one account to another.
type Leg struct {
	From   string       `json:"from"`
	To     string       `json:"to"`
	Amount money.Amount `json:"amount"` // positive, in the currency of both accounts
}

// Condition must hold right before a transfer's first leg, else the transfer is refused. Exactly one of AtLeast and
// Version is set.
type Condition struct {
	Path string `json:"path"` // of the account
	// AtLeast is the least that the account must have available: else [ErrConditionFailed].
	AtLeast *money.Amount `json:"at_least,omitempty"`
	// Version is exactly the version that the account must have: else [ErrVersionChanged].
	Version *int64 `json:"version,omitempty"`
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

// Result is the outcome of one transfer of a batch. It has either a Posted or an error.
type Result struct {
	Posted Posted
	Err    error
}

// TransferRecord is what the ledger remembers of an id.
type TransferRecord struct {
	ID        ID        `json:"id"`
	Kind      EntryKind `json:"kind"` // of its entries; EntryLeg when it was refused
	Reference string    `json:"reference,omitempty"`
	Metadata  Metadata  `json:"metadata,omitempty"`
	Decided   Instant   `json:"decided"`
	Refusal   *Error    `json:"refusal,omitempty"` // why it was refused; nil when it was posted
	Entries   []Entry   `json:"entries"`           // in order; none when it was refused
}
