package mysql_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func TestContentionLosesNoUpdate(t *testing.T) {
	atomictest.Contend(t, harness(t, func(t *testing.T) (pool, other *sql.DB) {
		server := sqltest.MariaDB(t)
		return server.Open(t), server.Open(t)
	}))
}
