package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

// A TiDB is TiDB 6.5 or later, for [atomic.Open]. Its database transactions are pessimistic, whatever tidb_txn_mode
// says. It is MySQL with these differences:
//
//   - REPEATABLE READ is TiDB's snapshot isolation. Its snapshot is as old as the database transaction: after a wait
//     for a lock it reads what was before, and a write of a row that has changed since is no conflict. So READ
//     COMMITTED is the default, and Guard and Advisory are refused above it. There is no level above REPEATABLE READ.
//   - TiDB has no read-only database transactions. Package atomic refuses the writes of a read-only block by their
//     words.
//   - There are no gap locks, no shared locks, no SKIP LOCKED and no OF: TiDB takes any name after it, and fails on an
//     alias.
//   - A lock on a row that is not written may be lost. Write or guard what you decide on.
//   - The locks of a session that was killed, or whose server has died, are given back after about 20 seconds. Others
//     wait so long.
type TiDB struct{ Dialect }

var _ atomic.Dialect = TiDB{}

// Traits returns those of MySQL without gap locks, with what TiDB does not refuse.
func (TiDB) Traits() atomic.Traits {
	t := traits("tidb")
	t.GapLocks, t.WritesReadOnly, t.BeginSnapshots = false, true, true
	return t
}

// Begin begins a database transaction; see [TiDB].
func (d TiDB) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	level, begin, err := d.beginning(m)
	if err != nil {
		return "", err
	}
	return "", d.beginAt(ctx, conn, level, begin)
}

// beginning is the level of a mode and the statement that begins it. TiDB knows READ ONLY as a word that it refuses
// unless tidb_enable_noop_functions is on, and then ignores ("START TRANSACTION" in its manual).
func (TiDB) beginning(m atomic.Mode) (level, begin string, err error) {
	switch m.Isolation {
	case sql.LevelDefault, sql.LevelReadUncommitted, sql.LevelReadCommitted:
		return "READ COMMITTED", beginPessimistic, nil
	case sql.LevelRepeatableRead:
		return "REPEATABLE READ", beginPessimistic, nil
	case sql.LevelSnapshot:
		if m.ReadOnly {
			return "REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT", nil
		}
		return "", "", fmt.Errorf("%w: TiDB does not find that a row which it reads has changed: "+
			"use READ COMMITTED and lock or guard what you decide on", unsupportedLevel(m.Isolation))
	case sql.LevelSerializable:
		return "", "", fmt.Errorf("%w: TiDB has none: use READ COMMITTED and lock or guard what you decide on",
			unsupportedLevel(m.Isolation))
	default:
		return "", "", unsupportedLevel(m.Isolation)
	}
}

// beginPessimistic names the mode, because START TRANSACTION takes that of tidb_txn_mode (its
// page on the pessimistic mode).
const beginPessimistic = "BEGIN PESSIMISTIC"

// LockClause renders FOR UPDATE, with NOWAIT or without.
func (TiDB) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	if l.Strength != atomic.Update || l.Wait == atomic.SkipLocked || len(l.Of) > 0 || m.ReadOnly {
		return "", unsupportedLock(l, m)
	}
	return l.String(), nil
}

// crowded are texts of errors that have no number of their own: a lock was lost to others again and again, or did not
// come in time.
var crowded = []string{"pessimistic lock retry limit reached", "lock wait timeout"}

// Classify reads numbers as [Dialect.Classify] does, and those that only TiDB has. Two errors go by their text.
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
	case unknownError:
		class.Kind = atomic.KindOther
		if slices.ContainsFunc(crowded, func(text string) bool { return strings.Contains(err.Error(), text) }) {
			class.Kind, class.Damage = atomic.KindRetry, atomic.DamageBlock
		}
	}
	return class
}

// unknownError is of whatever has no number. In old versions it may be a changed schema.
const unknownError = 1105
