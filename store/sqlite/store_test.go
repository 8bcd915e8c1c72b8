package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/store/sqlite"
	"github.com/bursar-ledger/bursar/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		path := filepath.Join(t.TempDir(), "bursar.db")
		db := openDB(t, sqlite.DSN(path))
		store := sqlite.New(db)
		return storetest.Harness{
			Store: store, DB: db, Atomic: store.DB(),
			Reopen: func(t *testing.T) driver.Store { return openStore(t, path) },
			Tx:     func(tx *sql.Tx) driver.CallerTx { return sqlite.Tx(tx) },
		}
	})
}

// openDB opens an application's own handle.
func openDB(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
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

// openStore opens a file of a ledger's own.
func openStore(t *testing.T, path string) driver.Store {
	t.Helper()
	store, err := sqlite.Open(path)
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
