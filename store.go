package bursar

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar/money"
)

// Store is where a ledger is kept. Package store/sqlite and its siblings make one; the suite in store/storetest
// says what it must do. It is safe for concurrent use.
//
// Errors come back as *Error: [Busy], [Conflict], [Unavailable] and [Canceled] mean that nothing was written,
// [OutcomeUnknown] that a commit's answer was lost.
type Store interface {
	// Schema reports the version of the schema in the database, 0 when there is none, and the one this program needs.
	Schema(ctx context.Context) (have, want int, err error)
	// Migrate brings the schema up to date, one database transaction a step. Doing it twice does nothing.
	Migrate(ctx context.Context) error
	// Book returns the book with fresh's name, creating it as fresh says when there is none.
	Book(ctx context.Context, fresh Book) (Book, error)
	// Write runs fn in one database transaction that may write, and commits it. fn may run more than once. When
	// retried is not nil it is told the engine's code of each error that made fn run again.
	Write(ctx context.Context, mode Mode, retried func(code string), fn func(context.Context, Tx) error) error
	// SealsLater reports whether the engine has many writers, so that entries are committed unsealed in every mode but
	// Queue and sealed afterwards. Otherwise every post seals its own.
	SealsLater() bool
	// Join makes a Tx of a database transaction that the caller began, after checking that it is a safe one.
	Join(ctx context.Context, tx CallerTx) (Tx, error)
	// Read runs fn over one consistent snapshot that covers everything committed.
	Read(ctx context.Context, fn func(context.Context, Reader) error) error
	// InTransaction reports whether ctx carries a database transaction that is open.
	InTransaction(ctx context.Context) bool
	// Close releases what the store opened itself.
	Close() error
}

// CallerTx is a database transaction that the caller began. A store's package makes one of what the application
// uses, such as sqlite.Tx(tx), and an *atomic.Tx is one as it is.
type CallerTx interface {
	// DatabaseTx is the value that runs statements.
	DatabaseTx() any
}

// Mode is how a database transaction of the store's own keeps others away from the accounts that it decides on. An engine
// with one writer has no need for any but Locks, and treats all alike.
type Mode uint8

const (
	// Locks locks the accounts as it reads them, and waits for whoever holds one. A CallerTx is joined in this mode.
	Locks Mode = iota
	// Swap reads without a lock and writes only if every account still has the version that was read; else all begins
	// again.
	Swap
	// Hybrid reads without a lock, locks before it writes, and compares versions then.
	Hybrid
	// Serializable leaves it to the engine's isolation level of that name.
	Serializable
	// Queue leaves accounts alone that others hold instead of waiting for them, and seals what it writes. Of the
	// database transactions in this mode one at a time works on a book, in the order in which they came.
	Queue
	// Sealing is for sealing alone: no account is read.
	Sealing
)

// ErrOvertaken means that another database transaction has just committed one of the ids, references or paths that a
// batch was to write. Nothing of the batch is written; Known sees now what is there.
var ErrOvertaken = errors.New("another database transaction has just written the same id, reference or path")

// Tx is the writing side of a store inside one database transaction. It is not safe for concurrent use.
//
// Locks are taken in one order by everybody: the turn of Queue, accounts by number, ids, references and paths, and
// the head last. Who holds the head waits for nothing.
type Tx interface {
	Reader
	// Gather locks the accounts that a batch names, as the mode says, and then reads what else a decision on it needs.
	Gather(ctx context.Context, book int64, w *Wanted) (*Gathered, error)
	// Keys reserves consecutive row keys for entries and consecutive numbers for accounts, and returns the first.
	Keys(ctx context.Context, entries, accounts int) (entry, account int64, err error)
	// Insert writes a batch: all of it or, with an error, nothing that may be committed. After ErrOvertaken a
	// CallerTx can go on.
	Insert(ctx context.Context, b *Batch) error
}

// Wanted is what the requests of a batch name. Nothing is named twice.
type Wanted struct {
	Paths      []string // of accounts
	IDs        []ID
	References []string
	// Await is the one of Paths whose account is locked before anything else, waiting for whoever holds it. It may be empty.
	Await string
}

