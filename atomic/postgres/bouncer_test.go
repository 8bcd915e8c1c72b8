package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestSuiteThroughPgBouncer is TestSuite through PgBouncer in transaction mode, which takes no deadlock_timeout in the
// URL; the server has its default.
func TestSuiteThroughPgBouncer(t *testing.T) {
	t.Parallel()
	place := sqltest.BouncedSchemas(t)
	h := atomictest.Postgres(postgres.Dialect{}, func(t *testing.T) (pool, other *sql.DB) {
		at := place(t)
		return at.Open(t), at.Open(t)
	})
	h.Name = "pgbouncer"
	document(t, "PgBouncer before "+place(t).Version(t), atomictest.Run(t, h))
}

// TestStatementModeIsRefusedAtOnce: no other attempt would change it.
func TestStatementModeIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	bouncer := sqltest.Bouncer(t, sqltest.PrivatePostgres(t), "statement")
	for name, pool := range map[string]*sql.DB{
		"statement mode":       bouncer.Open(t),
		"a setting in the URL": bouncer.Open(t, "search_path=public"),
	} {
		err := atomic.Do(t.Context(), atomic.Open(pool, postgres.Dialect{}, nil),
			func(context.Context, *atomic.Tx) error { return nil }, nil)
		if err == nil || errors.Is(err, atomic.ErrBudget) || errors.Is(err, atomic.ErrOutcomeUnknown) {
			t.Errorf("%s: %v, want an error of the first attempt", name, err)
		}
	}
}
