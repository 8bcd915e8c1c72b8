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
//
// A time never parts the legs of a transfer: a transfer has happened when its last leg has. A position may.
type AsOf struct {
	Seq       int64     // after the entry at this position
	At        time.Time // after all transfers whose last entry has a ledger time of at most this
	Effective time.Time // counting the transfers with an effective time of at most this, whenever they were posted
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

// StatementQuery selects a page of an account's history. The zero value is the latest page of all of it.
//
// From and To are ledger times; what counts is the time of a transfer's last entry, which is that of its [Posted]. So
// each transfer is in exactly one month, in the same one for all its accounts, and months from one first day to the
// next leave out nothing. Zero is no bound. A From later than To is [ErrMalformed].
//
// A bound that is past by the ledger's clock is final: what the journal does not have by then will be later. So a past
// To leaves out what is not sealed yet, and a past From never does. A To that is not past leaves out nothing, and
// before a From that is not past lies everything.
type StatementQuery struct {
	From time.Time // what happened at this time or later
	To   time.Time // what happened before this time
	// After continues after the line with this Version, in the direction asked: [Statement.Next] of the page before. 0
	// begins with the latest line, or with Forward with the first.
	After   int64
	Forward bool // the first line first; otherwise the latest
	// Limit is how many lines the page has at most, up to PageMax. A page whose lines have more than PageMax legs
	// together ends earlier, but never inside a transfer.
	Limit int
}

// Statement is a page of an account's history, with the balances around all of what was asked for. All of it is of one
// snapshot: Opening and the amounts of the lines of all pages add up to Closing.
type Statement struct {
	Path     string         `json:"path"`
	Currency money.Currency `json:"currency"`
	// Opening is the balance right before From, zero when that is open. It is the Balance as of From less a nanosecond.
	Opening money.Amount `json:"opening"`
	// Closing is the balance right before To, or now.
	Closing money.Amount    `json:"closing"`
	Lines   []StatementLine `json:"lines"`
	Next    int64           `json:"next,omitempty"` // After of the next page; 0 on the last page
	Seq     int64           `json:"seq"`            // the journal position that Closing covers, besides what is unsealed
}

// StatementLine is one transfer, or the opening, as one of its accounts sees it.
type StatementLine struct {
	// Seq and At are those of the request's last entry, as its [Posted] has them. They are 0 while it is not sealed.
	Seq       int64     `json:"seq,omitempty"`
	At        Instant   `json:"at,omitempty"`
	Effective Instant   `json:"effective,omitempty"` // At, unless the transfer was backdated
	Decided   Instant   `json:"decided"`
	Kind      EntryKind `json:"kind"`
	Transfer  ID        `json:"transfer"`
	Reference string    `json:"reference,omitempty"`
	Metadata  Metadata  `json:"metadata,omitempty"`
	Other     string    `json:"other,omitempty"` // the account on the other side, when it is one for all legs
	// Amount is what all legs together changed: positive when received, negative when sent.
	Amount  money.Amount   `json:"amount"`
	Balance money.Amount   `json:"balance"` // after the last leg
	Version int64          `json:"version"` // of the account after the last leg
	Legs    []StatementLeg `json:"legs"`    // those on this account, in order; of an opening, itself
}

// StatementLeg is one leg as one of its accounts sees it.
type StatementLeg struct {
	Leg     int          `json:"leg"`             // position in the transfer, from 0
	Seq     int64        `json:"seq,omitempty"`   // 0 while it is not sealed
	Other   string       `json:"other,omitempty"` // the account on the other side
	Amount  money.Amount `json:"amount"`          // positive when received, negative when sent
	Balance money.Amount `json:"balance"`         // after it
}

// CurrencyTotal is the sum of many balances in one currency: a row of the trial balance.
type CurrencyTotal struct {
	Currency money.Currency `json:"currency"`
	Accounts int64          `json:"accounts"`
	Positive money.Amount   `json:"positive"` // sum of the balances above zero
	Negative money.Amount   `json:"negative"` // sum of those below
	Sum      money.Amount   `json:"sum"`      // zero over all accounts
}
