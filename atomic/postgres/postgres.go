// Package postgres teaches package atomic PostgreSQL: how its database transactions begin and what its errors mean.
//
// [Dialect] is the one name needed, [Cockroach] for CockroachDB:
//
//	db := atomic.Open(pool, postgres.Dialect{}, nil)
//
// The package imports no driver. It reads the SQLSTATE of any driver whose errors have a method SQLState() string, as those of
// pgx (through its package stdlib) and lib/pq have. It changes no settings of a connection.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

// A Dialect is PostgreSQL for [atomic.Open]. It has no state; the zero value is ready for use.
//
// Database transactions are READ COMMITTED unless another level is asked for, whatever the default of the session is:
// with locks, guards or versions it is right, and it never fails for a conflict of snapshots. sql.LevelRepeatableRead and
// sql.LevelSnapshot give REPEATABLE READ, sql.LevelSerializable gives SERIALIZABLE.
type Dialect struct{}

var _ atomic.Dialect = Dialect{}

// Traits says that rows must be closed before the next statement; all else is as the standard would have it. Of a silent
// rollback there is nothing to fear: a failed database transaction refuses every statement by itself until the rollback.
func (Dialect) Traits() atomic.Traits { return atomic.Traits{Name: "postgres", RowsBlock: true} }

// Begin begins a database transaction; see [Dialect].
func (Dialect) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	level, err := isolation(m.Isolation, "READ COMMITTED", "REPEATABLE READ")
	if err != nil {
		return "", err
	}
	return "", begin(ctx, conn, level, m.ReadOnly)
}

// isolation is the name of a level, given those of the default and of a snapshot.
func isolation(level sql.IsolationLevel, usual, snapshot string) (string, error) {
	switch level {
	case sql.LevelDefault:
		return usual, nil
	case sql.LevelReadUncommitted, sql.LevelReadCommitted:
		return "READ COMMITTED", nil
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		return snapshot, nil
	case sql.LevelSerializable:
		return "SERIALIZABLE", nil
	}
	return "", fmt.Errorf("postgres: %w: isolation level %v", atomic.ErrUnsupported, level)
}

func begin(ctx context.Context, conn *sql.Conn, level string, readOnly bool) error {
	query := "BEGIN ISOLATION LEVEL " + level
	if readOnly {
		query += " READ ONLY"
	}
	_, err := conn.ExecContext(ctx, query)
	return err
}

// commitQuery is one message of two statements. A failed database transaction refuses the first, so that the second, to
// which the server would answer ROLLBACK without calling it an error, is never run; and so does the lack of one.
const commitQuery = "SAVEPOINT atomic_end; COMMIT"

// Commit commits. It never takes for a commit what PostgreSQL has rolled back, whoever has seen the error, and although
// database/sql does not pass on the words with which COMMIT is answered. It costs no round trip more than COMMIT.
//
// A failed database transaction is an error that wraps [atomic.ErrBroken]. Where none is open any more, because a
// statement that could not be seen has ended it, the outcome is unknown.
func (Dialect) Commit(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, commitQuery)
	if state(err) == inFailedTransaction {
		return fmt.Errorf("%w: %w", atomic.ErrBroken, err)
	}
	return err
}

// Rollback rolls back.
func (Dialect) Rollback(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "ROLLBACK")
	return err
}

// State asks by a savepoint, which needs a database transaction that has not failed.
func (Dialect) State(ctx context.Context, conn atomic.Conn) (atomic.State, error) {
	_, err := conn.ExecContext(ctx, "SAVEPOINT atomic_state")
	switch state(err) {
	case inFailedTransaction:
		return atomic.StateFailed, nil
	case noTransaction:
		return atomic.StateNone, nil
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, "RELEASE SAVEPOINT atomic_state")
	}
	if err != nil {
		return atomic.StateNone, err
	}
	return atomic.StateOpen, nil
}

// Commits is false for every statement: DDL belongs to the database transaction.
func (Dialect) Commits([]string) bool { return false }

// LockClause renders every clause: it is PostgreSQL's own. A read-only database transaction cannot lock rows.
func (Dialect) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	if m.ReadOnly {
		return "", fmt.Errorf("postgres: %w: %s in a read-only database transaction", atomic.ErrUnsupported, l)
	}
	return l.String(), nil
}

// state is the SQLSTATE inside err, empty if there is none.
func state(err error) string {
	var coded interface {
		error
		SQLState() string
	}
	if !errors.As(err, &coded) {
		return ""
	}
	return coded.SQLState()
}
