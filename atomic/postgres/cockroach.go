package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

// A Cockroach is CockroachDB 24.1 or later for [atomic.Open]. No run of ours has tried it: each of these differences to
// PostgreSQL is taken from a page of CockroachDB's manual, which is named by its title.
//
//   - The default isolation is SERIALIZABLE, which is CockroachDB's own default. It stands in for REPEATABLE READ
//     as well ("Transactions").
//   - BEGIN takes READ ONLY, and the writes of a read-only block are refused ("BEGIN").
//   - Every conflict ends the whole database transaction, deadlocks included: no savepoint survives it (its page
//     on retry errors).
//   - DDL in a block would commit the block first, which is the default since 25.1. Every block switches that off for
//     itself ("Session Variables", autocommit_before_ddl). A block with DDL may still fail at its COMMIT after the
//     rows have been committed ("Online Schema Changes").
//   - There are no advisory locks. Functions of that name exist and do nothing (unchecked: by the list of functions
//     in "Functions and Operators"). [atomic.Advisory] writes a row of the table atomic_lock.
//   - FOR SHARE locks nothing at SERIALIZABLE, so there it is refused. FOR NO KEY UPDATE is FOR UPDATE, and FOR KEY
//     SHARE is FOR SHARE ("FOR UPDATE and FOR SHARE").
//   - A lock on a row that is not written may be lost, at SERIALIZABLE ("FOR UPDATE and FOR SHARE"). Write or guard
//     what you decide on.
type Cockroach struct{ Dialect }

var _ atomic.Dialect = Cockroach{}

// Traits says in addition that a deadlock ends everything.
func (Cockroach) Traits() atomic.Traits {
	return atomic.Traits{Name: "cockroach", RowsBlock: true, DeadlockEndsAll: true}
}

// Begin begins a database transaction; see [Cockroach]. A BEGIN inside a database transaction is refused.
func (d Cockroach) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	query, err := d.beginning(m)
	if err != nil {
		return "", err
	}
	err = send(ctx, conn, query)
	if state(err) == undefinedObject {
		err = fmt.Errorf("%w: the server is older than CockroachDB 24.1: %w", atomic.ErrUnsupported, err)
	}
	return "", err
}

// undefinedObject is the SQLSTATE of a setting that the server does not have.
const undefinedObject = "42704"

// beginning is one message, so that the setting costs no round trip.
func (Cockroach) beginning(m atomic.Mode) (string, error) {
	level, err := isolation(m.Isolation, "SERIALIZABLE", "SERIALIZABLE")
	return beginning(level, m.ReadOnly) + "; SET LOCAL autocommit_before_ddl = off", err
}

// CheckDeferred does nothing: CockroachDB rejects a statement that violates a constraint ("Constraints").
func (Cockroach) CheckDeferred(context.Context, atomic.Conn) error { return nil }

// LockClause renders every clause that locks.
func (d Cockroach) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	shared := l.Strength == atomic.Share || l.Strength == atomic.KeyShare
	if shared && m.Isolation != sql.LevelReadCommitted && m.Isolation != sql.LevelReadUncommitted {
		return "", fmt.Errorf("postgres: %w: %s locks nothing on CockroachDB at SERIALIZABLE: take Update, or begin the "+
			"block READ COMMITTED", atomic.ErrUnsupported, l)
	}
	return d.Dialect.LockClause(l, m)
}

// Classify reads SQLSTATEs as [Dialect.Classify] does. A deadlock ends everything. 40001 is every "restart
// transaction", at COMMIT too, where nothing was committed; 40003 is "result is ambiguous" (its page on common
// errors).
func (d Cockroach) Classify(err error) atomic.Class {
	class := d.Dialect.Classify(err)
	switch class.Code {
	case deadlockDetected, legacyRetry:
		class.Kind, class.Damage = atomic.KindRetry, atomic.DamageAll
	}
	return class
}

// Statements returns those of PostgreSQL, with rows for advisory locks.
func (d Cockroach) Statements() *atomic.Statements {
	s := d.Dialect.Statements()
	s.AdvisoryWait, s.AdvisoryTry = "", ""
	return s
}
