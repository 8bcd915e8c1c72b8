package postgres_test

import (
	"database/sql"
	"os"
	"strconv"
	satomic "sync/atomic"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// schemas gives each behaviour a schema of its own in one database, because PostgreSQL takes its time to make a
// database. Sessions look for deadlocks after a second, which is PostgreSQL's default: the servers of sqltest may have
// been started with less.
func schemas(t *testing.T, server *sqltest.Server) func(t *testing.T) (pool, other *sql.DB) {
	admin := server.Open(t)
	var made satomic.Int64
	return func(t *testing.T) (pool, other *sql.DB) {
		name := "suite" + strconv.FormatInt(made.Add(1), 10)
		if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
			t.Fatal(err)
		}
		settings := []string{"search_path=" + name, "deadlock_timeout=1s"}
		return server.Open(t, settings...), server.Open(t, settings...)
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	server := sqltest.Postgres(t)
	document(t, server.Version(t), atomictest.Run(t, atomictest.Postgres(postgres.Dialect{}, schemas(t, server))))
}

func TestSuiteOnCockroach(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TEST_COCKROACH") == "" {
		t.Skip("BURSAR_TEST_COCKROACH names no server")
	}
	atomictest.Run(t, atomictest.Cockroach(postgres.Cockroach{}, schemas(t, sqltest.Cockroach(t))))
}

// document holds docs/engines.md against what an engine showed.
func document(t *testing.T, engine string, r atomictest.Result) {
	t.Helper()
	if r.Whole && r.Failed == 0 {
		sqltest.DocumentSuite(t, engine, r.Shown, r.Lacks)
	}
}
