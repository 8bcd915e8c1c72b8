package mysql

import (
	"database/sql"
	"io/fs"

	"github.com/bursar-ledger/bursar/atomic"
	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// NewTiDB makes a store over a handle on TiDB 7.5 or later, opened as for [New]. It is the same ledger but for this:
//
//   - There are no triggers. Only privileges keep SQL from changing the journal, and verify finds a change by the hash
//     chain. CHECK constraints need tidb_enable_check_constraint=ON before the migration.
//   - There is no SKIP LOCKED. A queue waits for accounts that somebody else has locked, and so do the posts behind it.
//   - There is no SERIALIZABLE, and the strategy of that name is refused.
//   - A lock on a row that is not written may be lost. A transfer may rely on an account without changing it; the lock
//     on that account guards it only as long as TiDB keeps the lock.
//
// Bursar's own tests start no TiDB. They run the same suite as on the others where BURSAR_TEST_TIDB names a server.
func NewTiDB(db *sql.DB) *Store { return newStore(db, tiDBDialect(), nil) }

// TiDBMigrations is [Migrations] for TiDB.
func TiDBMigrations() fs.FS { return folder("migrations/tidb") }

func tiDBDialect() sqlstore.Dialect {
	d := dialect(tiDB)
	d.Name, d.Atomic, d.Migrations, d.Standing = "tidb", lostTiDB{}, TiDBMigrations(), nil
	// What others have committed meanwhile must be seen, and TiDB's own default is a snapshot.
	d.Isolation = func(mode driver.Mode) sql.IsolationLevel {
		if mode == driver.ModeSerializable {
			return sql.LevelSerializable
		}
		return sql.LevelReadCommitted
	}
	return d
}

// lostTiDB is to atomic's dialect what lostMariaDB is.
type lostTiDB struct{ atomicmysql.TiDB }

// Classify implements atomic.Dialect.
func (d lostTiDB) Classify(err error) atomic.Class { return orLost(err, d.TiDB.Classify(err)) }
