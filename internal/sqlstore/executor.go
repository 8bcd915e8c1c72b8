package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

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

// DBTX is what runs the statements of a database transaction: *sql.Tx, sqlx's Tx, bun's Tx, GORM's ConnPool inside a
// transaction and the DBTX of code that sqlc generates for database/sql all are.
type DBTX interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Caller makes a database transaction of an application's fit for ledger.In.
func Caller(tx DBTX) driver.CallerTx { return caller{tx} }

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

// piped is a std over a connection whose driver can send several statements at once.
type piped struct {
	std
	block *atomic.Tx
	pipe  func(ctx context.Context, driverConn any, calls []*Call) (done int, err error)
}

// Pipe implements Piper. An adopted database transaction does not lend its connection.
func (p piped) Pipe(ctx context.Context, calls []*Call) (done int, err error) {
	var refused error
	err = p.block.Raw(ctx, func(ctx context.Context, driverConn any) (err error) {
		done, err = p.pipe(ctx, driverConn, calls)
		if errors.Is(err, ErrNoPipe) {
			refused, err = err, nil // which breaks nothing
		}
		return err
	})
	if errors.Is(err, atomic.ErrUnsupported) {
		return 0, ErrNoPipe
	}
	return done, cmp.Or(err, refused)
}

// executor runs statements in a block of package atomic.
func (s *Store) executor(block *atomic.Tx) Executor {
	if s.dialect.Pipe == nil {
		return std{block}
	}
	return piped{std{block}, block, s.dialect.Pipe}
}
