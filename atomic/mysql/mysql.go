// Package mysql teaches package atomic MySQL: how its database transactions begin and what its errors mean.
//
// [Dialect] is for MySQL, [MariaDB] for MariaDB and [TiDB] for TiDB:
//
//	db := atomic.Open(pool, mysql.Dialect{}, nil)
//
// The package imports no driver. It recognises the errors of github.com/go-sql-driver/mysql by their shape, and
// reads their number. For another driver set [Dialect.Number]. Connections need autocommit on, which is the
// default. In the data source name, clientFoundRows=true is a good choice ([atomic.Swap]) and multiStatements=true
// a bad one.
package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

// A Dialect is MySQL 8 or 9 with InnoDB for [atomic.Open]. It has no state; the zero value is ready for use.
//
// Database transactions are READ COMMITTED unless another level is asked for, whatever the default of the session
// is. Without gap locks there are far fewer deadlocks, and guards and versions do what gap locks promise.
// sql.LevelSnapshot is REPEATABLE READ with a snapshot taken at once if the database transaction is read-only.
// Otherwise it is SERIALIZABLE, because REPEATABLE READ mixes two times when it writes.
type Dialect struct {
	// Number, if not nil, returns the number in an error of another driver.
	Number func(err error) (number uint16, ok bool)
}

var _ atomic.Dialect = Dialect{}

// Traits says what MySQL does in its own way. A deadlock rolls back everything. If it happens while rows are read,
// only their reader sees that; every later statement would commit by itself, and COMMIT would succeed. A lock wait
// timeout undoes the one statement only. DDL commits.
func (Dialect) Traits() atomic.Traits { return traits("mysql") }

func traits(name string) atomic.Traits {
	return atomic.Traits{
		Name: name, SilentRollback: true, EmptyCommit: true, RowsBlock: true,
		DeadlockEndsAll: true, TimeoutUndoesStatement: true, DDLCommits: true,
		ChangedRows: true, GapLocks: true, BackslashEscapes: true,
	}
}

// Begin begins a database transaction; see [Dialect].
func (d Dialect) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	level, snapshot := "", false
	switch m.Isolation {
	case sql.LevelDefault, sql.LevelReadUncommitted, sql.LevelReadCommitted:
		level = "READ COMMITTED"
	case sql.LevelRepeatableRead:
		level = "REPEATABLE READ"
	case sql.LevelSnapshot:
		level, snapshot = "REPEATABLE READ", m.ReadOnly
		if !m.ReadOnly {
			level = "SERIALIZABLE"
		}
	case sql.LevelSerializable:
		level = "SERIALIZABLE"
	default:
		return "", unsupportedLevel(m.Isolation)
	}
	return "", d.begin(ctx, conn, level, snapshot, m.ReadOnly)
}

func unsupportedLevel(level sql.IsolationLevel) error {
	return fmt.Errorf("mysql: %w: isolation level %v", atomic.ErrUnsupported, level)
}

// begin is beginAt with the words of START TRANSACTION.
func (d Dialect) begin(ctx context.Context, conn *sql.Conn, level string, snapshot, readOnly bool) error {
	var words []string
	if snapshot {
		words = append(words, " WITH CONSISTENT SNAPSHOT")
	}
	if readOnly {
		words = append(words, " READ ONLY")
	}
	return d.beginAt(ctx, conn, level, "START TRANSACTION"+strings.Join(words, ","))
}

// beginAt runs two statements, because no statement that begins has a word for the isolation level. The first one
// holds for the next database transaction only, so the level of the session needs no restoring. It is refused while a
// database transaction is open, which the second one would commit.
func (d Dialect) beginAt(ctx context.Context, conn *sql.Conn, level, begin string) error {
	if _, err := conn.ExecContext(ctx, "SET TRANSACTION ISOLATION LEVEL "+level); err != nil {
		if number, ok := d.number(err); ok && number == transactionOpen {
			return fmt.Errorf("%w: %w", atomic.ErrLeftOpen, err)
		}
		return err
	}
	_, err := conn.ExecContext(ctx, begin)
	return err
}

// Commit commits. It succeeds even if the server has rolled back before. The trait EmptyCommit makes package atomic
// look first.
func (Dialect) Commit(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}

// Rollback rolls back.
func (Dialect) Rollback(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "ROLLBACK")
	return err
}

// State makes a savepoint and releases it. Outside a database transaction the savepoint is gone at once.
func (d Dialect) State(ctx context.Context, conn atomic.Conn) (atomic.State, error) {
	if _, err := conn.ExecContext(ctx, "SAVEPOINT atomic_state"); err != nil {
		return atomic.StateNone, err
	}
	_, err := conn.ExecContext(ctx, "RELEASE SAVEPOINT atomic_state")
	if err == nil {
		return atomic.StateOpen, nil
	}
	if number, ok := d.number(err); ok && number == noSavepoint {
		return atomic.StateNone, nil
	}
	return atomic.StateNone, err
}

// committing are the first words of statements that commit by themselves. TEMPORARY tables are excepted.
var committing = []string{
	"ALTER", "ANALYZE", "BACKUP", "CACHE", "CHANGE", "CHECK", "CREATE", "DROP", "FLUSH", "GRANT", "IMPORT", "INSTALL",
	"LOCK", "OPTIMIZE", "RENAME", "REPAIR", "RESET", "REVOKE", "START", "STOP", "TRUNCATE", "UNINSTALL", "UNLOCK",
}

// CheckDeferred does nothing: every constraint is checked with its statement.
func (Dialect) CheckDeferred(context.Context, atomic.Conn) error { return nil }

// Commits reports whether a statement commits by itself. Those are DDL except for temporary tables, grants, LOCK
// TABLES, and statements that maintain tables or the server.
func (Dialect) Commits(words []string) bool {
	switch words[0] {
	case "CREATE", "DROP":
		return !slices.Contains(words[1:], "TEMPORARY")
	case "LOAD":
		return len(words) > 1 && words[1] == "INDEX"
	case "SET":
		return len(words) > 1 && words[1] == "PASSWORD"
	}
	return slices.Contains(committing, words[0])
}

// LockClause renders FOR UPDATE and FOR SHARE with their options. InnoDB has no weaker locks.
func (Dialect) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	if l.Strength != atomic.Update && l.Strength != atomic.Share || m.ReadOnly {
		return "", unsupportedLock(l, m)
	}
	return l.String(), nil
}

func unsupportedLock(l atomic.RowLock, m atomic.Mode) error {
	if m.ReadOnly {
		return fmt.Errorf("mysql: %w: %s in a read-only database transaction", atomic.ErrUnsupported, l)
	}
	return fmt.Errorf("mysql: %w: %s", atomic.ErrUnsupported, l)
}
