package mysql_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/posting"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// TestRights posts in every way as a user who has only the rights that docs/schema.md says, and who can therefore not
// change the journal.
func TestRights(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	admin := server.Open(t)
	exec := func(format string, args ...any) {
		t.Helper()
		_, err := admin.ExecContext(t.Context(), fmt.Sprintf(format, args...))
		must(t, err)
	}
	must(t, openStore(t, server.URL()).Migrate(t.Context()))
	const name, password = "bursar_app_of_a_test", "no secret"
	exec("DROP USER IF EXISTS %s", name)
	exec("CREATE USER %s IDENTIFIED BY '%s'", name, password)
	defer exec("DROP USER %s", name)
	exec("GRANT SELECT, INSERT, UPDATE ON %s.* TO %s", server.Database(), name)

	u, err := url.Parse(server.URL())
	must(t, err)
	u.User = url.UserPassword(name, password)
	db := openDB(t, u.String())
	store := mysql.New(db)
	open := func(o *bursar.Options) *bursar.Ledger {
		ledger, err := bursar.New(store, o)
		must(t, err)
		return ledger
	}
	must(t, open(&bursar.Options{Book: "another"}).Close(t.Context()))
	one := money.MustParse("1.00 USD")
	for i, strategy := range []bursar.Strategy{posting.Queue{}, posting.Locks{}, posting.Swap{}, posting.Hybrid{}, posting.Serializable{}} {
		ledger := open(&bursar.Options{Strategy: strategy})
		world, user := fmt.Sprintf("world:%d", i), fmt.Sprintf("users:%d", i)
		for _, o := range []bursar.Opening{{Account: world, NoMin: true}, {Account: user}} {
			o.Currency = one.Currency()
			_, err := ledger.Open(t.Context(), o)
			must(t, err)
		}
		pay := bursar.Transfer{Legs: []bursar.Leg{{From: world, To: user, Amount: one}}}
		_, err := ledger.Post(t.Context(), pay)
		must(t, err)
		tx := begin(t, db, sql.LevelReadCommitted)
		_, err = ledger.In(mysql.Tx(tx)).Post(t.Context(), pay)
		must(t, err)
		must(t, tx.Commit())
		_, err = ledger.Seal(t.Context())
		must(t, err)
		report, err := verify.Run(t.Context(), store, ledger.Book(), nil)
		must(t, err)
		must(t, report.Err())
		must(t, ledger.Close(t.Context()))
	}

	for _, statement := range []string{
		"DELETE FROM bursar_entry", "TRUNCATE bursar_entry", "DROP TABLE bursar_entry", "DROP TRIGGER bursar_entry_update",
		"ALTER TABLE bursar_entry DROP COLUMN hash",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("may do %s", statement)
		}
	}
}
