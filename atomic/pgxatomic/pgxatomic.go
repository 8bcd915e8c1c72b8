// Package pgxatomic is package atomic over a pgxpool: the function of a block gets a pgx.Tx.
//
// Two names are enough to begin: [Open] makes a handle from a *pgxpool.Pool, and [Do] runs a function with a [Tx]:
//
//	err := pgxatomic.Do(ctx, db, func(ctx context.Context, tx *pgxatomic.Tx) error {
//		return queries.New(tx).SetOwner(ctx, id, owner) // what sqlc has generated for pgx/v5
//	}, nil)
//
// A Tx is a pgx.Tx. What takes one works in a block: code that sqlc generates, the InsertTx of job queues, CopyFrom,
// batches, pgx.CollectRows, and pgx.BeginFunc for savepoints. Statements go to pgx as they are, so its types scan:
// arrays, []int32, types registered with the connection.
//
// The rules are those of package atomic, and so is the handle. [Do] retries, runs hooks, and says ErrOutcomeUnknown;
// [atomic.From], [atomic.DoKeyed], [atomic.Hybrid] and the rest take the same *atomic.DB. [Tx.Atomic] is the same
// block as an *atomic.Tx, for locks and hooks. The other way round, [Of] is the pgx.Tx of a block that another
// function of package atomic has begun, or a package that builds on one.
//
// The package does not adopt a pgx.Tx that somebody else has begun, and it sets nothing on the pool.
package pgxatomic

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/internal/native"
	"github.com/bursar-ledger/bursar/atomic/postgres"
)

// Open returns a handle on pool for [Do], with PostgreSQL as its engine. It does not talk to the database. pool still
// belongs to the caller, who closes it; its limits and hooks hold. Two handles over one pool do not see each other's
// blocks. o may be nil; [atomic.OpenOptions.Discard] is set by Open.
func Open(pool *pgxpool.Pool, o *atomic.OpenOptions) *atomic.DB {
	return open(pool, postgres.Dialect{}, o)
}

// OpenCockroach is [Open] for CockroachDB.
func OpenCockroach(pool *pgxpool.Pool, o *atomic.OpenOptions) *atomic.DB {
	return open(pool, postgres.Cockroach{}, o)
}

func open(pool *pgxpool.Pool, d atomic.Dialect, o *atomic.OpenOptions) *atomic.DB {
	options := atomic.OpenOptions{}
	if o != nil {
		options = *o
	}
	options.Discard = Discard
	handle := stdlib.OpenDBFromPool(pool)
	db := atomic.Open(handle, d, &options)
	// The handle keeps no connections, but a goroutine. Nobody else knows the handle.
	runtime.AddCleanup(db, func(handle *sql.DB) { _ = handle.Close() }, handle)
	return db
}

const closeTimeout = 5 * time.Second

// Discard closes a connection in doubt. The pool drops a connection that is closed; any other it might keep. It is the
// [atomic.OpenOptions.Discard] of [Open], and of whoever makes a handle over stdlib.OpenDBFromPool. It leaves a
// connection of another driver alone, waits five seconds at most, and is safe for concurrent use.
func Discard(driverConn any) {
	conn, ok := driverConn.(*stdlib.Conn)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = conn.Conn().Close(ctx) // It is closed in any case.
}

// Do is [atomic.Do] with a pgx.Tx: it runs fn in a database transaction of db and commits if fn returns nil. A Do
// inside another one on the same handle becomes a savepoint, whether that is this Do or the one of package atomic.
// fn MAY RUN MORE THAN ONCE. What fn may do, and what Do returns, is told there.
//
// db comes from [Open], or from any other handle over pgx, such as that of a ledger's store. Over another driver Do
// returns an error that wraps [atomic.ErrUnsupported]. o may be nil. Do is safe for concurrent use.
func Do(
	ctx context.Context, db *atomic.DB, fn func(ctx context.Context, tx *Tx) error, o *atomic.Options,
) error {
	return atomic.Do(ctx, db, func(ctx context.Context, block *atomic.Tx) error {
		tx, err := Of(block)
		if err != nil {
			return err
		}
		return fn(ctx, tx)
	}, o)
}

// Of returns the pgx.Tx of a block: the same database transaction, under the same rules. Use either, in turns.
//
// Errors: [atomic.ErrEnded] after the block, and [atomic.ErrUnsupported] for a block that was adopted or whose driver
// is not pgx.
func Of(block *atomic.Tx) (*Tx, error) {
	session, err := block.Native(native.Key{})
	if err != nil {
		return nil, closed(err)
	}
	conn, ok := session.Conn().(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("pgxatomic: %w: a %T is not a connection of pgx", atomic.ErrUnsupported, session.Conn())
	}
	return &Tx{block: block, session: session, conn: conn.Conn()}, nil
}

// From returns the innermost open block of db in ctx, and whether there is one over pgx. See [atomic.From].
func From(ctx context.Context, db *atomic.DB) (*Tx, bool) {
	block, ok := atomic.From(ctx, db)
	if !ok {
		return nil, false
	}
	tx, err := Of(block)
	return tx, err == nil
}
