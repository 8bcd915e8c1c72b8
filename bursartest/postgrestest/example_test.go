package postgrestest_test

import (
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/postgrestest"
)

// A ledger on an empty database, which is gone when the test is over. The application's own tables go through Pool,
// DB or URL.
func ExampleNew() {
	_ = func(t *testing.T) {
		db := postgrestest.New(t)
		l := bursartest.With(t, db.Store)
		if _, err := db.Pool.Exec(t.Context(), `CREATE TABLE orders (id bigint PRIMARY KEY, paid boolean)`); err != nil {
			t.Fatal(err)
		}
		bursartest.Fund(t, l, "users:ann", "100.00 USD")
		// ... the code under test, over l.Ledger and db.Pool ...
		bursartest.Balance(t, l, "users:ann", "75.00 USD")
	}
}

// The test machine names its server in a variable of another name. Where it is not set, the database is as of New.
func ExampleAt() {
	_ = func(t *testing.T) {
		l := bursartest.With(t, postgrestest.At(t, os.Getenv("DATABASE_URL")).Store)
		bursartest.Fund(t, l, "users:ann", "100.00 USD")
	}
}
