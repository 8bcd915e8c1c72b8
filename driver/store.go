package driver

import (
	"context"
	"errors"
	"github.com/bursar-ledger/bursar"
)

// Store is where a ledger is kept. Package store/sqlite and its siblings make one; the suite in store/storetest
// says what it must do. It is safe for concurrent use.
//
// Errors come back as *Error: [bursar.ErrBusy], [bursar.ErrConflict], [bursar.ErrUnavailable] and [bursar.ErrCanceled] mean that nothing was written,
// [bursar.ErrOutcomeUnknown] that a commit's answer was lost.
type Store interface {
	// Schema reports the version of the schema in the database, 0 when there is none, and the one this program needs.
	Schema(ctx context.Context) (have, want int, err error)
	// Migrate brings the schema up to date, one database transaction a step. Doing it twice does nothing.
	Migrate(ctx context.Context) error
	// Book returns the book with fresh's name, creating it as fresh says when there is none.
	Book(ctx context.Context, fresh bursar.Book) (bursar.Book, error)
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
	ModeLocks Mode = iota
	// Swap reads without a lock and writes only if every account still has the version that was read; else all begins
	// again.
	ModeSwap
	// Hybrid reads without a lock, locks before it writes, and compares versions then.
	ModeHybrid
	// Serializable leaves it to the engine's isolation level of that name.
	ModeSerializable
	// Queue leaves accounts alone that others hold instead of waiting for them, and seals what it writes. Of the
	// database transactions in this mode one at a time works on a book, in the order in which they came.
	ModeQueue
	// Sealing is for sealing alone: no account is read.
	ModeSealing
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
	IDs        []bursar.ID
	References []string
	// Await is the one of Paths whose account is locked before anything else, waiting for whoever holds it. It may be empty.
	Await string
}

// Gathered is what is known of it.
type Gathered struct {
	// Accounts are those that exist, by path. Others are kept from changing them until the end, as the mode says.
	Accounts map[string]*AccountRow
	// Held are the paths of accounts that others hold, in mode Queue.
	Blocked []string
	// Requests is what is remembered of the ids.
	Requests []RequestRecord
	// References are those that posted transfers have already.
	References []string
	Head       bursar.Head
}

// SealTx is what sealing needs of a Tx, on top. The Tx of every store is one.
type SealTx interface {
	// TakeHead writes the part of a batch that others may be writing too and for which it may have to wait, requests and
	// new accounts, so that Insert does not; then it locks the head, and then does what Unsealed does. b may be nil.
	// Without wait head is nil when someone else holds it.
	TakeHead(ctx context.Context, book int64, b *Batch, wait bool) (head *bursar.Head, unsealed []int64, err error)
	// Unsealed are the row keys of all committed entries that are not sealed, in order.
	Unsealed(ctx context.Context, book int64) ([]int64, error)
	// LockEntries returns unsealed entries by row key, in order. Those that it could lock without waiting are in locked.
	LockEntries(ctx context.Context, book int64, keys []int64) (entries []EntryRow, locked map[int64]bool, err error)
}
