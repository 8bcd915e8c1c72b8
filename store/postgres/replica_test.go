package postgres_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/storetest"
)

func TestReplica(t *testing.T) {
	t.Parallel()
	storetest.RunReplica(t, func(t *testing.T) storetest.Followed {
		server, standby := sqltest.ReplicatedPostgres(t)
		db := standby.Open(t)
		return storetest.Followed{
			Source: postgres.NewSQL(server.Open(t)), Copy: postgres.NewSQL(db), Replica: standby,
			DB: db, Tx: func(tx *sql.Tx) driver.CallerTx { return postgres.Tx(tx) }, Bounded: true,
		}
	})
}
