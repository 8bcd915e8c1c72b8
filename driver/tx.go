package driver

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar"
)

// ErrOvertaken means that another database transaction has just committed one of the ids, references or paths that a
// batch was to write. Nothing of the batch is written, and Gather now finds what is there.
var ErrOvertaken = errors.New("another database transaction has just written the same id, reference or path")

// Tx is the writing side of a store inside one database transaction. It is not safe for concurrent use.
//
// Everybody takes locks in one order: the turn of ModeQueue; accounts by number; ids, references and paths; the head
// last. Who has locked the head writes entries, and with them takes ids: it waits for nothing but the end of a database
// transaction that has just taken one of these ids and is open.
//
// A batch is written in one of two ways. Insert writes all of it: unsealed, or sealed on an engine with one writer.
// Claim and InsertClaimed write it in two parts, with the head locked in between, so that it can be sealed after what
// others have left unsealed.
type Tx interface {
	Reader
	// Gather locks the accounts that a batch names, as the mode says, and then reads what else a decision needs.
	Gather(ctx context.Context, book int64, w *Wanted) (*Gathered, error)
	// Keys reserves consecutive row keys for entries and consecutive numbers for accounts, and returns the first. Where
	// every post seals its own, the keys are those of the next positions of the book.
	Keys(ctx context.Context, book int64, entries, accounts int) (entry, account int64, err error)
	// Insert writes a batch. With an error nothing of it may be committed; after ErrOvertaken a CallerTx can go on.
	Insert(ctx context.Context, b *Batch) error
	// Claim writes the part of a batch that others may be writing too: requests and new accounts. It waits for them.
	// What an entry alone says takes its id with the entry, in InsertClaimed. Then it locks the head, and reads what
	// Unsealed reads.
	Claim(ctx context.Context, b *Batch) (Taken, error)
	// InsertClaimed writes the rest of a batch that was claimed. Its errors are those of Insert.
	InsertClaimed(ctx context.Context, b *Batch) error
	// TakeHead locks the head and reads what Unsealed reads. Where somebody else has locked it, TakeHead waits, or
	// without wait returns nil.
	TakeHead(ctx context.Context, book int64, wait bool) (*Taken, error)
	// Unsealed are the row keys of all committed entries that are not sealed, in order.
	Unsealed(ctx context.Context, book int64) ([]int64, error)
	// LockEntries returns unsealed entries by row key, in order. locked has those that it could lock without waiting.
	LockEntries(ctx context.Context, book int64, keys []int64) (entries []EntryRow, locked map[int64]bool, err error)
}

// Wanted is what the requests of a batch name. It names nothing twice.
type Wanted struct {
	Paths      []string // of accounts
	IDs        []bursar.ID
	References []string
	// Await is the one of Paths whose account is locked first, before anything else. Gather waits for it in every
	// mode. Empty: none.
	Await string
	// Hold says that the accounts must stay as they are until the end even if nothing of them is written afterwards. In a
	// batch the same is said by Relied.
	Hold bool
}

// Gathered is what the store found for a Wanted.
type Gathered struct {
	// Accounts are those that exist, by path. Nobody else changes them until the end, as the mode says.
	Accounts map[string]*AccountRow
	// Rows are the same accounts by the index of their paths in Wanted.Paths, nil where there is none. A store that has
	// them at hand that way sets Rows, and need not set Accounts. Others leave it nil. The ledger writes to the slice.
	Rows []*AccountRow
	// Blocked are the paths of accounts that somebody else has locked, in ModeQueue.
	Blocked []string
	// Requests is what is remembered of the ids.
	Requests []RequestRecord
	// References are those that posted transfers have already.
	References []string
	Head       bursar.Head
	// Now is the time by the database's own clock, read after the locks were taken; 0 where it has none that serves.
	Now bursar.Instant
}

// Taken is the head, once it is locked.
type Taken struct {
	Head     bursar.Head
	Now      bursar.Instant // by the database's own clock, read after the lock was taken; 0 where it has none that serves
	Unsealed []int64        // the row keys of all committed entries that are not sealed, in order
}
