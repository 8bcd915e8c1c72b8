package mysqltest_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/mysqltest"
)

// A ledger on an empty database, which is gone when the test is over. The application's own tables go through DB or
// URL.
func ExampleNew() {
	_ = func(t *testing.T) {
		db := mysqltest.New(t)
		l := bursartest.With(t, db.Store)
		if _, err := db.DB.ExecContext(t.Context(), `CREATE TABLE orders (id bigint PRIMARY KEY, paid bool)`); err != nil {
			t.Fatal(err)
		}
		bursartest.Fund(t, l, "users:ann", "100.00 USD")
		// ... the code under test, over l.Ledger and db.DB ...
		bursartest.Balance(t, l, "users:ann", "75.00 USD")
	}
}
