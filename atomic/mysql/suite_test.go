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
	r := atomictest.Run(t, harness(t, func(t *testing.T) (pool, other *sql.DB) {
		server := sqltest.MariaDB(t)
		return server.Open(t), server.Open(t)
	}))
	if r.Whole && r.Failed == 0 {
		sqltest.DocumentSuite(t, sqltest.MariaDB(t).Version(t), r.Shown, r.Lacks)
	}
}

// harness is that of the server which the tests run on. It skips the test where there is none.
func harness(t *testing.T, open func(t *testing.T) (pool, other *sql.DB)) atomictest.Harness {
	t.Helper()
	server := sqltest.MariaDB(t)
	if server.Engine() == sqltest.MySQLEngine {
		return atomictest.MySQL(mysql.Dialect{}, open)
	}
	h := atomictest.MariaDB(mysql.MariaDB{}, open)
	h.Can.UpdateConflicts = snapshotIsolation(t, server)
	return h
}

// snapshotIsolation reports whether innodb_snapshot_isolation is on, as it is by default since 11.6. A variable that
// MariaDB does not have before 10.6.18 has no row.
func snapshotIsolation(t *testing.T, server *sqltest.Server) (on bool) {
	t.Helper()
	err := server.Open(t).QueryRowContext(t.Context(), `SELECT count(*) FROM information_schema.session_variables
		WHERE variable_name = 'innodb_snapshot_isolation' AND variable_value = 'ON'`).Scan(&on)
	if err != nil {
		t.Fatal(err)
	}
	return on
}

// On one node of a cluster. Its sessions wait at BEGIN for what other nodes have committed.
func TestSuiteOnGalera(t *testing.T) {
	t.Parallel()
	h := atomictest.MariaDB(mysql.MariaDB{}, func(t *testing.T) (pool, other *sql.DB) {
		node := sqltest.Galera(t)[0]
		return node.Open(t, "wsrep_sync_wait=1"), node.Open(t, "wsrep_sync_wait=1")
	})
	h.Can.UpdateConflicts = snapshotIsolation(t, sqltest.Galera(t)[0])
	atomictest.Run(t, h)
}

func TestSuiteOnTiDB(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TEST_TIDB") == "" {
		t.Skip("BURSAR_TEST_TIDB names no server")
	}
	r := atomictest.Run(t, atomictest.TiDB(mysql.TiDB{}, func(t *testing.T) (pool, other *sql.DB) {
		server := sqltest.TiDB(t)
		return server.Open(t), server.Open(t)
	}))
	if r.Whole && r.Failed == 0 {
		sqltest.DocumentSuite(t, sqltest.TiDB(t).Version(t), r.Shown, r.Lacks)
	}
}
