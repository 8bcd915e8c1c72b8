package lawtest_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// onMariaDB is an application on database/sql, in a database of its own for each law.
func onMariaDB(t *testing.T) func(*testing.T) lawtest.Database {
	sqltest.MariaDB(t) // or there is no server
	return func(t *testing.T) lawtest.Database {
		return connector(connectMariaDB).database(t, mariaDSN(t, sqltest.MariaDB(t)))
	}
}

// onGalera is an application on each node of a cluster. The first one is the law's own, and every other process is on
// the next node.
func onGalera(t *testing.T) func(*testing.T) lawtest.Database {
	sqltest.Galera(t) // or there is no cluster
	connect := func(dsn string, size int) (*application, error) {
		return connectMySQL(dsn, size, mysql.NewGalera, atomicmysql.MariaDB{})
	}
	return func(t *testing.T) lawtest.Database {
		nodes := sqltest.Galera(t)
		d := connector(connect).database(t, mariaDSN(t, nodes[0]))
		d.Stall = 10 * time.Second // nobody has a turn among nodes: the faster wins, and who is too late begins again
		next := 0
		d.Again = func(t *testing.T) driver.Store {
			next = (next + 1) % len(nodes)
			return connector(connect).connect(t, mariaDSN(t, nodes[next]), poolSize).Store
		}
		return d
	}
}

// onTiDB is an application on database/sql, in a database of its own for each law.
func onTiDB(t *testing.T) func(*testing.T) lawtest.Database {
	sqltest.TiDB(t) // or there is no server
	connect := func(dsn string, size int) (*application, error) {
		return connectMySQL(dsn, size, mysql.NewTiDB, atomicmysql.TiDB{})
	}
	return func(t *testing.T) lawtest.Database {
		return connector(connect).database(t, mariaDSN(t, sqltest.TiDB(t)))
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
	return connectMySQL(dsn, size, mysql.New, atomicmysql.MariaDB{})
}

func connectMySQL(dsn string, size int, over func(*sql.DB) *mysql.Store, d atomic.Dialect) (*application, error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	store := over(db)
	a := throughSQL(db, size, store.DB(), func(tx *sql.Tx) driver.CallerTx { return mysql.Tx(tx) },
		&sql.TxOptions{Isolation: sql.LevelReadCommitted})
	a.Store, a.dialect = store, d
	return a, nil
}
