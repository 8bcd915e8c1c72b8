//go:build !bursar_no_modernc

package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// TestScan reads values of every kind, over a connection that keeps its statements.
func TestScan(t *testing.T) {
	t.Parallel()
	f, err := openFile(filepath.Join(t.TempDir(), "scan.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.writes.Close()
	defer f.db.Close()
	c, err := f.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	scanAll := func(query string, args ...int64) (rows [][]sqlstore.Scanned, done bool) {
		t.Helper()
		err := c.Raw(func(driverConn any) error {
			done = scan(driverConn, query, args, func(values []sqlstore.Scanned) {
				row := make([]sqlstore.Scanned, len(values))
				for i, value := range values {
					row[i] = value
					row[i].Blob = append([]byte(nil), value.Blob...)
				}
				rows = append(rows, row)
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows, done
	}
	number := func(n int64) sqlstore.Scanned { return sqlstore.Scanned{Kind: sqlstore.ScannedInt, Int: n} }
	blob := sqlstore.Scanned{Kind: sqlstore.ScannedBlob, Blob: []byte{0, 255}}
	null, other := sqlstore.Scanned{Kind: sqlstore.ScannedNull}, sqlstore.Scanned{Kind: sqlstore.ScannedOther}
	const two = "VALUES (?1, -9223372036854775808, x'00ff', NULL, 'text', 1.5, x''), (?2, 0, 0, 0, 0, 0, 0)"
	got, done := scanAll(two, 7, 8)
	want := [][]sqlstore.Scanned{
		{number(7), number(-1 << 63), blob, null, other, other, {Kind: sqlstore.ScannedBlob}},
		{number(8), number(0), number(0), number(0), number(0), number(0), number(0)},
	}
	if diff := cmp.Diff(want, got); !done || diff != "" {
		t.Errorf("done %v (-want +got):\n%s", done, diff)
	}
	if got, done := scanAll("SELECT ?1", 1<<62); !done || len(got) != 1 || got[0][0].Int != 1<<62 {
		t.Errorf("one column: %v, %v", got, done)
	}
	for _, query := range []string{"SELECT nothing", "SELECT", ""} {
		if got, done := scanAll(query); done || len(got) > 0 {
			t.Errorf("%q: %v, %v", query, got, done)
		}
	}
	if scan(struct{ db int }{1}, "SELECT 1", nil, func([]sqlstore.Scanned) {}) {
		t.Error("what is no connection was read")
	}
	if err := c.PingContext(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("the connection afterwards: %v", err)
	}
}
