package bursar

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/bursar-ledger/bursar/money"
)

// Entry is one leg or one act as the journal records it. From is empty for an act on an account; To is then that
// account.
//
// As JSON its fields stand side by side: from_version, from_balance and from_held are FromAfter, and are left out for
// an act. effective is always there: it is At unless the transfer was dated back.
type Entry struct {
	Seq         int64
	At          Instant
	Hash        Hash
	Kind        EntryKind
	Transfer    ID  // the transfer or act that it belongs to
	Leg         int // position of the leg in the transfer, from 0
	RequestHash Hash
	From, To    string
	Amount      money.Amount
	FromAfter   After
	ToAfter     After
	Effective   Instant // when Backdated
	Backdated   bool    // the transfer named an effective time; otherwise At is it
	Decided     Instant
	// Reference and Metadata are those of the transfer; for an opening, the metadata of the account. All legs of a
	// transfer share one Metadata. No hash covers them but RequestHash.
	Reference string
	Metadata  Metadata
}

// After is an account right after an entry.
type After struct {
	Version int64
	Balance money.Amount
	Held    money.Amount
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

// UnmarshalText reads what String writes. Anything else is [ErrMalformed].
func (k *EntryKind) UnmarshalText(text []byte) error {
	for _, known := range []EntryKind{EntryLeg, EntryOpen} {
		if known.String() == string(text) {
			*k = known
			return nil
		}
	}
	return Errorf(CodeMalformed, "there is no entry of the kind %q", text)
}

// Hash is a SHA-256 of the journal.
type Hash [32]byte

// String is the hash as 64 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hexadecimal digits. Anything else is [ErrMalformed].
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return Errorf(CodeMalformed, "a hash has %d hexadecimal digits, not %d characters", 2*len(h), len(text))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return Errorf(CodeMalformed, "a hash has other characters than hexadecimal digits")
	}
	return nil
}

// entryJSON is an Entry as JSON.
type entryJSON struct {
	Seq         int64         `json:"seq"`
	At          Instant       `json:"at"`
	Hash        Hash          `json:"hash"`
	Kind        EntryKind     `json:"kind"`
	Transfer    ID            `json:"transfer"`
	Leg         int           `json:"leg"`
	RequestHash Hash          `json:"request_hash"`
	From        string        `json:"from,omitempty"`
	To          string        `json:"to"`
	Amount      money.Amount  `json:"amount"`
	FromVersion int64         `json:"from_version,omitempty"`
	FromBalance *money.Amount `json:"from_balance,omitempty"`
	FromHeld    *money.Amount `json:"from_held,omitempty"`
	ToVersion   int64         `json:"to_version"`
	ToBalance   money.Amount  `json:"to_balance"`
	ToHeld      money.Amount  `json:"to_held"`
	Effective   Instant       `json:"effective"`
	Backdated   bool          `json:"backdated,omitempty"`
	Decided     Instant       `json:"decided"`
	Reference   string        `json:"reference,omitempty"`
	Metadata    Metadata      `json:"metadata,omitempty"`
}

// MarshalJSON writes the entry as the type's comment says.
func (e Entry) MarshalJSON() ([]byte, error) {
	j := entryJSON{
		Seq: e.Seq, At: e.At, Hash: e.Hash, Kind: e.Kind, Transfer: e.Transfer, Leg: e.Leg, RequestHash: e.RequestHash,
		From: e.From, To: e.To, Amount: e.Amount,
		ToVersion: e.ToAfter.Version, ToBalance: e.ToAfter.Balance, ToHeld: e.ToAfter.Held,
		Effective: e.At, Backdated: e.Backdated, Decided: e.Decided,
		Reference: e.Reference, Metadata: e.Metadata,
	}
	if e.From != "" {
		j.FromVersion, j.FromBalance, j.FromHeld = e.FromAfter.Version, &e.FromAfter.Balance, &e.FromAfter.Held
	}
	if e.Backdated {
		j.Effective = e.Effective
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var j entryJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*e = Entry{
		Seq: j.Seq, At: j.At, Hash: j.Hash, Kind: j.Kind, Transfer: j.Transfer, Leg: j.Leg, RequestHash: j.RequestHash,
		From: j.From, To: j.To, Amount: j.Amount,
		ToAfter:   After{Version: j.ToVersion, Balance: j.ToBalance, Held: j.ToHeld},
		Backdated: j.Backdated, Decided: j.Decided,
		Reference: j.Reference, Metadata: j.Metadata,
	}
	if j.FromBalance != nil && j.FromHeld != nil {
		e.FromAfter = After{Version: j.FromVersion, Balance: *j.FromBalance, Held: *j.FromHeld}
	}
	if j.Backdated {
		e.Effective = j.Effective
	}
	return nil
}
