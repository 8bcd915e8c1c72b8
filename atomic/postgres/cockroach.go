package postgres

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar/atomic"
)

// A Cockroach is CockroachDB for [atomic.Open]. It is PostgreSQL with these differences:
//
//   - The default isolation is SERIALIZABLE, which is CockroachDB's own default. It stands in for REPEATABLE READ
//     as well.
//   - Every conflict ends the whole database transaction, deadlocks included: no savepoint survives it.
//   - There are no advisory locks. Functions of that name exist and do nothing. [atomic.Advisory] writes a row of
//     the table atomic_lock.
//   - A lock on a row that is not written may be lost. Write or guard what you decide on.
type Cockroach struct{ Dialect }

var _ atomic.Dialect = Cockroach{}

// Traits says in addition that a deadlock ends everything.
func (Cockroach) Traits() atomic.Traits {
	return atomic.Traits{Name: "cockroach", RowsBlock: true, DeadlockEndsAll: true}
}

// Begin begins a database transaction; see [Cockroach].
func (Cockroach) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	level, err := isolation(m.Isolation, "SERIALIZABLE", "SERIALIZABLE")
	if err != nil {
		return "", err
	}
	return "", begin(ctx, conn, level, m.ReadOnly, false) // A BEGIN inside a database transaction is refused.
}

// CheckDeferred does nothing: CockroachDB checks every constraint with its statement.
func (Cockroach) CheckDeferred(context.Context, atomic.Conn) error { return nil }

// Classify reads SQLSTATEs as [Dialect.Classify] does. A deadlock ends everything.
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
