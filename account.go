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

// UnmarshalText reads what String writes. Anything else is [ErrMalformed].
func (s *AccountState) UnmarshalText(text []byte) error {
	for _, known := range []AccountState{AccountOpen, AccountFrozen, AccountClosed} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return Errorf(CodeMalformed, "there is no state %q of an account", text)
}

// Account is an account as it is now.
type Account struct {
	Path     string         `json:"path"`
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