// Gathered is what is known of it.
type Gathered struct {
	// Accounts are those that exist, by path. Others are kept from changing them until the end, as the mode says.
	Accounts map[string]*AccountRow
	// Held are the paths of accounts that others hold, in mode Queue.
	Held []string
	// Requests is what is remembered of the ids.
	Requests []RequestRecord
	// References are those that posted transfers have already.
	References []string
	Head       Head
}

// SealTx is what sealing needs of a Tx, on top. The Tx of every store is one.
type SealTx interface {
	// TakeHead writes the part of a batch that others may be writing too and for which it may have to wait, requests and
	// new accounts, so that Insert does not; then it locks the head, and then does what Unsealed does. b may be nil.
	// Without wait head is nil when someone else holds it.
	TakeHead(ctx context.Context, book int64, b *Batch, wait bool) (head *Head, unsealed []int64, err error)
	// Unsealed are the row keys of all committed entries that are not sealed, in order.
	Unsealed(ctx context.Context, book int64) ([]int64, error)
	// LockEntries returns unsealed entries by row key, in order. Those that it could lock without waiting are in locked.
	LockEntries(ctx context.Context, book int64, keys []int64) (entries []EntryRow, locked map[int64]bool, err error)
}

// Reader is the reading side of a store over one snapshot. It is not safe for concurrent use.
type Reader interface {
	// Head is the journal's last position, with the UUID of the book that it belongs to.
	Head(ctx context.Context, book int64) (Head, error)
	// Account is one account; nil when there is none.
	Account(ctx context.Context, book int64, path string) (*AccountRecord, error)
	// Accounts are those whose path begins with prefix and sorts after the path given, in order of path.
	Accounts(ctx context.Context, book int64, prefix, after string, limit int) ([]AccountRecord, error)
	// Request is what is remembered of an id with its entries in order; nil when there is nothing.
	Request(ctx context.Context, book int64, id ID) (*RequestRecord, []EntryRow, error)
	// Journal are the sealed entries after a position, in order.
	Journal(ctx context.Context, book, after int64, limit int) ([]EntryRow, error)
	// Back walks an account's entries backwards from the entry with this key, at most limit of them.
	Back(ctx context.Context, account, key int64, limit int) ([]EntryRow, error)
	// Mark is the key of an entry of the account from which walking back soon comes to the place asked for: the
	// first checkpoint whose position, or whose version when ByVersion, is at least n. 0 when there is none: then
	// the account's last entry is such a place.
	Mark(ctx context.Context, account int64, by MarkBy, n int64) (key int64, err error)
	// Backdated are the account's backdated entries with an effective time of at most effective and a position
	// after seq.
	Backdated(ctx context.Context, account int64, effective Instant, seq int64) ([]EntryRow, error)
}

// Auditor is what verify reads: every row as it is stored, page by page, over one snapshot. The Reader of a store
// that can be verified is one. A row that cannot be understood comes with a Fault instead of ending the page; an
// error means that the page could not be read at all.
//
// Pages are in rising order of what they are asked to come after. The smallest int64 begins with the first row.
type Auditor interface {
	// AuditBooks are all books of the database with their heads.
	AuditBooks(ctx context.Context) ([]AuditedBook, error)
	// AuditEntries are the sealed entries after a position and a row key, in that order.
	AuditEntries(ctx context.Context, book, seq, key int64, limit int) ([]AuditedEntry, error)
	// AuditUnsealed are the entries that are committed and not sealed after a row key, in that order.
	AuditUnsealed(ctx context.Context, book, key int64, limit int) ([]AuditedEntry, error)
	// AuditRequests are the requests after a row.
	AuditRequests(ctx context.Context, book, row int64, limit int) ([]AuditedRequest, error)
	// AuditRequestsOf are the requests with these ids, in any order.
	AuditRequestsOf(ctx context.Context, book int64, ids []ID) ([]AuditedRequest, error)
	// AuditAccounts are the accounts after a number.
	AuditAccounts(ctx context.Context, book, number int64, limit int) ([]AuditedAccount, error)
	// AuditStrays are kinds of row, in any book, that no page reaches or that point nowhere: all are faults.
	AuditStrays(ctx context.Context) ([]Stray, error)
	// AuditStorage is what the engine itself finds wrong with the ledger's tables and indexes.
	AuditStorage(ctx context.Context) ([]string, error)
	// AuditGuards are the triggers and indexes that keep what is written from being changed, and are not there.
	AuditGuards(ctx context.Context) ([]string, error)
}

