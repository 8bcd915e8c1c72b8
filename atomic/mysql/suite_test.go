package mysql_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/mysql"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	_ = sqltest.MariaDB(t) // Skips once where there is no server.
	atomictest.Run(t, atomictest.MariaDB(mysql.MariaDB{}, func(t *testing.T) (pool, other *sql.DB) {
		server := sqltest.MariaDB(t)
		return server.Open(t), server.Open(t)
	}))
}

func TestSuiteOnTiDB(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TEST_TIDB") == "" {
		t.Skip("BURSAR_TEST_TIDB names no server")
	}
	atomictest.Run(t, atomictest.TiDB(mysql.TiDB{}, func(t *testing.T) (pool, other *sql.DB) {
		server := sqltest.TiDB(t)
		return server.Open(t), server.Open(t)
	}))
}
