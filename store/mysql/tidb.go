package mysql

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// NewTiDB makes a store over a handle on TiDB 7.5 or later, opened as for [New]. It is the same ledger but for this:
//
//   - There are no triggers. Only privileges keep SQL from changing the journal, and verify finds a change by the hash
//     chain.
//   - CHECK constraints keep accounts within their limits only while tidb_enable_check_constraint is on, which it is
//     not by default. Without it ledger.New, ledger.In and a migration are refused with bursar.CodeUnsafeTransaction.
//     SET GLOBAL tidb_enable_check_constraint = ON before the migration: constraints made without it are not there.
//   - There is no SKIP LOCKED. A queue tries all accounts of a batch with NOWAIT and, where somebody else has locked
//     one, halves of them, so that it waits for none.
//   - There is no SERIALIZABLE, and the strategy of that name is refused with bursar.CodeUnsupported.
//   - A lock on a row that is not written may be lost. A transfer may rely on an account without changing it; the lock
//     on that account guards it only as long as TiDB keeps the lock.
//   - The locks of a program that was killed are given back after about 20 seconds.
//   - A caller's database transaction is as safe at REPEATABLE READ as elsewhere, but its snapshot is as old as its
//     begin, so that it is refused more often. Begin it READ COMMITTED.
//
// Bursar's own tests start no TiDB. They run the same suites as on the others where BURSAR_TEST_TIDB names a server.
func NewTiDB(db *sql.DB) *Store { return newStore(db, tiDBDialect(), nil) }

// TiDBMigrations is [Migrations] for TiDB.
func TiDBMigrations() fs.FS { return folder("migrations/tidb") }

func tiDBDialect() sqlstore.Dialect {
	d := dialect(tiDB)
	d.Name, d.Atomic, d.Migrations, d.Standing = "tidb", lostTiDB{}, TiDBMigrations(), nil
	// What others have committed meanwhile must be seen. SERIALIZABLE is asked for where it is wanted, and refused.
	d.Isolation = func(mode driver.Mode) sql.IsolationLevel {
		if mode == driver.ModeSerializable {
			return sql.LevelSerializable
		}
		return sql.LevelReadCommitted
	}
	d.Admit, d.Ready = admitTiDB, readyTiDB
	return d
}

// lostTiDB is to atomic's dialect what lostMariaDB is.
type lostTiDB struct{ atomicmysql.TiDB }

// Classify implements atomic.Dialect.
func (d lostTiDB) Classify(err error) atomic.Class { return orLost(err, d.TiDB.Classify(err)) }

// Begin implements atomic.Dialect.
func (d lostTiDB) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	restore, err = d.TiDB.Begin(ctx, conn, m)
	if m.Isolation == sql.LevelSerializable && errors.Is(err, atomic.ErrUnsupported) {
		err = &bursar.Error{Code: bursar.CodeUnsupported, Err: err,
			Message: "TiDB has no SERIALIZABLE: give the ledger another strategy, such as ledger.Queue, or begin the " +
				"database transaction READ COMMITTED"}
	}
	return restore, err
}

// readTiDB is readSettings for TiDB, with its own variables at the end. TiDB knows innodb_flush_log_at_trx_commit and
// others of InnoDB's as names that mean nothing. It has no binary log of MySQL's, and not every version has log_bin.
const readTiDB = readFirst + `FALSE, 1` + readRest + `, @@tidb_enable_check_constraint, @@tidb_txn_mode,
	@@tidb_constraint_check_in_place_pessimistic, @@tidb_snapshot, @@tidb_read_staleness, @@tidb_current_ts <> 0`

// tiDBSession is the settings of a connection to TiDB, each as the manual's page "System Variables" has it.
type tiDBSession struct {
	session
	enforced  bool   // tidb_enable_check_constraint
	txnMode   string // tidb_txn_mode, of database transactions that the application begins
	inPlace   bool   // tidb_constraint_check_in_place_pessimistic
	snapshot  string // tidb_snapshot: a past that everything is read from
	staleness int    // tidb_read_staleness: how many seconds ago that is, below zero
	begun     bool   // tidb_current_ts: one is open. Without autocommit one may be even if this is not set
}

func readTiDBSession(ctx context.Context, conn sqlstore.Executor, last string) (s tiDBSession, err error) {
	s.session, err = read(ctx, conn, readTiDB+last, &s.enforced, &s.txnMode, &s.inPlace, &s.snapshot, &s.staleness,
		&s.begun)
	s.open = sql.NullBool{Valid: s.begun, Bool: s.begun}
	return s, noTiDB(err)
}

// unknownVariable is the number of the error of a server that does not have a variable of readTiDB.
const unknownVariable = "1193"

func noTiDB(err error) error {
	if (atomicmysql.TiDB{}).Classify(err).Code != unknownVariable {
		return err
	}
	return &bursar.Error{Code: bursar.CodeUnsupported, Err: err,
		Message: "the server is no TiDB 7.5 or later: open MariaDB and MySQL with mysql.New or a URL that begins with " +
			"mysql://"}
}

// admitTiDB is admit for TiDB.
func admitTiDB(ctx context.Context, tx sqlstore.Executor, given any) error {
	s, err := readTiDBSession(ctx, tx, lockNothing)
	if err != nil {
		return notHere(err)
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := s.checkMode(given); err != nil {
		return err
	}
	if err := s.checkOpen(ctx, tx, given); err != nil {
		return err
	}
	return s.checkLevel()
}

// readyTiDB is ready for TiDB.
func readyTiDB(ctx context.Context, conn sqlstore.Executor) error {
	s, err := readTiDBSession(ctx, conn, countNothing)
	if err != nil {
		return err
	}
	return s.check()
}

const (
	tiDBName    = "-TiDB-" // in every version of TiDB; what comes before it is a version of MySQL and says nothing
	pessimistic = "pessimistic"
)

var tiDBMin = [3]int{7, 5, 0}

func (s *tiDBSession) check() error {
	_, number, released := strings.Cut(s.version, tiDBName+"v")
	number, _, _ = strings.Cut(number, "-")
	switch {
	case released && !atLeast(number, tiDBMin):
		return bursar.Errorf(bursar.CodeUnsupported, "the server is %s: a ledger needs TiDB 7.5 or a later one", s.version)
	case !s.enforced:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"tidb_enable_check_constraint is off: the server would not keep accounts within their limits; "+
				"SET GLOBAL tidb_enable_check_constraint = ON, before the migration")
	case !s.inPlace:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"tidb_constraint_check_in_place_pessimistic is off: an id that is posted twice would be found at the commit, "+
				"too late to be answered; turn it on")
	case s.snapshot != "" || s.staleness != 0:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"tidb_snapshot or tidb_read_staleness is set: the ledger would read the past; reset both")
	default:
		return s.checkSettings()
	}
}

// checkMode refuses what may be an optimistic database transaction, in which locks wait for nobody. Package atomic
// begins pessimistic ones whatever the variable says.
func (s *tiDBSession) checkMode(given any) error {
	if _, ok := given.(*atomic.Tx); ok || s.txnMode == pessimistic {
		return nil
	}
	return bursar.Errorf(bursar.CodeUnsafeTransaction,
		"tidb_txn_mode is %q: conflicts would be found at the commit, too late to be answered; set it to pessimistic",
		s.txnMode)
}
