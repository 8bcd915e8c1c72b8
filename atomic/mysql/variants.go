package mysql

import (
	"context"
	"database/sql"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

// A MariaDB is MariaDB 10.6 or later, Galera included, for [atomic.Open]. It is MySQL but for its lock clauses: a shared lock is LOCK IN SHARE
// MODE, and there is no OF. A NOWAIT that fails is a lock wait timeout to it (1205), and at REPEATABLE READ a row that has
// changed since the snapshot is a conflict (1020).
type MariaDB struct{ Dialect }

var _ atomic.Dialect = MariaDB{}

// Traits are those of MySQL.
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

// A TiDB is TiDB 6.5 or later in its pessimistic mode for [atomic.Open]. It is MySQL but for this:
//
//   - The default isolation is REPEATABLE READ, which is TiDB's snapshot isolation; there is nothing above it.
//   - There are no gap locks, no shared locks and no SKIP LOCKED.
//   - A lock on a row that is not written may be lost; what is decided on it must be written or guarded.
type TiDB struct{ Dialect }

var _ atomic.Dialect = TiDB{}

// Traits are those of MySQL without gap locks.
func (TiDB) Traits() atomic.Traits {
	t := traits("tidb")
	t.GapLocks = false
	return t
}

// Begin begins a database transaction; see [TiDB].
func (TiDB) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	level := "REPEATABLE READ"
	switch {
	case m.Isolation == sql.LevelReadUncommitted || m.Isolation == sql.LevelReadCommitted:
		level = "READ COMMITTED"
	case m.Isolation == sql.LevelDefault || m.Isolation == sql.LevelRepeatableRead:
	case m.Isolation == sql.LevelSnapshot && m.ReadOnly:
	default:
		return "", unsupportedLevel(m.Isolation)
	}
	return "", begin(ctx, conn, level, m.Isolation == sql.LevelSnapshot, m.ReadOnly)
}

// LockClause renders FOR UPDATE, with OF and NOWAIT.
func (TiDB) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	if l.Strength != atomic.Update || l.Wait == atomic.SkipLocked || m.ReadOnly {
		return "", unsupportedLock(l, m)
	}
	return l.String(), nil
}

// Classify reads numbers as [Dialect.Classify] does, and TiDB's own.
func (d TiDB) Classify(err error) atomic.Class {
	class := d.Dialect.Classify(err)
	number, _ := d.number(err)
	switch number {
	case 8002, 8005, 8022, 8028, 8147, 9007: // Conflicts found late, and a schema that has changed: all rolled back.
		class.Kind, class.Damage = atomic.KindRetry, atomic.DamageAll
	case 9001, 9002, 9003, 9004, 9005: // Parts of the cluster that do not answer, or are busy.
		class.Kind, class.Damage = atomic.KindLost, atomic.DamageAll
	case 8229: // The database transaction is older than TiDB keeps them.
		class.Kind, class.Damage = atomic.KindStatement, atomic.DamageAll
	case 1105: // Any unknown error, a schema that has changed in old versions among them.
		class.Kind = atomic.KindOther
	}
	return class
}
