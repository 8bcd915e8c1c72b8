package mysql

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/sqlstore"

	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
)

// readSettings reads what money depends on. Each server has columns of its own, and takes the other's for a comment.
const readSettings = readFirst + `@@log_bin, @@sync_binlog` + readRest

// The columns of readSettings before and after those of the binary log.
const (
	readFirst = `SELECT VERSION(), @@sql_mode, @@character_set_client, @@character_set_connection,
		COALESCE(@@character_set_results, 'utf8mb4'), @@innodb_flush_log_at_trx_commit, `
	readRest = `, @@unique_checks, @@sql_select_limit, @@sql_safe_updates, @@read_only,
	/*M! @@tx_isolation, @@check_constraint_checks, @@in_transaction */ /*!50700 @@transaction_isolation, 1, NULL */`
)

// anywhere stands for the columns of galeraSettings on a server by itself.
const anywhere = `, 1, 1, 0`

// countNothing is one more column, in the place of the column of lockNothing.
const countNothing = `, 0`

// lockNothing reads no row and so locks none at any level, but is refused in a database transaction that may not write
// and where there is no ledger. The count makes it one row all the same.
const lockNothing = `, COUNT(*) FROM bursar_head WHERE FALSE FOR UPDATE`

// admit checks a database transaction that the application began.
func (v variant) admit(ctx context.Context, tx sqlstore.Executor, given any) error {
	s, err := v.read(ctx, tx, unasked+lockNothing)
	if err != nil {
		return notHere(err)
	}
	return s.admit(ctx, tx, given)
}

// notHere is the error of a database transaction in which lockNothing fails.
func notHere(err error) error {
	if kind := (atomicmysql.MariaDB{}).Classify(err).Kind; kind != atomic.KindReadOnly && kind != atomic.KindStatement {
		return err
	}
	return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
		Message: "the database transaction is read-only, or of a database without a ledger: use one of " +
			"the ledger's own database that may write"}
}

// admit is the rest of admit, once the settings are read.
func (s *session) admit(ctx context.Context, tx sqlstore.Executor, given any) error {
	if err := s.check(); err != nil {
		return err
	}
	if err := s.checkOpen(ctx, tx, given); err != nil {
		return err
	}
	return s.checkLevel()
}

// checkOpen refuses what is no open database transaction. Where the server does not say, it is asked by a savepoint. An
// [atomic.Tx] takes no such statement, and needs none: it takes nothing more once its database transaction has ended.
func (s *session) checkOpen(ctx context.Context, tx sqlstore.Executor, given any) error {
	open := s.open.Bool
	if !s.open.Valid {
		if _, ok := given.(*atomic.Tx); ok {
			return nil
		}
		var err error
		if open, err = insideTransaction(ctx, tx); err != nil {
			return err
		}
	}
	if !open {
		return notOpen()
	}
	return nil
}

// isOpen refuses what is no open database transaction, which may be a read-only one.
func isOpen(ctx context.Context, tx sqlstore.Executor, given any) error {
	switch given.(type) {
	case *sql.Tx, *atomic.Tx:
		return nil
	}
	open, err := insideTransaction(ctx, tx)
	if err != nil || open {
		return err
	}
	return notOpen()
}

func notOpen() error {
	return bursar.Errorf(bursar.CodeUnsafeTransaction,
		"no database transaction is open: begin one first, or begin again after a deadlock, which ends it")
}

// insideTransaction asks by a savepoint: outside a database transaction it is gone as soon as it is made.
func insideTransaction(ctx context.Context, tx sqlstore.Executor) (bool, error) {
	if _, err := tx.Exec(ctx, "SAVEPOINT bursar_join"); err != nil {
		return false, err
	}
	_, err := tx.Exec(ctx, "RELEASE SAVEPOINT bursar_join")
	if (atomicmysql.MariaDB{}).Classify(err).Kind == atomic.KindStatement {
		return false, nil
	}
	return err == nil, err
}

// ready checks a connection of the store's own pool.
func (v variant) ready(ctx context.Context, conn sqlstore.Executor) error {
	s, err := v.read(ctx, conn, onNode+countNothing)
	if err != nil {
		return err
	}
	if s.cluster.node && !v.localLocks {
		return bursar.Errorf(bursar.CodeUnsafeTransaction, "the server is a node of a Galera cluster, on which row locks "+
			"bind nobody else: open it with a URL that begins with galera://, or with mysql.NewGalera")
	}
	return s.check()
}

// session is the settings of a connection.
type session struct {
	version, mode, client, connection, results string

	flush        int
	binlog       bool
	syncBinlog   uint64 // commits between two syncs of the binary log
	uniqueChecks bool
	selectLimit  string // a number of 64 bits without a sign
	safeUpdates  bool
	readOnly     string // of the server: newer ones have words for it
	level        string // of the session, not of the database transaction
	checks       bool
	open         sql.NullBool // NULL where the server does not say

	cluster cluster // not read from TiDB
}

// cluster is what a node of Galera is asked besides.
type cluster struct {
	replicated, syncWait, dirtyReads bool // true, true, false on a server by itself

	node bool // the server is one of a cluster; known to ready alone
}

// read reads settings with those of a node. last begins with the column onNode or unasked.
func (v variant) read(ctx context.Context, conn sqlstore.Executor, last string) (session, error) {
	var c cluster
	s, err := read(ctx, conn, readSettings+v.settings+last, &c.replicated, &c.syncWait, &c.dirtyReads, &c.node)
	s.cluster = c
	return s, err
}

