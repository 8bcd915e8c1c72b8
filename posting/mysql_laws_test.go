package posting_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar"
	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/posting/postingtest"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// onMariaDB is an application on database/sql, in a database of its own for each law.
func onMariaDB(t *testing.T) func(*testing.T) postingtest.Database {
	sqltest.MariaDB(t) // or there is no server
	return func(t *testing.T) postingtest.Database {
		return connector(connectMariaDB).database(t, mariaDSN(t, sqltest.MariaDB(t)))
	}
}

// mariaDSN is how a ledger wants to be connected to a server's database.
func mariaDSN(t *testing.T, server *sqltest.Server) string {
	t.Helper()
	dsn, err := mysql.DSN(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func connectMariaDB(dsn string, size int) (*application, error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	store := mysql.New(db)
	a := throughSQL(db, size, store.DB(), func(tx *sql.Tx) bursar.CallerTx { return mysql.Tx(tx) },
		&sql.TxOptions{Isolation: sql.LevelReadCommitted})
	a.Store, a.dialect = store, atomicmysql.MariaDB{}
	return a, nil
}
