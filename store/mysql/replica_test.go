package mysql_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// The user of both servers has every right, and so may write to the replica in spite of read_only.
func TestReplica(t *testing.T) {
	t.Parallel()
	storetest.RunReplica(t, func(t *testing.T) storetest.Followed {
		server, replica := sqltest.ReplicatedMariaDB(t)
		db := openDB(t, replica.URL())
		return storetest.Followed{
			Source: openStore(t, server.URL()), Copy: mysql.New(db), Replica: replica,
			DB: db, Tx: func(tx *sql.Tx) driver.CallerTx { return mysql.Tx(tx) },
		}
	})
}
