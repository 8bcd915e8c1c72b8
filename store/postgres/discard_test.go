package postgres_test

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
)

// TestAConnectionInDoubtDoesNotGoBackToThePool has a COMMIT answered with an error that leaves its outcome open. The
// connection lives and looks idle, so only who closes it keeps the pool from giving it to the next caller.
func TestAConnectionInDoubtDoesNotGoBackToThePool(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{SealEvery: -1}) // a sealer would open connections meanwhile
	d.exec(`CREATE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'nobody knows' USING ERRCODE = '40003'; END $$`)
	d.exec(`CREATE CONSTRAINT TRIGGER doubt AFTER INSERT ON bursar_entry DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION doubt()`)
	pay := move("users:1", "users:2", "1.00 USD")
	for name, verb := range map[string]func() error{
		"Post": func() error {
			_, err := d.ledger.Post(t.Context(), pay)
			return err
		},
		"In a block of the store's handle": func() error {
			return atomic.Do(t.Context(), d.store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
				_, err := d.ledger.In(tx).Post(ctx, pay)
				return err
			}, nil)
		},
	} {
		process := d.text("SELECT pg_backend_pid()::text")
		if n := d.pool.Stat().TotalConns(); n != 1 {
			t.Fatalf("the pool has %d connections, want the one that is about to be in doubt", n)
		}
		d.wantCode(verb(), bursar.CodeOutcomeUnknown)
		if d.text("SELECT pg_backend_pid()::text") == process {
			t.Errorf("%s: the pool gave the connection in doubt to the next caller", name)
		}
	}
}
