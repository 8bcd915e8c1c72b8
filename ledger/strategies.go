package ledger

import (
	"github.com/bursar-ledger/bursar/driver"
)

// Locks posts each call in a database transaction of its own, which locks the call's accounts before it reads them, in an order
// that everybody keeps. It is what a ledger without a strategy does. Callers wait for each other only where they share
// an account.
type Locks struct{}

// Start makes the poster.
func (Locks) start(w *writer) poster { return newDirect(w, driver.ModeLocks) }

// Swap posts each call in a database transaction of its own, which reads without locks and writes only if no account has
// changed since: compare-and-swap on the account's version. Where one has, everything begins again. It holds locks for the
// shortest time and wastes work where many want one account; after three attempts in vain a call is posted as Locks does.
type Swap struct{}

// Start makes the poster.
func (Swap) start(w *writer) poster { return newDirect(w, driver.ModeSwap) }

// Hybrid posts each call in a database transaction of its own, which reads and decides without locks, then locks the accounts in
// order and goes on if they are as they were read; else everything begins again, the fourth time as Locks does.
type Hybrid struct{}

// Start makes the poster.
func (Hybrid) start(w *writer) poster { return newDirect(w, driver.ModeHybrid) }

// Serializable posts each call in a database transaction of its own at the engine's isolation level SERIALIZABLE, without
// locks of ours. The engine finds conflicts, among them some that are none, and everything begins again, the fourth time as
// Locks does. On MariaDB and MySQL, whose SERIALIZABLE is made of locks on all that is read, it is the same as Locks.
type Serializable struct{}

// Start makes the poster.
func (Serializable) start(w *writer) poster {
	return newDirect(w, driver.ModeSerializable)
}
