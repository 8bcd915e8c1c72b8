// Package libpq_test holds package atomic over lib/pq against the numbered suite. It is a module of its own, so that
// lib/pq is no dependency of Bursar: run go test in this folder.
package libpq_test

import (
	"database/sql"
	"strconv"
	satomic "sync/atomic"
	"testing"

	_ "github.com/lib/pq"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return pool
}

func TestSuite(t *testing.T) {
	t.Parallel()
	server := sqltest.Postgres(t)
	admin := server.Open(t)
	var made satomic.Int64
	atomictest.Run(t, atomictest.Postgres(postgres.Dialect{}, func(t *testing.T) (pool, other *sql.DB) {
		name := "suite" + strconv.FormatInt(made.Add(1), 10)
		if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
			t.Fatal(err)
		}
		dsn := server.DSN("search_path="+name, "deadlock_timeout=1s")
		return open(t, dsn), open(t, dsn)
	}))
}
