package sqlstore

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar"
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

// DBTX is what runs the statements of a database transaction: *sql.Tx, sqlx's Tx, bun's Tx, GORM's ConnPool inside a
// transaction and the DBTX of code that sqlc generates for database/sql all are.
type DBTX interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Caller makes a database transaction of an application's fit for ledger.In.
func Caller(tx DBTX) bursar.CallerTx { return caller{tx} }

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
