package atomic

import (
	"context"
	"database/sql"
	"fmt"
)

// An Execer runs statements that return no rows.
type Execer interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// A Querier runs statements that return rows.
type Querier interface {
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A Row is what a scan function reads: one row.
type Row interface {
	// Scan copies the row's columns.
	Scan(dest ...any) error
}

// Value scans a row of one column, for [QueryAll] and [QueryOne].
func Value[T any](row Row) (T, error) {
	var value T
	err := row.Scan(&value)
	return value, err
}

// ExecOne runs a statement that must concern exactly one row. Otherwise it returns an error that wraps [ErrNotOne]:
// an UPDATE that matches nothing is no error to the database, and money sent to a missing row is gone. The block
// must return that error, because several rows may have been written. MySQL may count an UPDATE that writes the old
// value again as none: see [Swap].
func ExecOne(ctx context.Context, tx Execer, query string, args ...any) error {
	count, err := execCount(ctx, tx, query, args)
	if err == nil && count != 1 {
		return fmt.Errorf("%w: %d were concerned", ErrNotOne, count)
	}
	return err
}

func execCount(ctx context.Context, tx Execer, query string, args []any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// QueryAll runs a query and scans all its rows. No row is no error. The rows are closed in any case. A [Tx] sees
// every error of QueryAll, unlike errors of rows that it has handed out. scan must not use tx.
func QueryAll[T any](
	ctx context.Context, tx Querier, scan func(Row) (T, error), query string, args ...any,
) ([]T, error) {
	var all []T
	err := eachRow(ctx, tx, query, args, func(row Row) error {
		value, err := scan(row)
		if err == nil {
			all = append(all, value)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// QueryOne runs a query and scans its only row. No row is sql.ErrNoRows, several are [ErrNotOne]. Otherwise it is
// like [QueryAll].
func QueryOne[T any](ctx context.Context, tx Querier, scan func(Row) (T, error), query string, args ...any) (T, error) {
	var one T
	count := 0
	err := eachRow(ctx, tx, query, args, func(row Row) (err error) {
		if count++; count > 1 {
			return fmt.Errorf("%w: the query found several", ErrNotOne)
		}
		one, err = scan(row)
		return err
	})
	if err == nil && count == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		var none T
		return none, err
	}
	return one, nil
}

// eachRow passes each row of a query to scan, and closes the rows.
func eachRow(ctx context.Context, tx Querier, query string, args []any, scan func(Row) error) error {
	block, ok := tx.(*Tx)
	if !ok {
		return firstOf(readRows(ctx, tx, query, args, scan))
	}
	if err := block.admit(ctx, query); err != nil {
		return err
	}
	var sent flight
	scanning := false
	defer func() {
		if scanning {
			block.s.leave(ctx, nil) // The panic is the caller's own, and the rows are closed.
			return
		}
		block.s.unwound(ctx, &sent)
	}()
	sent.ready(args)
	scanErr, err := readRows(ctx, block.s.conn, query, args, func(row Row) error {
		scanning = true
		err := scan(row)
		scanning = false
		return err
	})
	sent.returned = true
	block.s.leave(ctx, err)
	return firstOf(scanErr, err)
}

func firstOf(scanErr, err error) error {
	if scanErr != nil {
		return scanErr
	}
	return err
}

// readRows reads rows to the end or to the first error of scan. It returns that error apart from those of the
// database.
func readRows(
	ctx context.Context, q Querier, query string, args []any, scan func(Row) error,
) (scanErr, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for scanErr == nil && rows.Next() {
		scanErr = scan(rows)
	}
	closeErr := rows.Close()
	if err := rows.Err(); err != nil {
		return scanErr, err
	}
	return scanErr, closeErr
}
