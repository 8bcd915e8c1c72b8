package mysql

import (
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
