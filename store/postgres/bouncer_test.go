package postgres_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// TestStoreThroughPgBouncer is TestStoreOverSQL through PgBouncer in transaction mode.
func TestStoreThroughPgBouncer(t *testing.T) {
	t.Parallel()
	schema := sqltest.BouncedSchemas(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		h := overSQL(place{server: schema(t)}, postgres.NewSQL, t)
		h.PreparesOnce = true
		return h
	})
}
