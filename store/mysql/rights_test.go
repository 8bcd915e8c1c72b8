package mysql_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/storetest"
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
	open := func(o *ledger.Options) *ledger.Ledger {
		l, err := ledger.New(t.Context(), store, o)
		must(t, err)
		return l
	}
	must(t, open(&ledger.Options{Book: "another", Migrate: true}).Close(t.Context()))
	one := money.MustParse("1.00 USD")
	for i, strategy := range []ledger.Strategy{
		ledger.Queue{}, ledger.Locks{}, ledger.Swap{}, ledger.Hybrid{}, ledger.Serializable{},
	} {
		l := open(&ledger.Options{Strategy: strategy, Migrate: true})
		world, user := fmt.Sprintf("world:%d", i), fmt.Sprintf("users:%d", i)
		for _, o := range []bursar.Opening{{Path: world, NoMin: true}, {Path: user}} {
			o.Currency = one.Currency()
			_, err := l.OpenAccount(t.Context(), o)
			must(t, err)
		}
		pay := bursar.Transfer{Legs: []bursar.Leg{{From: world, To: user, Amount: one}}}
		_, err := l.Post(t.Context(), pay)
		must(t, err)
		tx := begin(t, db, sql.LevelReadCommitted)
		_, err = l.In(mysql.Tx(tx)).Post(t.Context(), pay)
		must(t, err)
		must(t, tx.Commit())
		_, err = l.Seal(t.Context())
		must(t, err)
		report, err := verify.Run(t.Context(), store, l.Book(), nil)
		must(t, err)
		must(t, report.Err())
		if len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], "trigger bursar_entry_update") ||
			!strings.Contains(report.Warnings[0], "view bursar_entries") {
			t.Errorf("what this user cannot see is passed over: %q", report.Warnings)
		}
		must(t, l.Close(t.Context()))
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

// TestRightToReadAlone reads as a user who may do nothing else. A time that only a writer can reach stays ahead, and
// what is posted is refused, both with the cause.
func TestRightToReadAlone(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	admin := server.Open(t)
	exec := func(format string, args ...any) {
		t.Helper()
		_, err := admin.ExecContext(t.Context(), fmt.Sprintf(format, args...))
		must(t, err)
	}
	writer, err := ledger.New(t.Context(), openStore(t, server.URL()), &ledger.Options{Migrate: true, SealEvery: -1})
	must(t, err)
	one := money.MustParse("1.00 USD")
	for _, o := range []bursar.Opening{{Path: "world", NoMin: true}, {Path: "users:1"}} {
		o.Currency = one.Currency()
		_, err := writer.OpenAccount(t.Context(), o)
		must(t, err)
	}
	_, err = writer.Seal(t.Context())
	must(t, err)
	must(t, writer.Close(t.Context()))
	const name, password = "bursar_reader_of_a_test", "no secret"
	exec("DROP USER IF EXISTS %s", name)
	exec("CREATE USER %s IDENTIFIED BY '%s'", name, password)
	defer exec("DROP USER %s", name)
	exec("GRANT SELECT ON %s.* TO %s", server.Database(), name)
	u, err := url.Parse(server.URL())
	must(t, err)
	u.User = url.UserPassword(name, password)
	l, err := ledger.New(t.Context(), openStore(t, u.String()), &ledger.Options{SealEvery: -1})
	must(t, err)
	storetest.ReadsAlone(t, l, "world", "users:1", "1142")
	must(t, l.Close(t.Context()))
}