// CheckpointEvery is how many entries of an account lie between two checkpoints of it.
const CheckpointEvery = checkpointEvery

// AuditedBook is a book with its head; Head is nil when there is none.
type AuditedBook struct {
	Book
	Head  *Head
	Fault error
}

// AuditedEntry is an entry with the number of rows that rightly point at it from beside the journal. With a Fault
// only Key and Seq are known.
type AuditedEntry struct {
	EntryRow
	Checkpoints int64
	Backdatings int64 // rows of the index of backdated entries
	Fault       error
}

// AuditedRequest is a request with its row key and the id that its last entry belongs to. With a Fault only Row is
// known.
type AuditedRequest struct {
	RequestRecord
	Row     int64
	EntryOf ID // zero when there is no such entry
	Fault   error
}

// AuditedAccount is an account with the available balance as it is stored. With a Fault only Number is known.
type AuditedAccount struct {
	AccountRecord
	Stored money.Amount // available
	Fault  error
}

// Stray is a kind of row that should not exist, and how many there are.
type Stray struct {
	What string
	Rows int64
}

// MarkBy says what Reader.Mark compares.
type MarkBy uint8

// What Reader.Mark compares.
const (
	MarkSeq MarkBy = iota
	MarkVersion
)

// Book is one ledger among several in a database.
type Book struct {
	Number  int64  // inside the database; given by the store
	Name    string // what Options.Book says
	UUID    [16]byte
	Genesis [32]byte // the hash that the first entry builds on
}

// owns says whether a head that was read under the book's number is the book's.
func (b *Book) owns(head *Head) error {
	if head.Book != b.UUID {
		return Errorf(UnsafeTransaction, "this database keeps another book than the ledger's: use a transaction of the ledger's own database")
	}
	return nil
}

// Head is the journal's last position, with its time and hash.
type Head struct {
	Seq  int64    `json:"seq"`
	At   Instant  `json:"at"`
	Hash [32]byte `json:"-"`
	Book [16]byte `json:"-"` // UUID of the book that the database has under this number
}

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
	State     AccountState
	Version   int64
	Locked    int64 // the version when it was locked, which guards the write
	Balance   money.Amount
	Held      money.Amount
	Min, Max  Limit
	Decided   Instant // the latest time that an entry of it was decided at
	LastEntry int64   // row key
}

// Available is the balance minus what is held.
func (a *AccountRow) Available() (money.Amount, error) {
	available, err := a.Balance.Sub(a.Held)
	if err != nil {
		return money.Amount{}, outOfRange(err, a)
	}
	return available, nil
}

// AccountRecord is an account with what only readers want.
type AccountRecord struct {
	AccountRow
	Opened   Instant
	Metadata string // canonical JSON, empty when there is none
}

// EntryRow is an entry with its place in the database.
type EntryRow struct {
	Entry
	Key                    int64 // row key: fixed at the insert, means no order
	FromAccount, ToAccount int64
	FromPrev, ToPrev       int64 // row key of each account's previous entry, 0 for the first
}

// RequestRecord is what is remembered of an id.
type RequestRecord struct {
	ID        ID
	Content   []byte // canonical bytes
	Decided   Instant
	LastEntry int64 // row key of the request's last entry, 0 when refused
	Seq       int64 // of that entry, 0 while unsealed
	At        Instant
	Refusal   *Error // when it was refused
	Reference string
	Metadata  string // canonical JSON, empty when there is none
}

// Checkpoint is a sparse index entry into an account's history.
type Checkpoint struct{ Account, Version, Seq, Key int64 }

// Batch is what one decision, or many decided together, write.
type Batch struct {
	Book        int64
	Requests    []RequestRecord
	Opened      []AccountRecord // new accounts; their state after the batch is here, not in Changed
	Changed     []*AccountRow   // known accounts, guarded by Locked
	Relied      []*AccountRow   // known accounts that were decided on and did not change, guarded likewise
	Sealed      []EntryRow      // entries of others that get their place in the journal
	Entries     []EntryRow      // in the order of the decision; sealed if they have a Seq
	Checkpoints []Checkpoint
	From, To    Head // the head this builds on, and the one it leaves; alike when nothing is sealed
	Claimed     bool // Claim has written its part
}
