package posting_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/posting/postingtest"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// schemas gives each law a schema of its own, because PostgreSQL takes its time to make a database. The function
// that it returns makes one and says how to connect to it.
func schemas(t *testing.T) func(*testing.T) (dsn string) {
	t.Helper()
	server := sqltest.Postgres(t)
	admin := server.Open(t)
	made := 0
	return func(t *testing.T) string {
		t.Helper()
		made++
		name := fmt.Sprintf("laws%d", made)
		if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
			t.Fatal(err)
		}
		return server.DSN("search_path="+name, fmt.Sprintf("pool_max_conns=%d", poolSize))
	}
}

// onPostgres is an application with a pool of pgx.
func onPostgres(t *testing.T) func(*testing.T) postingtest.Database {
	place := schemas(t)
	return func(t *testing.T) postingtest.Database {
		dsn := place(t)
		pool := openPool(t, dsn)
		store := overPool(t, pool)
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := throughSQL(nil, store.DB(), nil, nil)
		d.Store = store
		d.Again = func(t *testing.T) bursar.Store { return overPool(t, openPool(t, dsn)) }
		d.Exec = func(ctx context.Context, query string, args ...any) error {
			_, err := pool.Exec(ctx, query, args...)
			return err
		}
		d.Begin = func(ctx context.Context) (postingtest.Tx, error) {
			tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
			if err != nil {
				return nil, err
			}
			return pgxTx{postgres.PgxTx(tx), tx}, nil
		}
		d.Strings = func(ctx context.Context, query string) ([]string, error) {
			rows, err := pool.Query(ctx, query)
			if err != nil {
				return nil, err
			}
			return pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return d
	}
}

// onPostgresSQL is an application on database/sql.
func onPostgresSQL(t *testing.T) func(*testing.T) postingtest.Database {
	place := schemas(t)
	return func(t *testing.T) postingtest.Database {
		dsn := place(t)
		open := func(t *testing.T) *sql.DB {
			config, err := pgxpool.ParseConfig(dsn) // which knows pool_max_conns
			if err != nil {
				t.Fatal(err)
			}
			return pooled(t, stdlib.OpenDB(*config.ConnConfig))
		}
		db := open(t)
		store := postgres.NewSQL(db)
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := throughSQL(db, store.DB(), func(tx *sql.Tx) bursar.CallerTx { return postgres.Tx(tx) },
			&sql.TxOptions{Isolation: sql.LevelReadCommitted})
		d.Store = store
		d.Again = func(t *testing.T) bursar.Store { return postgres.NewSQL(open(t)) }
		return d
	}
}

func openPool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func overPool(t *testing.T, pool *pgxpool.Pool) *postgres.Store {
	store := postgres.New(pool)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

type pgxTx struct {
	bursar.CallerTx
	tx pgx.Tx
}

func (p pgxTx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := p.tx.Exec(ctx, query, args...)
	return err
}

func (p pgxTx) Commit() error { return p.tx.Commit(context.Background()) }

func (p pgxTx) Rollback() error {
	if err := p.tx.Rollback(context.Background()); !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
}
