// Package atomic runs a function in a database transaction: all of what it wrote is committed, or none of it.
//
// Two names are enough to begin: [Open] makes a [DB] from a *sql.DB and the [Dialect] of its engine, and [Do] runs a
// function with a [Tx]:
//
//	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
//		_, err := tx.ExecContext(ctx, `UPDATE accounts SET owner = ? WHERE id = ?`, owner, id)
//		return err
//	}, nil)
//
// The open database transaction travels in the context, so that a function which calls Do composes: inside another Do
// on the same DB it becomes a savepoint, undone alone when it fails. The function may run more than once, because a
// conflict with another database transaction undoes everything and begins again, within a [Budget]. What must
// happen only if the money really moved goes into [Tx.OnCommit].
//
// Do keeps four promises that hand-written code tends to break:
//
//   - An error that the function swallowed never looks committed: after an error of the database nothing works until the
//     rollback to a savepoint, on every engine alike, and Do returns [ErrBroken].
//   - A commit that may or may not have happened is [ErrOutcomeUnknown]; it is never retried and never called a failure.
//   - A panic or runtime.Goexit rolls back and then travels on.
//   - A connection in doubt is closed, not handed to the next caller.
//
// More is here for those who need it: [DoKeyed] for effects that happen exactly once although answers get lost; [Swap], [LockAt] and
// [Hybrid] for rows that others change too; [Tx.LockClause], [Advisory] and [Guard] for locks; [Acquire] and [Fence] for a single leader;
// [ExecOne], [QueryAll] and [QueryOne] for statements that are easily got wrong; [Adopt] for database transactions begun by others.
//
// A test that rolls everything back sees with [Record] which functions would have run after the commit.
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

// A DB is a handle on one database for [Do]. Database transactions belong to their handle: two handles over the same
// *sql.DB do not see each other's. It is safe for concurrent use.
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
	turn       chan struct{} // holds one token; nil unless the engine has one writer
}

// A Clock tells the time and waits between attempts. Sleep returns the cause of ctx's end as soon as ctx is done. A
// Clock must be safe for concurrent use.
type Clock interface {
	// Now is the present time.
	Now() time.Time
	// Sleep waits for d.
	Sleep(ctx context.Context, d time.Duration) error
}

// OpenOptions are the choices of [Open]. The zero value is ready for use.
type OpenOptions struct {
	// Clock measures retry budgets and waits between attempts. Default: the machine's clock.
	Clock Clock

	// Rand returns a random number in [0, n) and must be safe for concurrent use. Default: a shared random source.
	Rand func(n int64) int64

	// Retried, if not nil, is called before each wait that precedes another attempt, with Do's context, the name of the block
	// ([Options.Name]), the code of the error ([Class.Code]) and the number of attempts made so far. It must be
	// safe for concurrent use and should be quick.
	Retried func(ctx context.Context, name, code string, attempt int)

	// Logger, if not nil, is told of commits and rollbacks (debug), other attempts (info), connections closed in doubt
	// (warning), unknown outcomes and failed hooks (error). Default: silence.
	Logger *slog.Logger

	// Observer is told of the same events, for counting. Default: nobody.
	Observer Observer

	// Tracer, if not nil, makes a span of every block. Default: no spans.
	Tracer Tracer

	// EndTimeout bounds one COMMIT, ROLLBACK or savepoint statement, which do not end with the caller's context.
	// Default: 30 seconds.
	EndTimeout time.Duration
}

const endTimeoutDefault = 30 * time.Second

// Open returns a handle on pool for [Do]. It does not talk to the database and does not own pool: closing it stays
// with the caller. o may be nil.
func Open(pool *sql.DB, d Dialect, o *OpenOptions) *DB {
	if o == nil {
		o = &OpenOptions{}
	}
	db := &DB{
		pool: pool, dialect: d, traits: d.Traits(), statements: d.Statements(), clock: o.Clock, rand: o.Rand, retried: o.Retried,
		endTimeout: o.EndTimeout, logger: o.Logger, observer: o.Observer, tracer: o.Tracer,
	}
	db.observed = o.Logger != nil || o.Observer.any()
	if db.traits.OneWriter {
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

// detached returns a context that keeps ctx's values, outlives its cancellation and has a deadline of its own. What
// ends a database transaction runs under it: a COMMIT abandoned half way leaves nobody knowing what happened.
func (db *DB) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), db.endTimeout)
}
