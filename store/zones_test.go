package store_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
)

// TestTimestampsAreInNoZone reads bursar_lines in sessions of other zones.
func TestTimestampsAreInNoZone(t *testing.T) {
	t.Parallel()
	for engine, c := range map[string]struct{ zone, times string }{
		"postgres": {
			"SET TimeZone = 'Asia/Kathmandu'",
			"SELECT at, to_char(posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM bursar_lines",
		},
		"mariadb": {
			"SET time_zone = '+05:45', div_precision_increment = 0",
			"SELECT at, CAST(posted_at AS CHAR) FROM bursar_lines",
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := planners()[engine](t)
			s, err := store.Open(p.url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true, SealEvery: -1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close(t.Context()) })
			openFor(t, l, "users:1")
			wantVerified(t, s, l)
			head, err := l.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.db.SetMaxOpenConns(1)
			want := [][]string{{
				strconv.FormatInt(int64(head.At), 10), head.At.Time().Format("2006-01-02 15:04:05.000000"),
			}}
			for _, statement := range []string{"SELECT 1", c.zone} {
				p.exec(t, statement)
				if diff := cmp.Diff(want, textsOf(t, p.db, c.times)); diff != "" {
					t.Errorf("after %s (-want +got):\n%s", statement, diff)
				}
			}
		})
	}
}