// read reads settings, and more columns between them and the last one.
func read(ctx context.Context, conn sqlstore.Executor, statement string, more ...any) (s session, err error) {
	err = sqlstore.Each(ctx, conn, statement, func(scan func(...any) error) error {
		targets := []any{&s.version, &s.mode, &s.client, &s.connection, &s.results, &s.flush, &s.binlog,
			&s.syncBinlog, &s.uniqueChecks, &s.selectLimit, &s.safeUpdates, &s.readOnly, &s.level, &s.checks, &s.open}
		return scan(slices.Concat(targets, more, []any{new(any)})...)
	})
	return s, err
}

// The oldest servers that understand all that is said to them.
var (
	mariaDBMin = [3]int{10, 6, 0}
	mysqlMin   = [3]int{8, 0, 19}
)

const noSelectLimit = "18446744073709551615"

// isTiDB is the remedy where TiDB was opened as MySQL.
const isTiDB = "if it is TiDB, open it with mysql.NewTiDB or a URL that begins with tidb://"

func (s *session) check() error {
	switch {
	case strings.Contains(s.version, tiDBName):
		return bursar.Errorf(bursar.CodeUnsupported,
			"the server is not MySQL: %s", isTiDB)
	case !s.modern():
		return bursar.Errorf(bursar.CodeUnsupported,
			"the server is %s: a ledger needs MariaDB 10.6, MySQL 8.0.19 or a later one", s.version)
	}
	if err := s.checkSettings(); err != nil {
		return err
	}
	return s.cluster.check()
}

// checkSettings refuses settings that would let money go wrong. It begins with what reading needs, too.
func (s *session) checkSettings() error {
	strict := strings.Contains(s.mode, "STRICT_TRANS_TABLES") || strings.Contains(s.mode, "STRICT_ALL_TABLES")
	switch {
	case s.client != charset || s.connection != charset || s.results != charset:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"the connection's character set is %s, %s, %s: references could be mangled; open it with "+
				"collation=utf8mb4_bin, as mysql.DSN does",
			s.client, s.connection, s.results)
	case s.selectLimit != noSelectLimit:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"sql_select_limit is %s: the ledger would not see all of its rows; SET sql_select_limit "+
				"= DEFAULT", s.selectLimit)
	case takesNoWrites(s.readOnly):
		return sqlstore.NoWrites("the server's read_only is on, as on a replica: connect to the server that takes writes, " +
			"or try again when this one does")
	case !strict:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"sql_mode is %q: numbers that do not fit would be cut to size; add STRICT_TRANS_TABLES to it, "+
				"as mysql.DSN does", s.mode)
	case s.flush != 1 && s.flush != 3:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"innodb_flush_log_at_trx_commit is %d: a commit could be lost with the power; set it to 1 in "+
				"the server's configuration", s.flush)
	case s.binlog && s.syncBinlog != 1:
		// Recovery asks the binary log which commits to keep, and the commit itself is not synced where there is one.
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"sync_binlog is %d: when the power fails, the server undoes commits that its binary log has lost; set it to 1 "+
				"in the server's configuration", s.syncBinlog)
	case !s.uniqueChecks:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"unique_checks is off: an id could be posted twice; turn it on")
	case !s.checks:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"check_constraint_checks is off: the connection would not keep accounts within their limits; turn it on")
	case s.safeUpdates:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"sql_safe_updates is on: the server would refuse to update several balances at once; turn it off")
	default:
		return nil
	}
}

// check refuses a session that would not see, or not tell, what the cluster knows.
func (c cluster) check() error {
	switch {
	case !c.replicated:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"wsrep_on is off: the server is no node of a cluster, or the session's writes would stay on this node; use "+
				"mysql:// for a server by itself, or turn it on")
	case !c.syncWait:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"wsrep_sync_wait has no bit 1: the node may not have what another node has answered; set it to 1, as "+
				"mysql.DSN does for galera://")
	case c.dirtyReads:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"wsrep_dirty_reads is on: a node without a majority would answer from the past; turn it off")
	default:
		return nil
	}
}

const charset = "utf8mb4"

// takesNoWrites reports whether a server's read_only is on. Its rights let some users write all the same.
func takesNoWrites(readOnly string) bool { return readOnly != "0" && readOnly != "OFF" }

// checkLevel refuses what the session says of the isolation level. Who began it may have asked for another one, which
// nothing shows, so REPEATABLE READ is judged by what it sees: see the package comment.
func (s *session) checkLevel() error {
	switch s.level {
	case "READ-UNCOMMITTED":
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"the session's isolation level is READ UNCOMMITTED: it would decide on what is rolled back later; use "+
				"READ COMMITTED, as mysql.DSN does")
	case "SERIALIZABLE":
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"the session's isolation level is SERIALIZABLE: each read would keep everybody from posting until the "+
				"commit; use READ COMMITTED, as mysql.DSN does")
	default:
		return nil
	}
}

// modern reports whether the server's version, such as 10.11.6-MariaDB-1 or 8.0.36, is one that the ledger knows.
func (s *session) modern() bool {
	least := mysqlMin
	if strings.Contains(s.version, "MariaDB") {
		least = mariaDBMin
	}
	number, _, _ := strings.Cut(s.version, "-")
	return atLeast(number, least)
}

// atLeast compares a version such as 10.11.6.
func atLeast(number string, least [3]int) bool {
	parts := strings.SplitN(number, ".", 3)
	for i, want := range least {
		have := 0
		if i < len(parts) {
			have, _ = strconv.Atoi(parts[i])
		}
		if have != want {
			return have > want
		}
	}
	return true
}
