package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx", which postgres.NewSQL wants

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// connections is how many connections to PostgreSQL the shop and its ledger share.
const connections = 16

// store is the ledger's store on either engine: sqlite.Store and postgres.Store are one type. Its DB runs the shop's
// own database transactions.
type store = sqlite.Store

// open opens the database that a URL names. The handle is the caller's to close; the store needs no closing.
func open(url string) (*sql.DB, *store, error) {
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		handle, err := sql.Open("sqlite", sqlite.DSN(file))
		if err != nil {
			return nil, nil, err
		}
		return handle, sqlite.New(handle), nil
	}
	if !strings.HasPrefix(url, "postgres://") {
		return nil, nil, errors.New("-db is neither sqlite:FILE nor postgres://…")
	}
	handle, err := sql.Open("pgx", url)
	if err != nil {
		return nil, nil, err
	}
	handle.SetMaxOpenConns(connections)
	return handle, postgres.NewSQL(handle), nil
}

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

// inTx runs fn in one database transaction, anew after each conflict, and returns what its last run made.
func inTx[T any](
	ctx context.Context, db *atomic.DB, fn func(ctx context.Context, tx *atomic.Tx) (T, error),
) (made T, err error) {
	err = atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) (err error) {
		made, err = fn(ctx, tx)
		return err
	}, nil)
	return made, err
}
