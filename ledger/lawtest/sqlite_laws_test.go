package lawtest_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// onSQLite is an application on database/sql, in a file of its own for each law.
func onSQLite(*testing.T) func(*testing.T) lawtest.Database {
	return func(t *testing.T) lawtest.Database { return connector(connectSQLite).database(t, fileDSN(t)) }
}

// onOwnFile is an application beside a ledger that has opened the file itself. Its blocks are on the ledger's handle,
// and its own database transactions are not.
func onOwnFile(*testing.T) func(*testing.T) lawtest.Database {
	return func(t *testing.T) lawtest.Database {
		return connector(connectOwnFile).database(t, filepath.Join(t.TempDir(), "bursar.db"))
	}
}

func connectOwnFile(path string, size int) (*application, error) {
	db, err := sql.Open("sqlite", sqlite.DSN(path))
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(path)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a := onFile(db, store, size)
	closing := a.close
	a.close = func() error { return errors.Join(store.Close(), closing()) }
	return a, nil
}

// fileDSN is a file of the test's own.
func fileDSN(t *testing.T) string { return sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")) }

func connectSQLite(dsn string, size int) (*application, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return onFile(db, sqlite.New(db), size), nil
}

func onFile(db *sql.DB, store *sqlite.Store, size int) *application {
	a := throughSQL(db, size, store.DB(), func(tx *sql.Tx) driver.CallerTx { return sqlite.Tx(tx) }, nil)
	a.Store, a.dialect = store, atomicsqlite.Dialect{}
	begin := a.begin
	a.begin = func(ctx context.Context) (ownTx, error) {
		tx, err := begin(ctx)
		for busy(err) { // SQLite has no queue for its file, so a client may starve: it asks again
			tx, err = begin(ctx)
		}
		return tx, err
	}
	return a
}

func busy(err error) bool {
	return err != nil && atomicsqlite.Dialect{}.Classify(err).Kind == atomic.KindRetry
}
