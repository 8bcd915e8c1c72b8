package mysql

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/sqlstore"

	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
)

// readSettings reads what money depends on. Each server has columns of its own, and takes the other's for a comment.
const readSettings = `SELECT VERSION(), @@sql_mode, @@character_set_client, @@character_set_connection,
		COALESCE(@@character_set_results, 'utf8mb4'),
	@@innodb_flush_log_at_trx_commit, @@unique_checks, @@sql_select_limit, @@sql_safe_updates,
	/*M! @@tx_isolation, @@check_constraint_checks, @@in_transaction */ /*!50700 @@transaction_isolation, 1, NULL */`

// anywhere stands for the columns of galeraSettings on a server by itself.
const anywhere = `, 1, 1, 0`

// lockNothing reads no row and so locks none at any level, but is refused in a database transaction that may not write
// and where there is no ledger. The count makes it one row all the same.
const lockNothing = `, COUNT(*) FROM bursar_head WHERE FALSE FOR UPDATE`

// admit checks a database transaction that the application began.
func (v variant) admit(ctx context.Context, tx sqlstore.Executor, given any) error {
	s, err := read(ctx, tx, readSettings+v.settings+lockNothing)
	if err != nil {
		if kind := (atomicmysql.MariaDB{}).Classify(err).Kind; kind == atomic.KindReadOnly || kind == atomic.KindStatement {
			return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
				Message: "the database transaction is read-only, or of a database without a ledger: use one of " +
					"the ledger's own database that may write"}
		}
		return err
	}
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
	s, err := read(ctx, conn, readSettings+v.settings+onNode)
	if err != nil {
		return err
	}
	if s.node && !v.localLocks {
		return bursar.Errorf(bursar.CodeUnsafeTransaction, "the server is a node of a Galera cluster, on which row locks "+
			"bind nobody else: open it with a URL that begins with galera://, or with mysql.NewGalera")
	}
	return s.check()
}

// session is the settings of a connection.
type session struct {
	version, mode, client, connection, results string

	flush        int
	uniqueChecks bool
	selectLimit  string // a number of 64 bits without a sign
	safeUpdates  bool
	level        string // of the session, not of the database transaction
	checks       bool
	open         sql.NullBool // NULL where the server does not say

	replicated, syncWait, dirtyReads bool // true, true, false on a server by itself

	node bool // the server is one of a cluster; known to ready alone
}

func read(ctx context.Context, conn sqlstore.Executor, statement string) (s session, err error) {
	err = sqlstore.Each(ctx, conn, statement, func(scan func(...any) error) error {
		return scan(&s.version, &s.mode, &s.client, &s.connection, &s.results, &s.flush, &s.uniqueChecks, &s.selectLimit,
			&s.safeUpdates,
			&s.level, &s.checks, &s.open, &s.replicated, &s.syncWait, &s.dirtyReads, &s.node)
	})
	return s, err
}

// The oldest servers that understand all that is said to them.
var (
	mariaDBMin = [3]int{10, 6, 0}
	mysqlMin   = [3]int{8, 0, 19}
)

const noSelectLimit = "18446744073709551615"

func (s *session) check() error {
	strict := strings.Contains(s.mode, "STRICT_TRANS_TABLES") || strings.Contains(s.mode, "STRICT_ALL_TABLES")
	switch {
	case !s.modern():
		return bursar.Errorf(bursar.CodeUnsupported,
			"the server is %s: a ledger needs MariaDB 10.6, MySQL 8.0.19 or a later one", s.version)
	case !strict:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"sql_mode is %q: numbers that do not fit would be cut to size; add STRICT_TRANS_TABLES to it, "+
				"as mysql.DSN does", s.mode)
	case s.client != charset || s.connection != charset || s.results != charset:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"the connection's character set is %s, %s, %s: references could be mangled; open it with "+
				"collation=utf8mb4_bin, as mysql.DSN does",
			s.client, s.connection, s.results)
	case s.flush != 1 && s.flush != 3:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"innodb_flush_log_at_trx_commit is %d: a commit could be lost with the power; set it to 1 in "+
				"the server's configuration", s.flush)
	case !s.uniqueChecks:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"unique_checks is off: an id could be posted twice; turn it on")
	case !s.checks:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"check_constraint_checks is off: the connection would not keep accounts within their limits; turn it on")
	case s.safeUpdates:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"sql_safe_updates is on: the server would refuse to update several balances at once; turn it off")
	case s.selectLimit != noSelectLimit:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"sql_select_limit is %s: the ledger would not see all of its rows; SET sql_select_limit "+
				"= DEFAULT", s.selectLimit)
	default:
		return s.checkNode()
	}
}

// checkNode refuses a session that would not see, or not tell, what the cluster knows.
func (s *session) checkNode() error {
	switch {
	case !s.replicated:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"wsrep_on is off: the server is no node of a cluster, or the session's writes would stay on this node; use "+
				"mysql:// for a server by itself, or turn it on")
	case !s.syncWait:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"wsrep_sync_wait has no bit 1: the node may not have what another node has answered; set it to 1, as "+
				"mysql.DSN does for galera://")
	case s.dirtyReads:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"wsrep_dirty_reads is on: a node without a majority would answer from the past; turn it off")
	default:
		return nil
	}
}

const charset = "utf8mb4"

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
	switch {
	case strings.Contains(s.version, "MariaDB"):
		least = mariaDBMin
	case strings.Contains(s.version, "TiDB"):
		return true // the version of MySQL that it names says nothing
	}
	number, _, _ := strings.Cut(s.version, "-")
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
