package postgres_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func TestAFrozenHolderIsFencedOff(t *testing.T) {
	t.Parallel()
	_ = sqltest.Postgres(t) // Skips once where there is no server.
	atomictest.ContendForLease(t, atomictest.Postgres(postgres.Dialect{}, nil), func(t *testing.T) (driver, dsn string) {
		return "pgx", sqltest.Postgres(t).DSN()
	})
}
