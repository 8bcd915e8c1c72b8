package sqlstore

import (
	"context"
	"database/sql"
	"reflect"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// Executor runs statements on one connection.
type Executor interface {
	// Exec runs a statement that returns no rows and says how many it concerned.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// Query runs a statement that returns rows.
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// Rows are the rows of a query, as *sql.Rows hands them out.
type Rows interface {
	Next() bool
	Scan(targets ...any) error
	Err() error
	Close() error
}

// DBTX runs the statements of a database transaction, with the signatures of package database/sql.
type DBTX interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Caller makes a database transaction of an application's fit for ledger.In.
func Caller(tx DBTX) driver.CallerTx { return caller{bare(tx)} }

// bunPath is the package of bun, whose Tx writes arguments into the statement itself, and only in the place of a
// question mark.
const bunPath = "github.com/uptrace/bun"

// bare is the *sql.Tx inside a bun.Tx, and anything else as it is. Public fields are API, so bun need not be imported.
func bare(tx DBTX) DBTX {
	value := reflect.Indirect(reflect.ValueOf(tx))
	if value.Kind() != reflect.Struct || value.Type().PkgPath() != bunPath {
		return tx
	}
	field := value.FieldByName("Tx")
	if !field.IsValid() {
		return tx
	}
	inside, ok := field.Interface().(*sql.Tx)
	switch {
	case !ok:
		return tx
	case inside == nil:
		return nil
	default:
		return inside
	}
}

type caller struct{ tx DBTX }

func (c caller) DatabaseTx() any { return c.tx }

// std is an Executor over database/sql.
type std struct{ db DBTX }

func (s std) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s std) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err // not a Rows that holds a nil pointer
	}
	return rows, nil
}

// overSQL is DBTX for an Executor over database/sql.
func (s std) overSQL() DBTX { return s.db }

// scanner scans the row that a query has reached. It may be called again for the same row.
type scanner = func(targets ...any) error

// query runs a statement, calls each for every row and closes the rows. A block of package atomic sees every error, so
// that it need not ask the engine after each query whether it is still open.
func query(ctx context.Context, db Executor, statement string, args []any, each func(scanner) error) (err error) {
	if s, ok := db.(interface{ overSQL() DBTX }); ok {
		read := func(row atomic.Row) (struct{}, error) { return struct{}{}, each(row.Scan) }
		_, err := atomic.QueryAll(ctx, s.overSQL(), read, statement, args...)
		return err
	}
	rows, err := db.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Each runs a statement and gives each of its rows to a function. A dialect's Admit and Ready read with it. Over an
// *atomic.Tx, rows that are read otherwise make the next statement ask the engine first whether the database
// transaction is still open.
func Each(ctx context.Context, db Executor, statement string, row func(scan func(...any) error) error) error {
	return query(ctx, db, statement, nil, row)
}
