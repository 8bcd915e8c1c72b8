package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// rule is something that a connection must not be.
type rule struct {
	broken string // SQL that is true when it is
	remedy string
	code   bursar.Code // bursar.CodeUnsafeTransaction unless given
	reads  bool        // where it is broken the connection may be read on: see sqlstore.NoWrites
}

// Rules that hold for the ledger's own connections and for the application's alike.
var (
	recovery = rule{broken: `pg_is_in_recovery()`, reads: true,
		remedy: "this is a standby, which only reads: connect to the primary, or try again when it is promoted"}
	replication = rule{broken: `current_setting('session_replication_role') <> 'origin'`,
		remedy: "session_replication_role is not origin, so that the triggers that guard the journal would not " +
			"fire: set it to origin"}
	durable = rule{broken: `current_setting('synchronous_commit') = 'off'`,
		remedy: "synchronous_commit is off: a commit could be lost in a crash; set it to on"}
	synced = rule{broken: `current_setting('fsync') = 'off'`,
		remedy: "fsync is off: a crash of the machine could destroy the ledger; turn it on in the server's " +
			"configuration"}
	whole = rule{broken: `current_setting('full_page_writes') = 'off'`,
		remedy: "full_page_writes is off: a crash of the machine could leave torn pages; turn it on in the " +
			"server's configuration"}
	unicode = rule{broken: `current_setting('client_encoding') <> 'UTF8'`,
		remedy: "client_encoding is not UTF8, so that text would be stored as other text: set it to UTF8"}
)

// Rules for a database transaction of the application's.
var (
	level = rule{broken: `current_setting('transaction_isolation')
			NOT IN ('read uncommitted', 'read committed', 'serializable')`,
		remedy: "the isolation level is REPEATABLE READ, which does not see what others have committed meanwhile: " +
			"begin with READ COMMITTED, " +
			"PostgreSQL's default, or SERIALIZABLE"}
	writable = rule{broken: `current_setting('transaction_read_only') = 'on'`,
		remedy: "the database transaction is read-only: begin one that may write"}
	here = rule{broken: `to_regclass('bursar_head') IS NULL`,
		remedy: "there is no ledger on the search_path of this database transaction: use the ledger's own " +
			"database and schema"}
)

// Rules for the ledger's own connections. Those before recovery hold for reading as well.
var (
	version = rule{broken: `current_setting('server_version_num')::integer < 150000`,
		remedy: "the server is older than PostgreSQL 15", code: bursar.CodeUnsupported}
	encoding = rule{broken: `current_setting('server_encoding') <> 'UTF8'`,
		remedy: "the database's encoding is not UTF8: create one with ENCODING UTF8 TEMPLATE template0",
		code:   bursar.CodeUnsupported}
	writes = rule{broken: `current_setting('default_transaction_read_only') = 'on'`,
		remedy: "default_transaction_read_only is on, so that nothing could be posted: set it to off"}
)

// rules are compared with a connection in one round trip.
type rules []rule

var (
	postgresJoins = rules{here, recovery, level, writable, replication, durable, synced, whole, unicode}
	postgresOwn   = rules{version, encoding, unicode, recovery, writes, replication, durable, synced, whole}
)

// broken is a query with one row for each rule that is broken, its number.
func (r rules) broken() string {
	rows := make([]string, len(r))
	for i := range r {
		rows[i] = fmt.Sprintf("(%d, %s)", i, r[i].broken)
	}
	return "SELECT i FROM (VALUES " + strings.Join(rows, ", ") + ") AS rule (i, broken) WHERE broken ORDER BY i"
}

// any is a query with one row if a rule is broken. It reads nothing, so that there is little to plan.
func (r rules) any() string {
	conditions := make([]string, len(r))
	for i := range r {
		conditions[i] = r[i].broken
	}
	return "SELECT 1 WHERE " + strings.Join(conditions, " OR ")
}

// check is the error of the first rule that a connection breaks, nil if there is none.
func (r rules) check(ctx context.Context, conn sqlstore.Executor) (err error) {
	rows, err := conn.Query(ctx, r.broken())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return rows.Err()
	}
	var i int
	if err := rows.Scan(&i); err != nil {
		return err
	}
	if r[i].reads {
		return sqlstore.NoWrites(r[i].remedy)
	}
	code := r[i].code
	if code == "" {
		code = bursar.CodeUnsafeTransaction
	}
	return bursar.Errorf(code, "%s", r[i].remedy)
}

