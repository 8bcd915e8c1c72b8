package mysql_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/mysql"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func TestAFrozenHolderIsFencedOff(t *testing.T) {
	t.Parallel()
	_ = sqltest.MariaDB(t) // Skips once where there is no server.
	atomictest.ContendForLease(t, atomictest.MariaDB(mysql.MariaDB{}, nil), func(t *testing.T) (driver, dsn string) {
		return "mysql", sqltest.MariaDB(t).DSN()
	})
}
