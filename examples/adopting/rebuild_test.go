package adopting_test

import (
	"context"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/examples/adopting"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestRebuildWaits rebuilds the column while a payment is about to commit, and wants the payment to be in the column.
// The guide's SQL waits for the row before it looks at the balance.
func TestRebuildWaits(t *testing.T) {
	s := &story{T: t, document: readDocument(t), server: sqltest.Postgres(t)}
	s.db = s.server.Open(t)
	s.populate(20)
	s.install()
	s.run("signups")
	app := &adopting.App{DB: s.db, Ledger: s.ledger, Step: adopting.Ledger}
	s.must(app.Backfill(t.Context(), "1", 50, nil))

	tx, err := s.db.BeginTx(t.Context(), nil)
	s.must(err)
	s.must(app.Move(t.Context(), tx, adopting.Move{Kind: "topup", Key: 1, To: 5, Cents: 77}))
	rebuilt := make(chan error, 1)
	go func() {
		_, err := s.db.ExecContext(t.Context(), s.sql["rebuild"])
		rebuilt <- err
	}()
	s.waitForLock()
	s.must(tx.Commit())
	s.must(<-rebuilt)
	if found := s.rows(s.take(t, "compare")); len(found) > 0 {
		t.Errorf("the comparison finds %q", found)
	}
	if cents, err := app.Balance(t.Context(), 5); err != nil || cents != 5077 {
		t.Errorf("user 5 has %d, %v", cents, err)
	}
}

// waitForLock returns when somebody waits for a lock.
func (s *story) waitForLock() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for waits := false; !waits; {
		s.must(s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits))
	}
}
