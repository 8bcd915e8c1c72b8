package mysql_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func TestAFrozenHolderIsFencedOff(t *testing.T) {
	t.Parallel()
	atomictest.ContendForLease(t, harness(t, nil), func(t *testing.T) (driver, dsn string) {
		return "mysql", sqltest.MariaDB(t).DSN()
	})
}
