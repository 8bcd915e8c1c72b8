package lawtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar/atomic"
	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// schemas gives each law a schema of its own, because PostgreSQL takes its time to make a database. It returns a
// function that makes a schema and says how to connect to it.
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
		return server.DSN("search_path=" + name)
	}
}

// onPostgres is an application with a pool of pgx.
func onPostgres(t *testing.T) func(*testing.T) lawtest.Database {
	place := schemas(t)
	return func(t *testing.T) lawtest.Database { return connector(connectPgx).database(t, place(t)) }
}

// onPostgresSQL is an application on database/sql.
func onPostgresSQL(t *testing.T) func(*testing.T) lawtest.Database {
	place := schemas(t)
	return func(t *testing.T) lawtest.Database { return connector(connectPostgresSQL).database(t, place(t)) }
}

// onPgBouncer is an application with a pool of pgx, through PgBouncer in transaction mode.
func onPgBouncer(t *testing.T) func(*testing.T) lawtest.Database {
	place := sqltest.BouncedSchemas(t)
	return func(t *testing.T) lawtest.Database { return connector(connectPgx).database(t, place(t).DSN()) }
}

// onCockroach is an application on database/sql, in a database of its own for each law.
func onCockroach(t *testing.T) func(*testing.T) lawtest.Database {
	sqltest.Cockroach(t) // or there is no server
	connect := func(dsn string, size int) (*application, error) {
		return connectOver(dsn, size, postgres.NewCockroachSQL, atomicpostgres.Cockroach{})
	}
	return func(t *testing.T) lawtest.Database {
		return connector(connect).database(t, sqltest.Cockroach(t).DSN())
	}
}

func connectPostgresSQL(dsn string, size int) (*application, error) {
	return connectOver(dsn, size, postgres.NewSQL, atomicpostgres.Dialect{})
}

func connectOver(dsn string, size int, over func(*sql.DB) *postgres.Store, d atomic.Dialect) (*application, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config)
	store := over(db)
	a := throughSQL(db, size, store.DB(), func(tx *sql.Tx) driver.CallerTx { return postgres.Tx(tx) },
		&sql.TxOptions{Isolation: sql.LevelReadCommitted})
	a.Store, a.dialect = store, d
	return a, nil
}

// connectPgx connects a pool of pgx. Package atomic has its way in through Do, over the same pool.
func connectPgx(dsn string, size int) (*application, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(size)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	store := postgres.New(pool)
	level := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	a := &application{
		dialect: atomicpostgres.Dialect{},
		begin: func(ctx context.Context) (ownTx, error) {
			tx, err := pool.BeginTx(ctx, level)
			if err != nil {
				return nil, err
			}
			return pgxTx{pgxStatements{postgres.PgxTx(tx), tx}, tx}, nil
		},
		block: func(ctx context.Context, fn func(context.Context, statements) error) error {
			return pgx.BeginTxFunc(ctx, pool, level, func(tx pgx.Tx) error {
				return fn(ctx, pgxStatements{postgres.PgxTx(tx), tx})
			})
		},
		close: func() error {
			defer pool.Close()
			return store.Close()
		},
	}
	outside := pgxStatements{nil, pool}
	a.Store, a.Exec, a.Strings, a.Do = store, outside.Exec, outside.Strings, do(store.DB())
	a.Begin = func(ctx context.Context) (lawtest.Tx, error) { return a.begin(ctx) }
	return a, nil
}

// pgxStatements are run by a pgx.Tx or a pool.
type pgxStatements struct {
	driver.CallerTx
	runner interface {
		Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	}
}

func (p pgxStatements) Exec(ctx context.Context, query string, args ...any) error {
	_, err := p.runner.Exec(ctx, query, args...)
	return err
}

func (p pgxStatements) Strings(ctx context.Context, query string) ([]string, error) {
	rows, err := p.runner.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

type pgxTx struct {
	pgxStatements
	tx pgx.Tx
}

func (p pgxTx) Commit() error { return p.tx.Commit(context.Background()) }

func (p pgxTx) Rollback() error {
	if err := p.tx.Rollback(context.Background()); !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
}
