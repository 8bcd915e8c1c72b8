package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
)

// TestARefusalHasItsID tampers with a refusal and with the row that takes its id, and wants verify to find it.
func TestARefusalHasItsID(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{SealEvery: -1})
	id, err := d.ledger.NewID()
	d.must(err)
	short := move("users:1", "users:2", "1000000.00 USD")
	short.ID = id
	_, err = d.ledger.Post(t.Context(), short)
	d.wantCode(err, bursar.CodeInsufficientFunds)
	d.wantVerified()
	if n := d.text("SELECT count(*)::text FROM bursar_entries WHERE kind = 0 OR seq < 1"); n != "0" {
		t.Errorf("%s rows that are no entries are seen in the view", n)
	}
	d.exec("ALTER TABLE bursar_entry DISABLE TRIGGER ALL")
	d.exec("ALTER TABLE bursar_request DISABLE TRIGGER ALL")
	for _, c := range []struct{ tamper, want string }{
		{"UPDATE bursar_entry SET decided = decided + 1 WHERE kind = 0", "ids taken by no refusal: 1"},
		{"UPDATE bursar_entry SET amount = 1 WHERE kind = 0", "ids taken by no refusal: 1"},
		{"UPDATE bursar_entry SET request_id = gen_random_uuid() WHERE kind = 0", "refusals without their id: 1"},
		{"DELETE FROM bursar_entry WHERE kind = 0", "refusals without their id: 1"},
		{"DELETE FROM bursar_request WHERE refusal IS NOT NULL", "ids taken by no refusal: 1"},
	} {
		d.exec("CREATE TABLE kept_entry AS SELECT * FROM bursar_entry WHERE kind = 0")
		d.exec("CREATE TABLE kept_request AS SELECT * FROM bursar_request WHERE refusal IS NOT NULL")
		d.exec(c.tamper)
		report, err := verify.Run(t.Context(), d.store, d.ledger.Book(), nil)
		d.must(err)
		if !slices.ContainsFunc(report.Findings, func(f verify.Finding) bool {
			return f.Check == verify.Strays && strings.Contains(f.Detail, c.want)
		}) {
			t.Errorf("%s: want %q, got %v", c.tamper, c.want, report.Findings)
		}
		d.exec("DELETE FROM bursar_entry WHERE kind = 0")
		d.exec("DELETE FROM bursar_request WHERE refusal IS NOT NULL")
		d.exec("INSERT INTO bursar_entry SELECT * FROM kept_entry")
		d.exec("INSERT INTO bursar_request SELECT * FROM kept_request")
		d.exec("DROP TABLE kept_entry, kept_request")
	}
}
