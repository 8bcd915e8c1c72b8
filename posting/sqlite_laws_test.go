package posting_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/posting/postingtest"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// onSQLite is an application on database/sql, in a file of its own for each law.
func onSQLite(*testing.T) func(*testing.T) postingtest.Database { return openSQLite }

func openSQLite(t *testing.T) postingtest.Database {
	t.Helper()
	dsn := sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db"))
	db := openSQL(t, "sqlite", dsn)
	store := sqlite.New(db)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := throughSQL(db, store.DB(), func(tx *sql.Tx) bursar.CallerTx { return sqlite.Tx(tx) }, nil)
	d.Store = store
	d.Again = func(t *testing.T) bursar.Store { return sqlite.New(openSQL(t, "sqlite", dsn)) }
	begin := d.Begin
	d.Begin = func(ctx context.Context) (postingtest.Tx, error) {
		tx, err := begin(ctx)
		for busy(err) { // SQLite's own patience does not queue: who polls may starve, and asks again
			tx, err = begin(ctx)
		}
		return tx, err
	}
	return d
}

func busy(err error) bool {
	return err != nil && atomicsqlite.Dialect{}.Classify(err).Kind == atomic.KindRetry
}
