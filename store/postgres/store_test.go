package postgres_test

import (
	"database/sql"
	"os"
	"strconv"
	satomic "sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/storetest"
)

func TestStoreOverSQL(t *testing.T) {
	t.Parallel()
	place := schemas(t, sqltest.Postgres(t))
	storetest.Run(t, func(t *testing.T) storetest.Harness { return overSQL(place(t), postgres.NewSQL, t) })
}

func TestStoreOverPool(t *testing.T) {
	t.Parallel()
	place := schemas(t, sqltest.Postgres(t))
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		at := place(t)
		h := overSQL(at, postgres.NewSQL, t)
		over := func(t *testing.T) *postgres.Store {
			store := postgres.New(at.pool(t))
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			return store
		}
		store := over(t)
		h.Store, h.Atomic = store, store.DB()
		h.Reopen = func(t *testing.T) driver.Store { return over(t) }
		return h
	})
}

func TestStoreOnCockroach(t *testing.T) {
	if os.Getenv("BURSAR_TEST_COCKROACH") == "" {
		t.Skip("BURSAR_TEST_COCKROACH names no server")
	}
	place := schemas(t, sqltest.Cockroach(t))
	storetest.Run(t, func(t *testing.T) storetest.Harness { return overSQL(place(t), postgres.NewCockroachSQL, t) })
}

func overSQL(at place, over func(*sql.DB) *postgres.Store, t *testing.T) storetest.Harness {
	db := at.open(t)
	store := over(db)
	return storetest.Harness{
		Store: store, DB: db, Atomic: store.DB(),
		Reopen: func(t *testing.T) driver.Store { return over(at.open(t)) },
		Tx:     func(tx *sql.Tx) driver.CallerTx { return postgres.Tx(tx) },
	}
}

// place is an empty schema of a test's own: PostgreSQL takes its time to make a database.
type place struct {
	server *sqltest.Server
	params []string
}

func schemas(t testing.TB, server *sqltest.Server) func(t testing.TB) place {
	admin := server.Open(t)
	var made satomic.Int64
	return func(t testing.TB) place {
		name := "test" + strconv.FormatInt(made.Add(1), 10)
		if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
			t.Fatal(err)
		}
		return place{server, []string{"search_path=" + name}}
	}
}

// open opens an application's own handle.
func (p place) open(t testing.TB, params ...string) *sql.DB {
	db := p.server.Open(t, append(params, p.params...)...)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	return db
}

// pool opens an application's own pool.
func (p place) pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), p.server.DSN(append([]string{"pool_max_conns=20"}, p.params...)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
