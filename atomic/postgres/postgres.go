// Package postgres teaches package atomic PostgreSQL: how its database transactions begin and what its errors mean.
//
// [Dialect] is the one name needed, [Cockroach] for CockroachDB:
//
//	db := atomic.Open(pool, postgres.Dialect{}, nil)
//
// The package imports no driver. It reads the errors of any driver if they have a method SQLState() string. Those
// of pgx (through its package stdlib) and lib/pq have one, and are what is tested. It changes no settings of a
// connection.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"

	"github.com/bursar-ledger/bursar/atomic"
)

// A Dialect is PostgreSQL for [atomic.Open]. It has no state; the zero value is ready for use.
//
// Database transactions are READ COMMITTED unless another level is asked for, whatever the default of the session
// is. With locks, guards or versions that is right, and it never fails for a conflict of snapshots.
// sql.LevelRepeatableRead and sql.LevelSnapshot give REPEATABLE READ, sql.LevelSerializable gives SERIALIZABLE.
type Dialect struct{}

var _ atomic.Dialect = Dialect{}

// Traits says that rows must be closed before the next statement. Everything else is as in the standard. There is
// no silent rollback: a failed database transaction refuses every statement until the rollback.
func (Dialect) Traits() atomic.Traits { return atomic.Traits{Name: "postgres", RowsBlock: true} }

// Begin begins a database transaction; see [Dialect].
func (Dialect) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	level, err := isolation(m.Isolation, "READ COMMITTED", "REPEATABLE READ")
	if err != nil {
		return "", err
	}
	return "", begin(ctx, conn, level, m.ReadOnly, !discardsLeftOpen(conn))
}

// isolation is the name of a level. usual is the name for the default, snapshot the name for a snapshot.
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

// begin begins, in one message.
//
// PostgreSQL answers a BEGIN inside a database transaction with a mere warning, and the COMMIT that follows would
// commit what a stranger has left on the connection. But it refuses to change the isolation level once a statement has
// run. So guarded begins with one level and then sets another: at least one of the two is a change.
func begin(ctx context.Context, conn *sql.Conn, level string, readOnly, guarded bool) error {
	query := beginning(level, readOnly)
	if guarded {
		other := "REPEATABLE READ"
		if level == other {
			other = "READ COMMITTED"
		}
		query = "BEGIN ISOLATION LEVEL " + other + "; SET TRANSACTION ISOLATION LEVEL " + options(level, readOnly)
	}
	return send(ctx, conn, query)
}

// beginning is the statement that begins.
func beginning(level string, readOnly bool) string {
	return "BEGIN ISOLATION LEVEL " + options(level, readOnly)
}

func options(level string, readOnly bool) string {
	if readOnly {
		return level + " READ ONLY"
	}
	return level
}

// send sends what begins.
func send(ctx context.Context, conn *sql.Conn, query string) error {
	_, err := conn.ExecContext(ctx, query)
	switch state(err) {
	case activeTransaction, inFailedTransaction:
		return fmt.Errorf("%w: %w", atomic.ErrLeftOpen, err)
	}
	return err
}

// discardsLeftOpen reports whether the driver itself closes a connection of the pool that has a database transaction
// open. pgx's package stdlib does. lib/pq does not, and of a driver around another nothing is known.
func discardsLeftOpen(conn *sql.Conn) (discards bool) {
	_ = conn.Raw(func(driverConn any) error {
		t := reflect.TypeOf(driverConn)
		discards = t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "github.com/jackc/pgx/v5/stdlib"
		return nil
	})
	return discards
}

// commitQuery is one message of two statements. A COMMIT alone would succeed in a failed database transaction: the
// server answers ROLLBACK and does not call it an error. The SAVEPOINT is refused there, and also where no database
// transaction is open, and the COMMIT after it is not run.
const commitQuery = "SAVEPOINT atomic_end; COMMIT"

// Commit commits. It never reports a commit where PostgreSQL has rolled back, even if no error was seen before and
// although database/sql hides the words with which COMMIT is answered. It costs one round trip, as COMMIT alone
// does.
//
// A failed database transaction is an error that wraps [atomic.ErrBroken]. If none is open any more, a statement
// that was not seen has ended it, and the outcome is unknown.
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

// State makes a savepoint. That needs a database transaction that has not failed.
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

// CheckDeferred makes all constraints immediate.
func (Dialect) CheckDeferred(ctx context.Context, conn atomic.Conn) error {
	_, err := conn.ExecContext(ctx, "SET CONSTRAINTS ALL IMMEDIATE")
	return err
}

// Commits returns false for every statement: in PostgreSQL DDL is part of the database transaction.
func (Dialect) Commits([]string) bool { return false }

// LockClause renders every clause, because all are PostgreSQL's own. A read-only database transaction cannot lock
// rows.
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
