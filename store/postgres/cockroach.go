package postgres

import (
	"database/sql"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"

	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// NewCockroach is [New] for CockroachDB 23.2 or later.
//
// It is PostgreSQL but for this:
//
//   - Database transactions are SERIALIZABLE, which is CockroachDB's own; a caller's may be READ COMMITTED.
//   - A conflict ends the whole database transaction, the caller's too: it must begin again, as atomic.Do does.
//   - There are no triggers: the journal is kept from being changed by nothing but verify, which finds it.
//   - A lock on a row may be lost when a node fails. What is written is guarded by versions all the same.
func NewCockroach(pool *pgxpool.Pool) *Store { return overPool(pool, cockroachDialect()) }

// NewCockroachSQL is [NewSQL] for CockroachDB; see [NewCockroach].
func NewCockroachSQL(db *sql.DB) *Store { return newStore(db, cockroachDialect(), false) }

// CockroachMigrations is [Migrations] for CockroachDB.
func CockroachMigrations() fs.FS { return folder("migrations/cockroach") }

var (
	cockroachJoins = rules{here, level, writable}
	cockroachOwn   = rules{writes}
)

func cockroachDialect() sqlstore.Dialect {
	d := dialect(cockroach)
	d.Name = "cockroach"
	d.Atomic = atomicpostgres.Cockroach{}
	d.Migrations = CockroachMigrations()
	d.Admit, d.Ready, d.Standing = cockroachJoins.admit, cockroachOwn.ready, nil
	return d
}
