package sqlitetest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/sqlitetest"
	"github.com/bursar-ledger/bursar/store"
)

func TestTheApplicationsTablesAndTheLedgersAreInOneFile(t *testing.T) {
	t.Parallel()
	var d *sqlitetest.Database
	t.Run("inner", func(t *testing.T) {
		d = sqlitetest.New(t)
		l := bursartest.With(t, d.Store, bursartest.Funded("users:1", "1.00 USD"))
		if _, err := d.DB.ExecContext(t.Context(), `CREATE TABLE orders (id INTEGER PRIMARY KEY)`); err != nil {
			t.Fatal(err)
		}
		other, err := store.Open(d.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := other.Close(); err != nil {
				t.Error(err)
			}
		})
		bursartest.Balance(t, bursartest.With(t, other), "users:1", "1.00 USD")
		bursartest.Fund(t, l, "users:1", "1.00 USD")
		if another := sqlitetest.New(t); another.URL == d.URL {
			t.Errorf("two databases are %s", d.URL)
		}
	})
	if err := d.DB.PingContext(t.Context()); err == nil {
		t.Error("the handle is open after its test")
	}
	if _, err := os.Stat(strings.TrimPrefix(d.URL, "sqlite:")); !os.IsNotExist(err) {
		t.Errorf("the file is there after its test: %v", err)
	}
}
