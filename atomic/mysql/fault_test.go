package mysql_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// breakable is a server of the test's own behind a proxy.
func breakable(t *testing.T) atomictest.Breakable {
	server := sqltest.PrivateMariaDB(t)
	proxy := sqltest.NewProxy(t, server)
	return atomictest.Breakable{
		Harness: harness(t, nil),
		Direct:  server.Open(t),
		Through: func(t *testing.T) *sql.DB { return proxy.Open(t) },
		Trap: func(p atomictest.Point, match func(string) bool) atomictest.Trap {
			return proxy.Trap(sqltest.Point(p), match)
		},
		Kill: server.Kill9, Restart: server.Restart,
	}
}

func TestAnswersAgreeWithOutcomesUnderFaults(t *testing.T) {
	t.Parallel()
	atomictest.Faults(t, breakable(t), 10)
}

func TestTortureAnswersAgreeWithOutcomesUnderFaults(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	atomictest.Faults(t, breakable(t), 300)
}
