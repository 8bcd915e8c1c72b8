package postgres_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestContentionLosesNoUpdate lets the server look for deadlocks after 50 ms instead of a second: the load makes
// them on purpose, and each costs its parties that long.
func TestContentionLosesNoUpdate(t *testing.T) {
	atomictest.Contend(t, atomictest.Postgres(postgres.Dialect{}, func(t *testing.T) (pool, other *sql.DB) {
		server := sqltest.Postgres(t)
		return server.Open(t, "deadlock_timeout=50ms"), server.Open(t)
	}))
}
