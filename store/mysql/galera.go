package mysql

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"

	gomysql "github.com/go-sql-driver/mysql"
)

// NewGalera makes a store over a handle on one node of a Galera cluster of MariaDB, opened with the DSN of a galera://
// URL. Ledgers may write on all nodes at once. It is the same ledger as on one server but for this:
//
//   - Locks of rows bind one node. Among nodes the first to commit wins, and what it has changed makes others begin
//     again: error 1213 at any statement, and at COMMIT. Whatever a decision relies on is therefore written, also an
//     account that only a condition names, or that ledger's Joined.Lock has locked. A row that an application locks by
//     itself with FOR UPDATE is locked on its node alone.
//   - In ledger.In, 1213 may come from the application's own COMMIT. Nothing is committed then. ledger.Do and atomic.Do
//     begin again by themselves, ledger.Do with [OnGalera] or [OnGaleraFunc].
//   - Each database transaction begins with what was committed on any node before it. That is the session's
//     wsrep_sync_wait, and costs a round trip among the nodes.
//   - Only the first node of the cluster makes tables. Another refuses to migrate, and names it.
//   - A node without a majority refuses everything. After 20 attempts that is bursar.CodeUnavailable, which says what
//     to do.
//   - Every node has a clock of its own, and the ledger's time is that of the node which is asked. It never goes back,
//     so a node whose clock is ahead takes all of them along.
//   - Queues on one node take turns. Those on different nodes run into each other at the journal's head, where the
//     faster wins and the other begins again.
func NewGalera(db *sql.DB) *Store { return newStore(db, galeraDialect(), nil) }

// OnGalera is [On] for a node of a cluster. It begins again as often as a ledger there does, up to 400 times within a
// minute, because the faster wins; On gives up after 20. What is away is given up sooner: see [NewGalera].
func OnGalera(db *sql.DB) driver.Transactor[*sql.Tx] { return sqlstore.OnSQL(db, galeraDialect()) }

// OnGaleraFunc is [OnFunc] for a node of a cluster, as [OnGalera] is [On].
func OnGaleraFunc[T any](
	within func(ctx context.Context, fn func(tx T) error) error, of func(tx T) DBTX,
) driver.Transactor[T] {
	return sqlstore.OnFunc(within, func(tx T) sqlstore.DBTX { return of(tx) }, galeraDialect())
}

// galeraScheme is the scheme of URLs of a node.
const galeraScheme = "galera"

// galeraSettings replaces the columns of anywhere on a node.
const galeraSettings = `, @@wsrep_on, @@wsrep_sync_wait & 1, @@wsrep_dirty_reads`

// onNode is one more column: whether the server is a node of a cluster. A server that was built without Galera does not
// have the variable. unasked stands in its place.
const onNode = `, /*M! (SELECT COUNT(*) FROM information_schema.global_variables
		WHERE variable_name = 'WSREP_ON' AND variable_value = 'ON') */ /*!50700 0 */`

const unasked = `, 0`

func galeraDialect() sqlstore.Dialect {
	d := dialect(galera)
	d.Migrates, d.Atomic = migrates, lateMariaDB{}
	return d
}

// lateMariaDB is lostMariaDB with one more thing that a node says to who is too late. It ends his statement wherever
// that is, and where that was at reading the triggers of a table the answer is that a trigger cannot be read: error
// 1064, with half of the trigger or nothing of it.
type lateMariaDB struct{ lostMariaDB }

// Classify implements atomic.Dialect.
func (d lateMariaDB) Classify(err error) atomic.Class {
	class := d.lostMariaDB.Classify(err)
	var server *gomysql.MySQLError
	if errors.As(err, &server) && server.Number == syntaxError && strings.Contains(server.Message, inTrigger) {
		class.Kind, class.Damage = atomic.KindRetry, atomic.DamageAll
	}
	return class
}

const (
	syntaxError = 1064
	// inTrigger tells an error in the text of a trigger from one in a statement, which has the same number.
	inTrigger = " has an error in its body: "
)

// place is the node's number in its cluster, and the addresses of all nodes in that order.
const place = `SELECT MAX(IF(variable_name = 'WSREP_LOCAL_INDEX', variable_value, '')),
		MAX(IF(variable_name = 'WSREP_INCOMING_ADDRESSES', variable_value, ''))
	FROM information_schema.global_status WHERE variable_name IN ('WSREP_LOCAL_INDEX', 'WSREP_INCOMING_ADDRESSES')
	HAVING @@wsrep_on`

// migrates lets the first node alone make tables: a lock that GET_LOCK gives binds one node, and a cluster of which two
// nodes make triggers and views at once stands still for good.
func migrates(ctx context.Context, conn sqlstore.Executor) error {
	number, addresses := "", ""
	err := sqlstore.Each(ctx, conn, place, func(scan func(...any) error) error { return scan(&number, &addresses) })
	if err != nil {
		return err
	}
	switch first, _, _ := strings.Cut(addresses, ","); number {
	case "0":
		return nil
	case "":
		return bursar.Errorf(bursar.CodeUnsupported, "the server is no node of a Galera cluster: use mysql://")
	default:
		return bursar.Errorf(bursar.CodeSchemaBehind,
			"only the first node of a cluster makes tables, so that no two do at once: migrate on %s", first)
	}
}

const notReady = 1047

// remedy says what to do about a node that is alone.
func remedy(err error) string {
	var server *gomysql.MySQLError
	if errors.As(err, &server) && server.Number == notReady {
		return "the node has no majority of its cluster, or is not ready yet (1047): use another node, or wait until " +
			"its wsrep_ready is ON"
	}
	return ""
}
