package sqlstore

import "github.com/bursar-ledger/bursar/driver"

// Capabilities say by name what an engine can do and does. The zero value is an engine with one writer at a time.
type Capabilities struct {
	// ManyWriters says that several database transactions write at the same time, each locking single rows. Entries
	// are then committed unsealed. Without it, a database transaction that writes has locked the whole database:
	// reading is locking, and every entry is sealed as it is written.
	ManyWriters bool
	// NoWait says that TryAccounts, TryHead and TryEntries fail where somebody else has locked a row, with an error that
	// is a conflict and leaves the database transaction open. Without it they leave out such rows.
	NoWait bool
	// SharedLocks says that SERIALIZABLE locks, shared, all that is read. Two database transactions that have read one
	// account and both want to write it could then only deadlock. So that mode reads accounts with LockAccounts.
	SharedLocks bool
	// HiddenLevel says that the isolation level of a caller's database transaction cannot be asked for. SeenVersions
	// then looks at what the database transaction sees.
	HiddenLevel bool
	// LocalLocks says that a lock of a row binds one node of a cluster only, and that among nodes what is written decides
	// who is too late. An account that must stay as it is is then written with Touch and Untouch.
	LocalLocks bool
	// KeyBlocks says that NextKeys reserves a block of Limits.Keys keys, which the store hands out. It makes nobody
	// wait for the end of the database transaction. Without it, the keys of entries are their places, see [Place], and
	// NextKeys is asked each time for the last place and the next account number.
	KeyBlocks bool
	// TakesKeys says that TakeKeys makes the block which NextKeys then reads. Without it, one statement does both.
	TakesKeys bool
	// KeepsTexts says that connections keep the statements that they have prepared, so that few texts are better than
	// few statements. Without it, the text of a statement is used once.
	KeepsTexts bool
	// Remembers says that FileVersion tells a connection whether others have written, so that a store may remember what it
	// has written over a [Private] one.
	Remembers bool
	// ChecksStorage says that AuditStorage can look for faults in tables and indexes during a snapshot.
	ChecksStorage bool
}

// Limits bound what one statement is given, and how many keys are reserved.
type Limits struct {
	Parameters int   // of a statement
	Rows       int   // that a statement writes
	Values     int   // that a statement looks up; an array takes all of them
	Bytes      int   // of text and blobs in a statement that writes several rows; 0 means no bound
	Keys       int64 // that NextKeys reserves, with Capabilities.KeyBlocks
}

// locking is how a database transaction keeps others away from the accounts that it decides on.
type locking uint8

const (
	lockFirst    locking = iota // LockAccounts reads and locks
	lockFree                    // TryAccounts reads and locks what nobody else has locked
	lockLate                    // ReadAccounts reads; LockVersions locks and compares before anything is written
	lockBySwap                  // ReadAccounts reads; writing a balance locks and compares; LockVersions does the rest
	lockByEngine                // as lockBySwap, but the engine keeps what is only read
)

// locking says how accounts are locked in a mode.
func (c *Capabilities) locking(mode driver.Mode) locking {
	switch {
	case !c.ManyWriters:
		return lockFirst
	case mode == driver.ModeQueue:
		return lockFree
	case mode == driver.ModeHybrid:
		return lockLate
	case mode == driver.ModeSwap:
		return lockBySwap
	case mode == driver.ModeSerializable && !c.SharedLocks:
		return lockByEngine
	default:
		return lockFirst
	}
}

// swaps reports whether balances are locked by being written.
func (l locking) swaps() bool { return l == lockBySwap || l == lockByEngine }

// late reports whether accounts are read without a lock.
func (l locking) late() bool { return l == lockLate || l.swaps() }
