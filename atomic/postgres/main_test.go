package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
)

// TestMain is also the beginning of the processes that tests start.
func TestMain(m *testing.M) {
	switch os.Getenv(atomictest.HelperVariable) {
	case atomictest.LeaseHelper:
		if err := atomictest.HoldLease(atomictest.Postgres(postgres.Dialect{}, nil), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}
