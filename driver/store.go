package driver

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar"
)

// Store is where a ledger is kept. It is safe for concurrent use.
//
// On a server that takes no writes whatever reads works, and Book finds a book. Write, Join and what makes something
// are [ErrReplica], at once, until the server takes writes.
//
// Its errors are of type *bursar.Error. [bursar.ErrBusy], [bursar.ErrConflict], [bursar.ErrUnavailable] and
// [bursar.ErrCanceled] mean that nothing was written; [bursar.ErrOutcomeUnknown] means that the answer to a commit
// was lost.
type Store interface {
	// Schema reports the version of the schema in the database, 0 when there is none, and the one this program needs.
	Schema(ctx context.Context) (have, want int, err error)
	// Migrate brings the schema up to date, one database transaction a step. Doing it twice does nothing.
	Migrate(ctx context.Context) error
	// Book returns the book with fresh's name. When there is none, it makes the book as fresh says if create is true, and
	// is [bursar.ErrBookNotFound] otherwise.
	Book(ctx context.Context, fresh bursar.Book, create bool) (bursar.Book, error)
	// Write runs fn in one database transaction that may write, and commits it. fn may run more than once. When
	// retried is not nil, it is told the engine's code of each error that made fn run again.
	Write(ctx context.Context, mode Mode, retried func(code string), fn func(context.Context, Tx) error) error
	// SealsLater reports whether the engine has many writers. Then entries are committed unsealed in every mode but
	// ModeQueue, and sealed afterwards. Elsewhere every post seals its own.
	SealsLater() bool
	// Join makes a Tx of a database transaction that the caller began, after checking that it is a safe one.
	Join(ctx context.Context, tx CallerTx) (Tx, error)
	// JoinReader makes a Reader of any database transaction that can read, a read-only one too. It sees what the caller's
	// own statements see.
	JoinReader(ctx context.Context, tx CallerTx) (Reader, error)
	// Read runs fn over one consistent snapshot that covers everything committed.
	Read(ctx context.Context, fn func(context.Context, Reader) error) error
	// Standing is what the database's server says of its own part. It is asked outside of every database transaction, so
	// what is read afterwards is at least as new. Where there is no server it is the zero Standing.
	Standing(ctx context.Context) (Standing, error)
	// InTransaction reports whether ctx carries a database transaction that is open.
	InTransaction(ctx context.Context) bool
	// Close releases what the store opened itself.
	Close() error
}

// ErrReplica means that the server takes no writes, as a standby or a replica. It comes with bursar.CodeUnavailable,
// because such a server may be promoted.
var ErrReplica = errors.New("the server takes no writes")

// Standing says whether a server takes writes.
type Standing struct {
	Now     bursar.Instant  // by the server's clock; 0 where that is not asked
	Replica *bursar.Replica // nil if the server takes writes
}

// CallerTx is a database transaction that the application began. The package of a store makes one of what the
// application uses, such as sqlite.Tx(tx). An *atomic.Tx is one as it is.
type CallerTx interface {
	// DatabaseTx is the value that runs statements.
	DatabaseTx() any
}

// Rerun is what runs the statements of a CallerTx, if a conflict makes its function run again, as that of *atomic.Tx.
type Rerun interface {
	// AcrossRuns is what all runs share under key, made by make when one asks first, and the number of this run, from 1.
	AcrossRuns(key any, make func() any) (kept any, number int)
}

// Transactor runs functions in database transactions of the application's own, whose type is T. The package of a store
// makes one of what the application uses, such as postgres.On(pool).
type Transactor[T any] interface {
	// Do begins a database transaction that is safe for a ledger, runs fn and commits. After a conflict it begins again,
	// within a budget. tx is for the application's own statements and caller is the same database transaction for the
	// ledger. Errors of fn come back as they are, others as *bursar.Error.
	Do(ctx context.Context, fn func(ctx context.Context, tx T, caller CallerTx) error) error
}

// Mode says how a database transaction of the store's own keeps others away from the accounts that it decides on. An
// engine with one writer needs none but ModeLocks, and treats all modes alike.
type Mode uint8

const (
	// ModeLocks locks the accounts as it reads them, and waits where somebody else has locked one. A CallerTx is
	// joined in this mode.
	ModeLocks Mode = iota
	// ModeSwap reads without a lock. It writes only if every account still has the version that was read; else all
	// begins again.
	ModeSwap
	// ModeHybrid reads without a lock, locks before it writes, and compares versions then.
	ModeHybrid
	// ModeSerializable leaves it to the engine's isolation level of that name.
	ModeSerializable
	// ModeQueue does not wait for accounts that somebody else has locked: it leaves them out, as blocked. It seals what
	// it writes. Its database transactions work on a book one at a time, in the order in which they came.
	ModeQueue
	// ModeSealing only seals: no account is read.
	ModeSealing
)
