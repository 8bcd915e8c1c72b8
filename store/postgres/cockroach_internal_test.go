package postgres

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestCockroachSpellsBytesItsWay looks through all statements for what CockroachDB does not have.
func TestCockroachSpellsBytesItsWay(t *testing.T) {
	t.Parallel()
	mine, other := fmt.Sprintf("%+v", statements(postgresql)), fmt.Sprintf("%+v", statements(cockroach))
	for _, text := range []string{"uuid_send", "pg_trigger"} {
		if strings.Contains(other, text) {
			t.Errorf("a statement has %s: %s", text, other)
		}
		if !strings.Contains(mine, text) {
			t.Errorf("this test does not see the %s of PostgreSQL", text)
		}
	}
	if want, got := strings.Count(mine, "uuid_send("), strings.Count(other, "::bytes"); got != want || want < 10 {
		t.Errorf("%d uuids are spelled as bytes, want %d", got, want)
	}
}

// TestCockroachIsGivenNoNullForAnArray: its unnest would have no row, and nothing could be written.
func TestCockroachIsGivenNoNullForAnArray(t *testing.T) {
	t.Parallel()
	several := regexp.MustCompile(`unnest\([^)]*\[\], [^ ]*`)
	for _, v := range []variant{postgresql, cockroach} {
		found := several.FindAllString(fmt.Sprintf("%+v", statements(v)), -1)
		if v.array == postgresql.array && len(found) == 0 {
			t.Error("this test sees no unnest of several arrays")
		}
		for _, unnest := range found {
			if (v.array == cockroach.array) != strings.HasPrefix(unnest, "unnest(coalesce($1::") {
				t.Errorf("%s of several arrays with the form %s", unnest, v.array)
			}
		}
	}
	want := "unnest(coalesce($1::bigint[], ARRAY[]::bigint[]), coalesce($2::bytea[], ARRAY[]::bytea[]))"
	got := cockroach.unnest(sqlstore.Columns{{Name: "a", Type: sqlstore.Bigint}, {Name: "b", Type: sqlstore.Hash}})
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	row := sqltest.Postgres(t).Open(t).QueryRowContext(t.Context(),
		"SELECT count(*) - count(v.b) FROM "+want+" AS v (a, b)", []int64{1, 2, 3}, nil)
	var nulls int
	if err := row.Scan(&nulls); err != nil || nulls != 3 {
		t.Errorf("%d rows have NULL, %v; want 3", nulls, err)
	}
}

// TestTheRulesOfCockroach are those of PostgreSQL that it can be asked about. It has no replicas that only read, no
// synchronous_commit and no triggers that a session could switch off.
func TestTheRulesOfCockroach(t *testing.T) {
	t.Parallel()
	for _, r := range [][]rule{cockroachJoins, cockroachOwn} {
		text := fmt.Sprintf("%+v", r)
		for _, lacks := range []string{"pg_is_in_recovery", "session_replication_role", "full_page_writes", "fsync"} {
			if strings.Contains(text, lacks) {
				t.Errorf("it is asked for %s", lacks)
			}
		}
	}
	if text := fmt.Sprintf("%+v", cockroachJoins); !strings.Contains(text, "transaction_isolation") ||
		!strings.Contains(text, "transaction_read_only") {
		t.Errorf("a caller's level and mode are not looked at: %s", text)
	}
}

// TestCockroachHasTheSameTables applies its migration to PostgreSQL, which takes it as well.
func TestCockroachHasTheSameTables(t *testing.T) {
	t.Parallel()
	describe := func(d sqlstore.Dialect) (text string) {
		db := sqltest.Postgres(t).Open(t)
		own := dialect(postgresql)
		d.Atomic, d.Ready = own.Atomic, own.Ready // which PostgreSQL understands
		store := sqlstore.New(db, d, nil)
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		const query = `SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
			SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line
				FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT conname || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c
					WHERE connamespace = 'public'::regnamespace
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public') AS lines`
		if err := db.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	if diff := cmp.Diff(describe(dialect(postgresql)), describe(cockroachDialect())); diff != "" {
		t.Errorf("tables (-postgres +cockroach):\n%s", diff)
	}
}
