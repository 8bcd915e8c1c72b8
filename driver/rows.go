package driver

import (
	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// CheckpointEvery is how many entries of an account lie between two checkpoints of it. More makes "as of" slower, fewer
// makes the table larger.
const CheckpointEvery = 64

// Limit is an optional bound.
type Limit struct {
	Set    bool
	Amount money.Amount
}

// AccountRow is what a decision needs to know of an account, and what it changes.
type AccountRow struct {
	Number    int64 // inside the database
	Path      string
	Currency  money.Currency
	State     bursar.AccountState
	Version   int64
	Locked    int64 // the version when it was locked, which guards the write
	Balance   money.Amount
	Held      money.Amount
	Min, Max  Limit
	Decided   bursar.Instant // the latest time that an entry of it was decided at
	LastEntry int64          // row key
}

// Available is the balance minus what is held. Its error is of package money.
func (a *AccountRow) Available() (money.Amount, error) { return a.Balance.Sub(a.Held) }

// AccountRecord is an account with what only readers want.
type AccountRecord struct {
	AccountRow
	Opened   bursar.Instant
	Metadata string // canonical JSON, empty when there is none
}

// EntryRow is an entry with its place in the database. RequestHash comes from where the request is known, so it is zero
// where a method says so.
type EntryRow struct {
	bursar.Entry
	Key                    int64 // row key: fixed at the insert, means no order
	FromAccount, ToAccount int64
	FromPrev, ToPrev       int64 // row key of each account's previous entry, 0 for the first
	Notes                  Notes // only where a method of Reader says so; Reference and Metadata of Entry are never set
}

// Notes are what is remembered of an entry's request besides its legs.
type Notes struct {
	LastEntry int64 // row key of the request's last entry; 0 when what was asked for is missing
	Reference string
	Metadata  string         // canonical JSON, empty when there is none
	Seq       int64          // of the last entry, 0 while it is unsealed; only Reader.History has it
	At        bursar.Instant // likewise
}

// RequestRecord is what is remembered of an id. A transfer that its only entry says whole has no row of its own: then
// all of this comes from the entry.
type RequestRecord struct {
	ID        bursar.ID
	Content   []byte // canonical bytes
	Decided   bursar.Instant
	LastEntry int64 // row key of the request's last entry, 0 when refused
	Seq       int64 // of that entry, 0 while unsealed
	At        bursar.Instant
	Refusal   *bursar.Error // when it was refused
	Reference string
	Metadata  string // canonical JSON, empty when there is none
	// RefusalHash is over all that is remembered of a refusal, which no entry repeats. It is zero when posted.
	RefusalHash [32]byte
}

// Checkpoint is a sparse index entry into an account's history.
type Checkpoint struct{ Account, Version, Seq, Key int64 }

// Batch is what one decision, or many decided together, write.
//
// Its memory, and that of a Wanted, is used for others once Write has returned, or Insert in the database transaction
// of a caller. So a store copies what it keeps for longer. Texts need no copy.
type Batch struct {
	Book        int64
	Requests    []RequestRecord // all but those that their only entry says whole
	Opened      []AccountRecord // new accounts; their state after the batch is here, not in Changed
	Changed     []*AccountRow   // known accounts, guarded by Locked
	Relied      []*AccountRow   // known accounts that were decided on and did not change, guarded likewise
	Sealed      []EntryRow      // entries of others that get their place in the journal
	Entries     []EntryRow      // in the order of the decision; sealed if they have a Seq. Each takes its id
	Checkpoints []Checkpoint
	From, To    bursar.Head // the head this builds on, and the one it leaves; alike when nothing is sealed
}
