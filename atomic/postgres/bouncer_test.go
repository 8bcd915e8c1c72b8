package postgres_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestSuiteThroughPgBouncer is TestSuite through PgBouncer in transaction mode, which takes no deadlock_timeout in the
// URL; the server has its default.
func TestSuiteThroughPgBouncer(t *testing.T) {
	t.Parallel()
	place := sqltest.BouncedSchemas(t)
	h := atomictest.Postgres(postgres.Dialect{}, func(t *testing.T) (pool, other *sql.DB) {
		at := place(t)
		return at.Open(t), at.Open(t)
	})
	h.Name = "pgbouncer"
	atomictest.Run(t, h)
}
