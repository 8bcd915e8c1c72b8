// Package sqlitetest gives each test an empty SQLite file in one line, for an application with tables of its own beside
// the ledger's:
//
//	db := sqlitetest.New(t)
//	l := bursartest.With(t, db.Store)
//
// It has the form of packages postgrestest and mysqltest, so that one test may run on each engine.
package sqlitetest

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar/store/sqlite"
)

// Database is an empty file for one test. What is open is closed, and the file removed, at the end of the test. It is
// safe for concurrent use.
type Database struct {
	// URL is for store.Open: sqlite: and the path of the file.
	URL string
	// DB is for database/sql, with the settings of sqlite.DSN.
	DB *sql.DB
	// Store keeps a ledger, over the connections of DB. Its tables are made when a ledger is.
	Store *sqlite.Store
}

// New makes an empty file.
func New(t testing.TB) *Database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", sqlite.DSN(path))
	if err != nil {
		t.Fatalf("bursartest: open the file of the test: %v", err)
	}
	d := &Database{URL: "sqlite:" + path, DB: db, Store: sqlite.New(db)}
	t.Cleanup(func() {
		if err := errors.Join(d.Store.Close(), d.DB.Close()); err != nil {
			t.Errorf("bursartest: close the file of the test: %v", err)
		}
	})
	return d
}
