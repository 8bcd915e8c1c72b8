package main

import (
	"context"
	_ "embed"

	"github.com/bursar-ledger/bursar/atomic"
)

// schema is the shop's own tables. The ledger brings its own.
//
//go:embed schema.sql
var schema string

// migrate makes the shop's tables and fills the shelves, unless that was done before.
func migrate(ctx context.Context, db *atomic.DB) error {
	return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, schema)
		return err
	}, nil)
}

// changed runs a statement and reports whether it wrote anything.
func changed(ctx context.Context, tx *atomic.Tx, statement string, args ...any) (bool, error) {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}