// ready checks that the driver of a connection of the store's own takes arrays, which tell a statement its accounts,
// and then the connection.
func (r rules) ready(ctx context.Context, conn sqlstore.Executor) error {
	if _, err := conn.Exec(ctx, `SELECT cardinality($1::bigint[])`, []int64{1}); err != nil {
		return err
	}
	return r.check(ctx, conn)
}

// Outside of a database transaction a savepoint is an error, and does no harm; inside it leaves no trace. Asking for
// the session's state would not do: outside of a database transaction, the query that asks is one itself.
const savepoint, release = "SAVEPOINT bursar_joined", "RELEASE SAVEPOINT bursar_joined"

// admit checks a database transaction that the application began, in one round trip when all is well.
//
// Types that are not known here get each statement by itself. A wrapper that prepares every statement cannot take three
// at once. A wrapper that hides a pool may give each statement another connection; the first of them fails, because no
// database transaction is open there. A wrapper that writes arguments into the statement itself, in other places than
// $1, shows itself by an argument that does not arrive.
func (r rules) admit(ctx context.Context, tx sqlstore.Executor, given any) error {
	broken, err := r.ask(ctx, tx, given)
	switch {
	case err != nil:
		return notOpen(err, given)
	case broken > 0:
		return r.check(ctx, tx)
	default:
		return nil
	}
}

// limit makes a query one with an argument. Drivers prepare such a query, so that the server keeps its plan.
const limit = " LIMIT $1"

// ask counts the rows of any, in a database transaction that is open.
func (r rules) ask(ctx context.Context, tx sqlstore.Executor, given any) (broken int64, err error) {
	var together []string
	switch given.(type) {
	case *atomic.Tx: // Do has begun it and keeps it open
	case *sql.Tx, *pgxTx:
		together = []string{savepoint, release}
	default:
		if err := hasSavepoints(ctx, tx, given); err != nil {
			return 0, err
		}
		return tx.Exec(ctx, r.any()+limit, 1)
	}
	if piper, ok := tx.(sqlstore.Piper); ok {
		broken, err = r.pipe(ctx, piper, together)
		if !errors.Is(err, sqlstore.ErrNoPipe) {
			return broken, err
		}
	}
	return tx.Exec(ctx, strings.Join(append(together, r.any()), "; "))
}

// pipe is ask over a connection that sends statements together, each prepared.
func (r rules) pipe(ctx context.Context, tx sqlstore.Piper, before []string) (broken int64, err error) {
	calls := make([]*sqlstore.Call, 0, len(before)+1)
	for _, statement := range before {
		calls = append(calls, &sqlstore.Call{Query: statement})
	}
	last := &sqlstore.Call{Query: r.any() + limit, Args: []any{1}}
	_, err = tx.Pipe(ctx, append(calls, last))
	return last.Touched, err
}

// isOpen refuses what is no open database transaction, which may be a read-only one.
func isOpen(ctx context.Context, tx sqlstore.Executor, given any) error {
	switch given.(type) {
	case *atomic.Tx, *sql.Tx, *pgxTx:
		return nil
	}
	if err := hasSavepoints(ctx, tx, given); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SELECT $1::bigint", 1)
	return notOpen(err, given)
}

func hasSavepoints(ctx context.Context, tx sqlstore.Executor, given any) error {
	for _, statement := range []string{savepoint, release} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return notOpen(err, given)
		}
	}
	return nil
}

// SQLSTATEs of what is not an open database transaction, and of a $1 that no argument came for.
const (
	noTransaction      = "25P01"
	failedTransaction  = "25P02"
	undefinedParameter = "42P02"
)

func notOpen(err error, given any) error {
	switch (atomicpostgres.Dialect{}).Classify(err).Code {
	case undefinedParameter:
		return &bursar.Error{Code: bursar.CodeUnsupported, Err: err,
			Message: fmt.Sprintf("the %T does not hand arguments on as $1: pass the *sql.Tx inside it", given)}
	case noTransaction:
		return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
			Message: fmt.Sprintf("no database transaction is open on the %T: begin one first", given)}
	case failedTransaction:
		return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
			Message: "a statement of the database transaction has failed before: roll it back and begin again"}
	default:
		return err
	}
}
