package bursar

import (
	"github.com/bursar-ledger/bursar/money"
)

// AccountState says whether an account takes part in transfers.
type AccountState uint8

// The states of an account. The numbers are stored.
const (
	AccountOpen   AccountState = 0
	AccountFrozen AccountState = 1
	AccountClosed AccountState = 2
)

// String is "open", "frozen" or "closed".
func (s AccountState) String() string {
	switch s {
	case AccountFrozen:
		return "frozen"
	case AccountClosed:
		return "closed"
	default:
		return "open"
	}
}

// MarshalText is String.
func (s AccountState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Opening asks for a new account.
type Opening struct {
	// ID makes the opening idempotent. When zero it is made of the path, so that opening the same account with the
	// same settings twice is harmless and with other settings is [ErrAccountExists].
	ID ID
	// Account is the path, such as "players:alice": segments of letters, digits and . _ - @ + joined by colons,
	// at most 255 bytes, compared byte by byte.
	Path string
	// Currency is the one currency of the account, for ever.
	Currency money.Currency
	// Min is the least that the available balance may be: zero when nil, negative for a credit line.
	Min *money.Amount
	// NoMin lifts the minimum, for accounts that stand for the outside world. Min must then be nil.
	NoMin bool
	// Max is the most that the balance may be; nil for no maximum.
	Max *money.Amount
	// Metadata is kept with the account.
	Metadata Metadata
}

// Account is an account as it is now.
type Account struct {
	Path     string         `json:"id"`
	Currency money.Currency `json:"currency"`
	State    AccountState   `json:"state"`
	Min      *money.Amount  `json:"min"` // nil: none
	Max      *money.Amount  `json:"max"` // nil: none
	// Version counts the account's entries. It rises by one with each.
	Version   int64        `json:"version"`
	Balance   money.Amount `json:"balance"`   // received minus sent
	Held      money.Amount `json:"held"`      // reserved by holds
	Available money.Amount `json:"available"` // balance minus held
	Opened    Instant      `json:"opened"`    // when the opening was decided
	Metadata  Metadata     `json:"metadata,omitempty"`
}

// Metadata is a bounded map of strings: at most 32 pairs, keys of 1 to 64 bytes, values of at most 512, valid
// UTF-8 without NUL. It is part of a request's content, so other metadata under the same id is [ErrIDReused].
type Metadata map[string]string
