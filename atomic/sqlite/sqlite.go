// Package sqlite teaches package atomic SQLite: how its database transactions begin and what its errors mean.
//
// [Dialect] is the one name needed:
//
//	db := atomic.Open(pool, sqlite.Dialect{}, nil)
//
// The package imports no driver. It reads the errors of any driver if they have a method Code() int that returns
// SQLite's extended result code, as those of modernc.org/sqlite do, or a field ExtendedCode, as those of
// mattn/go-sqlite3 do. The package changes no pragma but query_only, and that only while a read-only database
// transaction is open. Journal mode, busy timeout and synchronous are the application's choice. WAL, a busy timeout of
// some seconds and synchronous=FULL are a good one.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

// A Dialect is SQLite for [atomic.Open]. It has no state; the zero value is ready for use.
//
// Writers begin with BEGIN IMMEDIATE, so they wait for the write lock before they read. A reader that turned into a
// writer would fail with BUSY_SNAPSHOT as soon as another had written, without waiting at all. Read-only database
// transactions begin deferred, on a snapshot taken at their first read. Both are serializable, so every standard
// isolation level is granted.
type Dialect struct{}

var _ atomic.Dialect = Dialect{}

// Traits says that SQLite may roll back on an error that appears while rows are read, such as an I/O error, and
// that a file has one writer.
func (Dialect) Traits() atomic.Traits {
	return atomic.Traits{Name: "sqlite", SilentRollback: true, OneWriter: true}
}

const (
	queryOnlyOn  = "PRAGMA query_only = 1"
	queryOnlyOff = "PRAGMA query_only = 0"
)

// Begin begins a database transaction; see [Dialect]. A read-only one turns query_only on. It is turned off again
// afterwards unless it was on before.
func (Dialect) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	if m.Isolation < sql.LevelDefault || m.Isolation > sql.LevelLinearizable {
		return "", fmt.Errorf("sqlite: unknown isolation level %d", m.Isolation)
	}
	if !m.ReadOnly {
		return "", begin(ctx, conn, "BEGIN IMMEDIATE")
	}
	var on bool
	if err := conn.QueryRowContext(ctx, "PRAGMA query_only").Scan(&on); err != nil {
		return "", err
	}
	if !on {
		restore = queryOnlyOff
		if _, err := conn.ExecContext(ctx, queryOnlyOn); err != nil {
			return restore, err
		}
	}
	return restore, begin(ctx, conn, "BEGIN")
}

// begin begins. SQLite refuses a BEGIN inside a database transaction, and has no other reason for this code.
func begin(ctx context.Context, conn *sql.Conn, query string) error {
	_, err := conn.ExecContext(ctx, query)
	if code, ok := resultCode(err); ok && code == codeError {
		return fmt.Errorf("%w: %w", atomic.ErrLeftOpen, err)
	}
	return err
}

// Commit commits without a deadline. There is no network to wait for, the write lock is held already, and a sync to
// disk cannot be interrupted. For a context that can end, drivers keep a goroutine watching, which costs a tenth of
// a synced commit.
func (Dialect) Commit(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	return err
}

// Rollback rolls back.
func (Dialect) Rollback(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "ROLLBACK")
	return err
}

// State runs a BEGIN, which SQLite refuses inside a database transaction. It would rather call
// sqlite3_get_autocommit, but drivers do not offer that. The BEGIN takes no lock, so it needs no deadline; a
// deadline would cost more than the BEGIN.
func (Dialect) State(ctx context.Context, conn atomic.Conn) (atomic.State, error) {
	ctx = context.WithoutCancel(ctx)
	_, err := conn.ExecContext(ctx, "BEGIN")
	if err == nil {
		_, err := conn.ExecContext(ctx, "ROLLBACK")
		return atomic.StateNone, err
	}
	if code, ok := resultCode(err); ok && code == codeError {
		return atomic.StateOpen, nil
	}
	return atomic.StateNone, err
}

// CheckDeferred reads the whole database for rows whose parent is missing, if foreign keys are enforced. SQLite has no
// statement that checks only what is pending.
func (Dialect) CheckDeferred(ctx context.Context, conn atomic.Conn) error {
	enforced, err := atomic.QueryOne(ctx, conn, atomic.Value[bool], "PRAGMA foreign_keys")
	if err != nil || !enforced {
		return err
	}
	const query = `SELECT DISTINCT "table" FROM pragma_foreign_key_check`
	tables, err := atomic.QueryAll(ctx, conn, atomic.Value[string], query)
	if err != nil || len(tables) == 0 {
		return err
	}
	return foreignKeyError(strings.Join(tables, ", "))
}

// A foreignKeyError names tables with rows whose parent is missing. Its code is that of the COMMIT that fails for it.
type foreignKeyError string

func (e foreignKeyError) Error() string {
	return "sqlite: FOREIGN KEY constraint failed: rows of " + string(e)
}
func (foreignKeyError) Code() int { return codeConstraintForeignKey }

// Commits returns false for every statement: in SQLite DDL is part of the database transaction.
func (Dialect) Commits([]string) bool { return false }

// LockClause is empty for every strength in a database transaction that may write: from BEGIN IMMEDIATE on it holds
// the write lock of the whole file, which is stronger than any lock on a row. A read-only one can lock nothing.
// NOWAIT and SKIP LOCKED are refused, because there are no locks on rows.
//
// If the application began a database transaction DEFERRED and gave it to [atomic.Adopt], it has no write lock
// before its first write. Begin it IMMEDIATE.
func (Dialect) LockClause(l atomic.RowLock, m atomic.Mode) (string, error) {
	if m.ReadOnly || l.Wait != atomic.Wait {
		return "", fmt.Errorf("sqlite: %w: %s", atomic.ErrUnsupported, l)
	}
	return "", nil
}

// resultCode is the extended result code inside err.
func resultCode(err error) (code int, ok bool) {
	var coded interface {
		error
		Code() int
	}
	if errors.As(err, &coded) {
		return coded.Code(), true
	}
	return fieldCode(err)
}

// fieldCode is the extended result code in the field ExtendedCode of an error inside err. errors.As cannot look for a
// field, which is public API of mattn/go-sqlite3 all the same.
func fieldCode(err error) (code int, ok bool) {
	switch wrapping := err.(type) {
	case nil:
		return 0, false
	case interface{ Unwrap() error }:
		return fieldCode(wrapping.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inside := range wrapping.Unwrap() {
			if code, ok := fieldCode(inside); ok {
				return code, true
			}
		}
		return 0, false
	}
	value := reflect.Indirect(reflect.ValueOf(err))
	if value.Kind() != reflect.Struct {
		return 0, false
	}
	field := value.FieldByName("ExtendedCode")
	if !field.IsValid() || !field.CanInt() {
		return 0, false
	}
	return int(field.Int()), true
}
