package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// Options is how a store is made. The zero value is the usual one.
type Options struct {
	// Own makes Close close the pool.
	Own bool
	// Clock measures retry budgets and waits between attempts. Defaults to the machine's clock.
	Clock atomic.Clock
	// Writes is a pool of one connection to the same database, which only [Store.Write] uses and which is never lent. Its
	// connections are [Private]. Close closes it. Nil means that Write uses the store's pool.
	Writes *sql.DB
	// Retry bounds how long a database transaction is tried again after conflicts. Defaults to 20 attempts within a
	// minute, in which an engine that bounds the wait for a lock may wait once more. With Capabilities.LocalLocks it is
	// 400, of which 20 may be lost.
	Retry atomic.Budget
	// Discard closes a connection in doubt where the driver has a pool of its own. Defaults to database/sql's way.
	Discard func(driverConn any)
}

// handle is one database: the engine, and the pool of connections to it. All parts of a store share it.
type handle struct {
	pool    *sql.DB
	db      *atomic.DB // over pool
	writes  *atomic.DB // over a pool of one Private connection; db where there is none
	private *sql.DB    // that pool; nil where there is none
	dialect *Dialect
	retry   atomic.Budget
	own     bool

	standing *standing
}

func newHandle(pool *sql.DB, d *Dialect, o *Options) *handle {
	if o == nil {
		o = &Options{}
	}
	h := &handle{pool: pool, dialect: d, retry: o.Retry, own: o.Own}
	if h.retry == (atomic.Budget{}) {
		h.retry = d.budget()
	}
	h.db = atomic.Open(pool, d.Atomic, &atomic.OpenOptions{
		Clock: o.Clock, Retried: tellRetried, Discard: o.Discard,
	})
	h.writes = h.db
	if o.Writes != nil {
		h.private = o.Writes
		h.writes = atomic.Open(o.Writes, d.Atomic, &atomic.OpenOptions{
			Clock: o.Clock, Retried: tellRetried, Discard: o.Discard, Beside: h.db,
		})
	}
	h.standing = &standing{handle: h}
	return h
}

// understood refuses a pool that the engine's package does not understand.
func (h *handle) understood(ctx context.Context) error {
	if h.dialect.Understood == nil {
		return nil
	}
	return h.dialect.coded(h.dialect.Understood(ctx, h.pool))
}

// How often, and for how long, a database transaction is tried. Among nodes of a cluster the first to commit wins, and
// nobody waits in a line: where many want one account, somebody may be late dozens of times. A node that is away is
// given up as soon as any other server.
const (
	attempts        = 20
	attemptsOnNodes = 400
	attemptsTime    = time.Minute
)

func (d *Dialect) budget() atomic.Budget {
	if d.Can.LocalLocks {
		return atomic.Budget{Attempts: attemptsOnNodes, Lost: attempts, Time: attemptsTime}
	}
	return atomic.Budget{Attempts: attempts, Time: attemptsTime}
}

// retriedKey finds, in the context of a Write, the function that is told of another attempt.
type retriedKey struct{}

func tellRetried(ctx context.Context, _, code string, _ int) {
	if retried, ok := ctx.Value(retriedKey{}).(func(string)); ok {
		retried(code)
	}
}
