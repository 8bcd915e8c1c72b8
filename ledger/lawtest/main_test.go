package lawtest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
)

// TestMain is also the beginning of the processes that tests start.
func TestMain(m *testing.M) {
	if os.Getenv(atomictest.HelperVariable) != ordersHelper {
		os.Exit(m.Run())
	}
	if err := runOrdersClient(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
