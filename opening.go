package bursar

import (
	"encoding/json"

	"github.com/bursar-ledger/bursar/money"
)

// Opening asks for a new account. As JSON, min is the word none for an account without a minimum.
type Opening struct {
	// ID makes the opening idempotent. When zero it is made of the path, so that opening the same account with the
	// same settings twice is harmless and with other settings is [ErrAccountExists].
	ID ID
	// Path names the account, such as "players:alice": segments of letters, digits and . _ - @ + joined by colons,
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

// openingJSON is an Opening as JSON.
type openingJSON struct {
	ID       ID             `json:"id,omitzero"`
	Path     string         `json:"path"`
	Currency money.Currency `json:"currency"`
	Min      *minimum       `json:"min,omitempty"`
	Max      *money.Amount  `json:"max,omitempty"`
	Metadata Metadata       `json:"metadata,omitempty"`
}

// minimum is an amount, or the word none.
type minimum struct {
	none   bool
	amount money.Amount
}

const noMinimum = "none"

func (m minimum) MarshalText() ([]byte, error) {
	if m.none {
		return []byte(noMinimum), nil
	}
	return m.amount.MarshalText()
}

func (m *minimum) UnmarshalText(text []byte) error {
	if m.none = string(text) == noMinimum; m.none {
		return nil
	}
	return m.amount.UnmarshalText(text)
}

// MarshalJSON writes the opening with the names id, path, currency, min, max and metadata.
func (o Opening) MarshalJSON() ([]byte, error) {
	j := openingJSON{ID: o.ID, Path: o.Path, Currency: o.Currency, Max: o.Max, Metadata: o.Metadata}
	switch {
	case o.NoMin:
		j.Min = &minimum{none: true}
	case o.Min != nil:
		j.Min = &minimum{amount: *o.Min}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *Opening) UnmarshalJSON(text []byte) error {
	var j openingJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*o = Opening{ID: j.ID, Path: j.Path, Currency: j.Currency, Max: j.Max, Metadata: j.Metadata}
	if j.Min != nil && !j.Min.none {
		o.Min = &j.Min.amount
	}
	o.NoMin = j.Min != nil && j.Min.none
	return nil
}
