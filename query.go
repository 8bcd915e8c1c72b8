package bursar

import (
	"time"

	"github.com/bursar-ledger/bursar/money"
)

// PageMax is the most items that one page of any listing holds. A limit of 0 means PageMax. One below 0 or above
// PageMax is refused with [ErrMalformed] and the field "limit".
const PageMax = 1_000

// AccountQuery selects accounts. The zero value is all of them, a page at a time.
type AccountQuery struct {
	Prefix string // paths that begin with it: "users:1" also selects users:10, "users:1:" does not
	After  string // paths that sort after it: the last one of the page before
	Limit  int    // at most this many, up to PageMax
}

// AsOf is a point in the past; at most one field is set. The zero value is now.
type AsOf struct {
	Seq       int64     // after the entry at this position
	At        time.Time // after all entries with a ledger time of at most this
	Effective time.Time // counting the entries with an effective time of at most this, whenever they were posted
}

// Balance is an account's money at a point.
type Balance struct {
	Path      string       `json:"path"`
	Version   int64        `json:"version"` // of the account at that point; 0 before its first entry
	Balance   money.Amount `json:"balance"`
	Held      money.Amount `json:"held"`
	Available money.Amount `json:"available"`
	Seq       int64        `json:"seq"` // the journal position that the answer covers
}

// StatementQuery selects a page of an account's history.
type StatementQuery struct {
	// Before asks for entries with an account version below it: the Version of the last line of the page before.
	// 0 begins with the latest.
	Before int64
	Limit  int // at most this many, up to PageMax
}

// StatementLine is one entry as one of its accounts sees it.
type StatementLine struct {
	Seq       int64        `json:"seq"`
	At        Instant      `json:"at"`
	Effective Instant      `json:"effective"` // At, unless the transfer was backdated
	Kind      EntryKind    `json:"kind"`
	Transfer  ID           `json:"transfer"`
	Other     string       `json:"other,omitempty"` // the account on the other side
	Amount    money.Amount `json:"amount"`          // positive when received, negative when sent
	Balance   money.Amount `json:"balance"`         // after the entry
	Version   int64        `json:"version"`         // of the account after the entry
}

// CurrencyTotal is one row of the trial balance.
type CurrencyTotal struct {
	Currency money.Currency `json:"currency"`
	Accounts int64          `json:"accounts"`
	Positive money.Amount   `json:"positive"` // sum of the balances above zero
	Negative money.Amount   `json:"negative"` // sum of those below
	Sum      money.Amount   `json:"sum"`      // zero, always
}
