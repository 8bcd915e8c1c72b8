// Package atomic runs a function in a database transaction: all of what it wrote is committed, or none of it.
//
// Two names are enough to begin: [Open] makes a [DB] from a *sql.DB and the [Dialect] of its engine, and [Do] runs
// a function with a [Tx]:
//
//	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
//		_, err := tx.ExecContext(ctx, `UPDATE accounts SET owner = ? WHERE id = ?`, owner, id)
//		return err
//	}, nil)
//
// The open database transaction travels in the context, so functions that call Do can call each other. A Do inside
// another Do on the same DB becomes a savepoint, which is undone alone when it fails. The function may run more
// than once: a conflict with another database transaction undoes everything, and Do begins again, within a
// [Budget]. What must happen only after the commit goes into [Tx.OnCommit].
//
// Do keeps four promises that hand-written code tends to break:
//
//   - An error that the function swallowed never looks committed. After an error of the database nothing works
//     until the rollback to a savepoint, on every engine alike, and Do returns [ErrBroken].
//   - A commit that may or may not have happened is [ErrOutcomeUnknown]. It is never retried and never called a
//     failure.
//   - A panic or runtime.Goexit rolls back and then travels on.
//   - A connection in doubt is closed. No other caller gets it.
//
// There is more for those who need it:
//
//   - [DoKeyed] makes effects happen exactly once although answers get lost.
//   - [Swap], [LockAt] and [Hybrid] change rows that others change too.
//   - [Tx.LockClause], [Advisory] and [Guard] lock.
//   - [Acquire] and [Fence] keep a single leader.
//   - [ExecOne], [QueryAll] and [QueryOne] run statements that are easily got wrong.
//   - [Adopt] joins a database transaction that the application has begun.
//   - [Record] shows a test which functions would have run after a commit.
//
// The package knows SQL transactions and nothing of what they are used for. It has no query builder, opens no
// databases, sets no pragmas for the rest of the program, and does not coordinate several databases.
package atomic

import (
	"context"
	"database/sql"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// A DB is a handle on one database for [Do]. A database transaction belongs to its handle: two handles over one
// *sql.DB do not see each other's. A DB is safe for concurrent use.
type DB struct {
	pool       *sql.DB
	dialect    Dialect
	traits     Traits
	statements *Statements
	clock      Clock
	rand       func(n int64) int64
	retried    func(ctx context.Context, name, code string, attempt int)
	endTimeout time.Duration
	logger     *slog.Logger
	observer   Observer
	observed   bool
	tracer     Tracer
	discard    func(driverConn any)
	turn       chan struct{} // holds one token; nil unless the engine has one writer
}

// A Clock tells the time and waits between attempts. A Clock must be safe for concurrent use.
type Clock interface {
	// Now is the present time.
	Now() time.Time
	// Sleep waits for d. When ctx is done it returns the cause at once.
	Sleep(ctx context.Context, d time.Duration) error
}

// OpenOptions are the choices of [Open]. The zero value is ready for use.
type OpenOptions struct {
	// Clock measures retry budgets and waits between attempts. Default: the machine's clock.
	Clock Clock

	// Rand returns a random number in [0, n). It must be safe for concurrent use. Default: a shared random source.
	Rand func(n int64) int64

	// Retried, if not nil, is called before each wait that precedes another attempt. It gets Do's context, the name of
	// the block ([Options.Name]), the code of the error ([Class.Code]) and the number of attempts so far. It must be
	// safe for concurrent use and should be quick.
	Retried func(ctx context.Context, name, code string, attempt int)

	// Logger, if not nil, logs commits and rollbacks (debug), further attempts (info), connections closed in doubt
	// (warning), unknown outcomes and failed hooks (error). Default: silence.
	Logger *slog.Logger

	// Observer gets the same events, for counting. Default: nobody.
	Observer Observer

	// Tracer, if not nil, makes a span of every block. Default: no spans.
	Tracer Tracer

	// EndTimeout bounds one COMMIT, ROLLBACK or savepoint statement. These do not end with the caller's context.
	// Default: 30 seconds.
	EndTimeout time.Duration

	// Beside, if not nil, is another handle on the same database, over other connections. Where the engine has one writer,
	// the blocks of both wait for the same turn, so that neither has to ask the engine again and again. A block of one is
	// no block of the other. Default: a turn of its own.
	Beside *DB

	// Discard, if not nil, closes the driver's connection when it is in doubt, before database/sql does. It is for
	// drivers with a pool of their own, to which a connection closed by database/sql would go back. It must not
	// panic and must be safe for concurrent use. Default: database/sql closes it.
	Discard func(driverConn any)
}

const endTimeoutDefault = 30 * time.Second

// Open returns a handle on pool for [Do]. It does not talk to the database. pool still belongs to the caller, who
// closes it. o may be nil. Open panics if d is nil. Without a pool the handle is good for [Adopt] alone, and whatever
// else needs the pool panics.
func Open(pool *sql.DB, d Dialect, o *OpenOptions) *DB {
	need(d != nil, "Open", "the Dialect")
	if o == nil {
		o = &OpenOptions{}
	}
	db := &DB{
		pool: pool, dialect: d, traits: d.Traits(), statements: d.Statements(),
		clock: o.Clock, rand: o.Rand, endTimeout: o.EndTimeout,
		retried: o.Retried, logger: o.Logger, observer: o.Observer, tracer: o.Tracer, discard: o.Discard,
	}
	db.observed = o.Logger != nil || o.Observer.any()
	switch {
	case !db.traits.OneWriter:
	case o.Beside != nil && o.Beside.turn != nil:
		db.turn = o.Beside.turn
	default:
		db.turn = make(chan struct{}, 1)
		db.turn <- struct{}{}
	}
	if db.clock == nil {
		db.clock = clock.System()
	}
	if db.rand == nil {
		db.rand = rand.Int64N
	}
	if db.endTimeout <= 0 {
		db.endTimeout = endTimeoutDefault
	}
	return db
}

// detached returns a context with the values of ctx, but without its cancellation and with a deadline of its own.
// The statements that end a database transaction run under it: after an abandoned COMMIT nobody would know what
// happened.
func (db *DB) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), db.endTimeout)
}
