package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestSuite needs no server. Without a busy timeout a conflict is seen at once.
func TestSuite(t *testing.T) {
	t.Parallel()
	r := atomictest.Run(t, atomictest.SQLite(sqlite.Dialect{}, func(t *testing.T) (pool, other *sql.DB) {
		dsn := "file:" + filepath.Join(t.TempDir(), "suite.db") +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(0)&_pragma=foreign_keys(1)"
		open := func() *sql.DB {
			db, err := sql.Open("sqlite", dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
		return open(), open()
	}))
	if r.Whole && r.Failed == 0 {
		sqltest.DocumentSuite(t, "SQLite 3", r.Shown, r.Lacks)
	}
}
