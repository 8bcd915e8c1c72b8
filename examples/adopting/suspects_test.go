package adopting_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestSuspects wants the first query of the guide to find every unsound row, whatever type the column has.
func TestSuspects(t *testing.T) {
	db := sqltest.Postgres(t).Open(t)
	query := readDocument(t).take(t, "suspects")
	for _, test := range []struct {
		columnType, values string
		want               []string
	}{
		{"bigint", "(1, 0), (2, NULL), (3, -1), (4, 1000000000000000), (5, 1000000000000001)",
			[]string{"2 NULL no balance", "3 -1 negative", "5 1000000000000001 out of range"}},
		{"numeric", "(1, 0.00), (2, 12.5), (3, 'NaN'), (4, 'Infinity'), (5, -0.01), (6, NULL), (7, 1e40), (8, 7)",
			[]string{"2 12.5 a fraction of a cent", "3 NaN not a number", "4 Infinity not a number",
				"5 -0.01 a fraction of a cent", "6 NULL no balance", "7 10000000000000000000000000000000000000000 out of range"}},
		{"double precision", "(1, 100), (2, 0.1), (3, 'NaN'), (4, '-Infinity'), (5, 1e300), (6, -3), (7, 1e6)",
			[]string{"2 0.1 a fraction of a cent", "3 NaN not a number", "4 -Infinity not a number",
				"5 1e+300 out of range", "6 -3 negative"}},
	} {
		t.Run(test.columnType, func(t *testing.T) {
			table := `CREATE TABLE users (id bigint PRIMARY KEY, balance_cents ` + test.columnType + `)`
			if _, err := db.ExecContext(t.Context(), table+`; INSERT INTO users VALUES `+test.values); err != nil {
				t.Fatal(err)
			}
			got, err := collect(t.Context(), db, query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("suspects (-want +got):\n%s", diff)
			}
			if _, err := db.ExecContext(t.Context(), `DROP TABLE users`); err != nil {
				t.Fatal(err)
			}
		})
	}
}
