package postgres

import (
	"database/sql"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"

	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// NewCockroach is [New] for CockroachDB 24.1 or later. No run of ours has tried it. It is PostgreSQL but for this, as
// the pages of CockroachDB's manual say that are named by their titles:
//
//   - Database transactions are SERIALIZABLE, which is CockroachDB's own; a caller's may be READ COMMITTED ("Read
//     Committed Transactions"). REPEATABLE READ is refused, as on PostgreSQL.
//   - A conflict ends the whole database transaction, the caller's too: it must begin again, as atomic.Do does
//     (its page on retry errors).
//   - There are no triggers before 24.3, and none for TRUNCATE ("Triggers"): the journal is kept from being changed by
//     nothing but verify, which finds it.
//   - A lock on a row may be lost when a node fails ("FOR UPDATE and FOR SHARE"). What is written is guarded by
//     versions all the same. SKIP LOCKED is there, so a queue waits for nobody.
//   - CHECK constraints are checked whenever a row is written ("Constraints"), and no way to switch them off is named
//     ("CHECK Constraint"). So no setting is looked at for them.
//   - The migration is one database transaction. The manual does not promise that DDL in it is undone as a whole if its
//     COMMIT fails ("Online Schema Changes"): then drop what is there, and migrate again.
//   - The time is the program's own: the database's comes as a float (unchecked: by the list of functions in
//     "Functions and Operators").
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
