package mysql

import (
	"context"
	"database/sql"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

// A MariaDB is MariaDB 10.6 or later, with or without Galera, for [atomic.Open]. It is MySQL with these
// differences:
//
//   - A shared lock is LOCK IN SHARE MODE, and there is no OF.
//   - A NOWAIT that fails is a lock wait timeout (1205).
//   - At REPEATABLE READ a row that has changed since the snapshot is a conflict (1020).
type MariaDB struct{ Dialect }

var _ atomic.Dialect = MariaDB{}

// Traits returns those of MySQL.
func (MariaDB) Traits() atomic.Traits { return traits("mariadb") }

// LockClause renders FOR UPDATE and LOCK IN SHARE MODE, with NOWAIT or SKIP LOCKED.
func (MariaDB) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	if l.Strength != atomic.Update && l.Strength != atomic.Share || m.ReadOnly || len(l.Of) > 0 {
		return "", unsupportedLock(l, m)
	}
	clause := l.String()
	if l.Strength == atomic.Share {
		clause = strings.Replace(clause, "FOR SHARE", "LOCK IN SHARE MODE", 1)
	}
	return clause, nil
}

// A TiDB is TiDB 6.5 or later in its pessimistic mode, for [atomic.Open]. It is MySQL with these differences:
//
//   - The default isolation is REPEATABLE READ, which is TiDB's snapshot isolation. There is no level above it.
//   - There are no gap locks, no shared locks and no SKIP LOCKED.
//   - A lock on a row that is not written may be lost. Write or guard what you decide on.
type TiDB struct{ Dialect }

var _ atomic.Dialect = TiDB{}

// Traits returns those of MySQL without gap locks.
func (TiDB) Traits() atomic.Traits {
	t := traits("tidb")
	t.GapLocks = false
	return t
}

// Begin begins a database transaction; see [TiDB].
func (d TiDB) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	level := "REPEATABLE READ"
	switch {
	case m.Isolation == sql.LevelReadUncommitted || m.Isolation == sql.LevelReadCommitted:
		level = "READ COMMITTED"
	case m.Isolation == sql.LevelDefault || m.Isolation == sql.LevelRepeatableRead:
	case m.Isolation == sql.LevelSnapshot && m.ReadOnly:
	default:
		return "", unsupportedLevel(m.Isolation)
	}
	return "", d.begin(ctx, conn, level, m.Isolation == sql.LevelSnapshot, m.ReadOnly)
}

// LockClause renders FOR UPDATE, with OF and NOWAIT.
func (TiDB) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	if l.Strength != atomic.Update || l.Wait == atomic.SkipLocked || m.ReadOnly {
		return "", unsupportedLock(l, m)
	}
	return l.String(), nil
}

// Classify reads numbers as [Dialect.Classify] does, and the numbers that only TiDB has.
func (d TiDB) Classify(err error) atomic.Class {
	class := d.Dialect.Classify(err)
	number, _ := d.number(err)
	switch number {
	case 8002, 8005, 8022, 8028, 8147, 9007: // A late conflict or a changed schema: all is rolled back.
		class.Kind, class.Damage = atomic.KindRetry, atomic.DamageAll
	case 9001, 9002, 9003, 9004, 9005: // A part of the cluster is busy or does not answer.
		class.Kind, class.Damage = atomic.KindLost, atomic.DamageAll
	case 8229: // The database transaction is too old.
		class.Kind, class.Damage = atomic.KindStatement, atomic.DamageAll
	case 1105: // Unknown. In old versions it may be a changed schema.
		class.Kind = atomic.KindOther
	}
	return class
}
