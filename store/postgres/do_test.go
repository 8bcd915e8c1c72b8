package postgres_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// TestDoTellsALostCommit loses the answer to a COMMIT that took effect. Doing the same again, as the code says, is
// harmless, because the transfer has an id.
func TestDoTellsALostCommit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	proxy := sqltest.NewProxy(t, d.server)
	pool, err := pgxpool.New(t.Context(), proxy.DSN(d.params...))
	d.must(err)
	t.Cleanup(pool.Close)
	db := proxy.Open(t, d.params...)
	lostCommit(d, proxy, "users:1", postgres.On(pool))
	lostCommit(d, proxy, "users:2", postgres.OnSQL(db))
	swallowed := ledger.Do(t.Context(), d.ledger, postgres.OnSQL(db), func(tx *sql.Tx, _ *ledger.Joined) error {
		_, _ = tx.ExecContext(t.Context(), "SELECT 1 / 0") // COMMIT is then answered with ROLLBACK
		return nil
	})
	if swallowed == nil || bursar.CodeOf(swallowed) == bursar.CodeOutcomeUnknown || bursar.Retryable(swallowed) {
		t.Errorf("a swallowed error: %v, want one that says that nothing was committed", swallowed)
	}
	d.wantVerified()
}

func lostCommit[T any](d *desk, proxy *sqltest.Proxy, path string, on driver.Transactor[T]) {
	d.Helper()
	transfer := move("world", path, "1.00 USD")
	transfer.ID = bursar.IDOf("lost", path)
	pay := func() error {
		return ledger.Do(d.Context(), d.ledger, on, func(_ T, in *ledger.Joined) error {
			_, err := in.Post(d.Context(), transfer)
			return err
		})
	}
	trap := proxy.CutNext(sqltest.BeforeAnswer, func(statement string) bool {
		// Package atomic sends a savepoint and COMMIT in one message.
		return strings.HasSuffix(strings.TrimSuffix(strings.ToUpper(statement), ";"), "COMMIT")
	})
	err := pay()
	d.wantCode(err, bursar.CodeOutcomeUnknown)
	<-trap.Done()
	if !bursar.Retryable(err) {
		d.Errorf("%v may be asked again", err)
	}
	d.must(pay())
	d.wantBalance(path, "101.00 USD")
}
