package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// TestAFrozenHolderIsFencedOff is about the processes' own clocks: SQLite's is that of the machine, and there is one
// machine.
func TestAFrozenHolderIsFencedOff(t *testing.T) {
	t.Parallel()
	atomictest.ContendForLease(t, atomictest.SQLite(sqlite.Dialect{}, nil), func(t *testing.T) (driver, dsn string) {
		return "sqlite", "file:" + filepath.Join(t.TempDir(), "lease.db") +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	})
}
