package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	"github.com/bursar-ledger/bursar/driver"
)

// TestARunAfterAConflictLocksWhatTheOneBeforeNamed has a block name other accounts in its second run. Those of the
// first are locked at the first verb all the same, under any way to run a block.
func TestARunAfterAConflictLocksWhatTheOneBeforeNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	free := func(path string) string {
		return d.text(`SELECT count(*)::text FROM (SELECT FROM bursar_balance JOIN bursar_account USING (account)
			WHERE path = $1 FOR UPDATE OF bursar_balance SKIP LOCKED) AS found`, path)
	}
	run := 0
	block := func(ctx context.Context, tx driver.CallerTx) error {
		run++
		if run == 1 {
			_, err := d.ledger.In(tx).Post(ctx, move("users:1", "users:2", "1.00 USD"))
			return errors.Join(err, &pgconn.PgError{Code: "40P01"})
		}
		_, err := d.ledger.In(tx).Post(ctx, move("users:3", "users:4", "1.00 USD"))
		for path, want := range map[string]string{"users:1": "0", "users:2": "0", "users:3": "0", "world": "1"} {
			if got := free(path); got != want {
				t.Errorf("%s: %s rows are free, want %s", path, got, want)
			}
		}
		return err
	}
	db := pgxatomic.Open(d.pool, nil)
	for name, do := range map[string]func() error{
		"atomic.Do": func() error {
			return atomic.Do(t.Context(), db, func(ctx context.Context, tx *atomic.Tx) error { return block(ctx, tx) }, nil)
		},
		"pgxatomic.Do": func() error {
			return pgxatomic.Do(t.Context(), db,
				func(ctx context.Context, tx *pgxatomic.Tx) error { return block(ctx, tx) }, nil)
		},
	} {
		run = 0
		if err := do(); err != nil || run != 2 {
			t.Errorf("%s: %v after %d runs", name, err, run)
		}
	}
	d.wantVerified()
}
