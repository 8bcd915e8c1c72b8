package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestCockroachHasTheSameTables applies its migration to PostgreSQL, which takes it as well.
func TestCockroachHasTheSameTables(t *testing.T) {
	t.Parallel()
	describe := func(cockroach bool) (text string) {
		db := sqltest.Postgres(t).Open(t)
		store := NewSQL(db)
		if cockroach {
			store = NewCockroachSQL(db)
		}
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
	if diff := cmp.Diff(describe(false), describe(true)); diff != "" {
		t.Errorf("tables (-postgres +cockroach):\n%s", diff)
	}
}
