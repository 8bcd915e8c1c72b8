package mysql_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		server := sqltest.MariaDB(t)
		db := openDB(t, server.URL())
		return harness(db, server.URL(), mysql.New(db))
	})
}

func TestStoreOnTiDB(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TEST_TIDB") == "" {
		t.Skip("BURSAR_TEST_TIDB names no server")
	}
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		server := sqltest.TiDB(t)
		db := openDB(t, server.URL())
		h := harness(db, "tidb"+server.URL()[len("mysql"):], mysql.NewTiDB(db))
		h.NoTriggers = true
		return h
	})
}

func harness(db *sql.DB, url string, store *mysql.Store) storetest.Harness {
	return storetest.Harness{
		Store: store, DB: db, Atomic: store.DB(),
		Reopen: func(t *testing.T) driver.Store { return openStore(t, url) },
		Tx:     func(tx *sql.Tx) driver.CallerTx { return mysql.Tx(tx) },
	}
}

// openDB opens an application's own handle, with further parameters of the driver.
func openDB(t testing.TB, url string, params ...string) *sql.DB {
	t.Helper()
	for i, param := range params {
		url += string("?&"[min(i, 1)]) + param
	}
	dsn, err := mysql.DSN(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// openStore opens a pool of a ledger's own.
func openStore(t testing.TB, url string) driver.Store {
	t.Helper()
	store, err := mysql.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
