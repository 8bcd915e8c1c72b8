package mysqltest_test

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/mysqltest"
)

func TestEachTestHasADatabaseOfItsOwnThatIsGoneAtTheEnd(t *testing.T) {
	t.Parallel()
	var first, second *mysqltest.Database
	var lost *sql.Tx
	t.Run("inner", func(t *testing.T) {
		first, second = mysqltest.New(t), mysqltest.New(t)
		a := bursartest.With(t, first.Store, bursartest.Funded("users:1", "1.00 USD"))
		b := bursartest.With(t, second.Store, bursartest.Funded("users:1", "2.00 USD"))
		bursartest.Balance(t, a, "users:1", "1.00 USD")
		bursartest.Balance(t, b, "users:1", "2.00 USD")
		// A database transaction that nobody ends keeps no database from being dropped.
		var n int
		var err error
		if lost, err = first.DB.BeginTx(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if err := lost.QueryRow(`SELECT count(*) FROM bursar_account`).Scan(&n); err != nil || n == 0 {
			t.Errorf("DB sees %d accounts, %v", n, err)
		}
	})
	if lost == nil {
		t.Skip("there is no server, or the test has failed")
	}
	if err := lost.Rollback(); err == nil {
		t.Error("the database transaction has outlived its database")
	}
	if err := first.DB.PingContext(t.Context()); err == nil {
		t.Error("the handle is open after its test")
	}
	at, err := url.Parse(first.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.Path = ""
	left := mysqltest.At(t, at.String())
	for _, gone := range []*mysqltest.Database{first, second} {
		var n int
		const query = `SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?`
		name := gone.URL[strings.LastIndex(gone.URL, "/")+1:]
		if err := left.DB.QueryRowContext(t.Context(), query, name).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s is there %d times after its test, %v", name, n, err)
		}
	}
}
