package sqlite_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// TestMain is also the beginning of the processes that tests start.
func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(atomictest.HelperVariable) {
	case atomictest.LeaseHelper:
		err = atomictest.HoldLease(atomictest.SQLite(sqlite.Dialect{}, nil), os.Stdin, os.Stdout)
	case faultHelper:
		err = runClient(os.Args[1:])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
