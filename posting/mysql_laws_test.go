package posting_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/posting/postingtest"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// onMariaDB is an application on database/sql, in a database of its own for each law.
func onMariaDB(t *testing.T) func(*testing.T) postingtest.Database {
	sqltest.MariaDB(t) // or there is no server
	return func(t *testing.T) postingtest.Database {
		dsn, err := mysql.DSN(sqltest.MariaDB(t).URL())
		if err != nil {
			t.Fatal(err)
		}
		db := openSQL(t, "mysql", dsn)
		store := mysql.New(db)
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := throughSQL(db, store.DB(), func(tx *sql.Tx) bursar.CallerTx { return mysql.Tx(tx) },
			&sql.TxOptions{Isolation: sql.LevelReadCommitted})
		d.Store = store
		d.Again = func(t *testing.T) bursar.Store { return mysql.New(openSQL(t, "mysql", dsn)) }
		return d
	}
}
