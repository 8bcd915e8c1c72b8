package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

func TestContentionLosesNoUpdate(t *testing.T) {
	atomictest.Contend(t, atomictest.SQLite(sqlite.Dialect{}, func(t *testing.T) (pool, other *sql.DB) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "contention.db")+
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db, db
	}))
}
