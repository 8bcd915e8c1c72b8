package mysql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// TestARefusalHasItsID takes a refusal from the row that has its id, and the other way round, and wants verify to find
// it.
func TestARefusalHasItsID(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	store := mysql.New(db)
	l := startLedger(t, store, &ledger.Options{SealEvery: -1})
	id, err := l.NewID()
	must(t, err)
	_, err = l.Post(t.Context(), bursar.Transfer{ID: id, Legs: []bursar.Leg{
		{From: "users:1", To: "users:2", Amount: money.MustParse("1000000.00 USD")},
	}})
	if bursar.CodeOf(err) != bursar.CodeInsufficientFunds {
		t.Fatal(err)
	}
	wantVerified(t, store, l)
	exec := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			_, err := db.ExecContext(t.Context(), statement)
			must(t, err)
		}
	}
	exec("DROP TRIGGER bursar_entry_delete", "DROP TRIGGER bursar_entry_update", "DROP TRIGGER bursar_request_delete")
	for _, c := range []struct{ tamper, want string }{
		{"UPDATE bursar_entry SET decided = decided + 1 WHERE kind = 0", "ids taken by no refusal: 1"},
		{"UPDATE bursar_entry SET amount = 1 WHERE kind = 0", "ids taken by no refusal: 1"},
		{"UPDATE bursar_entry SET request_id = REPEAT('x', 16) WHERE kind = 0", "refusals without their id: 1"},
		{"DELETE FROM bursar_entry WHERE kind = 0", "refusals without their id: 1"},
		{"DELETE FROM bursar_request WHERE refusal IS NOT NULL", "ids taken by no refusal: 1"},
	} {
		exec("CREATE TABLE kept_entry AS SELECT * FROM bursar_entry WHERE kind = 0",
			"CREATE TABLE kept_request AS SELECT * FROM bursar_request WHERE refusal IS NOT NULL", c.tamper)
		report, err := verify.Run(t.Context(), store, l.Book(), nil)
		must(t, err)
		if !slices.ContainsFunc(report.Findings, func(f verify.Finding) bool {
			return f.Check == verify.Strays && strings.Contains(f.Detail, c.want)
		}) {
			t.Errorf("%s: want %q, got %v", c.tamper, c.want, report.Findings)
		}
		exec("DELETE FROM bursar_entry WHERE kind = 0", "DELETE FROM bursar_request WHERE refusal IS NOT NULL",
			"INSERT INTO bursar_entry SELECT * FROM kept_entry", "INSERT INTO bursar_request SELECT * FROM kept_request",
			"DROP TABLE kept_entry, kept_request")
	}
}
