package postgres_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// TestAnErrorThatIsNotReturnedCommitsNothing: PostgreSQL answers such a COMMIT with ROLLBACK. That is no unknown
// outcome.
func TestAnErrorThatIsNotReturnedCommitsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	db := stdlib.OpenDBFromPool(d.pool)
	defer db.Close()
	err := ledger.Do(t.Context(), d.ledger, postgres.OnSQL(db), func(tx *sql.Tx, in *ledger.Joined) error {
		if _, err := in.Post(t.Context(), move("users:1", "users:2", "1.00 USD")); err != nil {
			return err
		}
		_, _ = tx.ExecContext(t.Context(), "SELECT no_such_column")
		return nil
	})
	d.wantCode(err, bursar.CodeUnsafeTransaction)
	d.wantBalance("users:1", "100.00 USD")
}

// mapper is what an ORM might give to a function in a database transaction.
type mapper struct{ tx *sql.Tx }

func TestOnFuncTakesWhateverBeginsByItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	db := stdlib.OpenDBFromPool(d.pool)
	defer db.Close()
	begun := 0
	on := postgres.OnFunc(func(ctx context.Context, fn func(mapper) error) error {
		begun++
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := fn(mapper{tx}); err != nil {
			return err
		}
		return tx.Commit()
	}, func(m mapper) postgres.DBTX { return m.tx })
	pay := func(amount string) error {
		return ledger.Do(t.Context(), d.ledger, on, func(_ mapper, in *ledger.Joined) error {
			_, err := in.Post(t.Context(), move("users:1", "users:2", amount))
			return err
		})
	}
	d.wantCode(pay("100.01 USD"), bursar.CodeInsufficientFunds)
	d.must(pay("5.00 USD"))
	if begun != 2 {
		t.Errorf("begun %d times, want 2", begun)
	}
	d.wantBalance("users:1", "95.00 USD")
	d.wantVerified()
}

// TestAConnectionWhoseCommitFailedIsNotGivenBack: its database transaction may be open still.
func TestAConnectionWhoseCommitFailedIsNotGivenBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	db := stdlib.OpenDBFromPool(d.pool)
	defer db.Close()
	db.SetMaxIdleConns(1)
	d.exec("CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
	idle := func(values string) int {
		err := ledger.Do(t.Context(), d.ledger, postgres.OnSQL(db), func(tx *sql.Tx, _ *ledger.Joined) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO late VALUES "+values)
			return err
		})
		if refused := values != "(1)"; (err != nil) != refused {
			t.Fatalf("%s: %v", values, err)
		}
		return db.Stats().Idle
	}
	if n := idle("(1)"); n != 1 {
		t.Errorf("after a commit %d connections are idle, want 1", n)
	}
	if n := idle("(2), (2)"); n != 0 {
		t.Errorf("after a commit that failed %d connections are idle, want 0", n)
	}
}

// TestConnectionsThatHaveGoneBadAreNoError: a server was started again while they lay in the pool.
func TestConnectionsThatHaveGoneBadAreNoError(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	const size = 5
	db := stdlib.OpenDB(*d.pool.Config().ConnConfig)
	defer db.Close()
	db.SetMaxIdleConns(size)
	var open []*sql.Conn
	for range size {
		conn, err := db.Conn(t.Context())
		d.must(err)
		_, err = conn.ExecContext(t.Context(), "SET application_name = 'goes_bad_"+d.server.Database()+"'")
		d.must(err)
		open = append(open, conn)
	}
	for _, conn := range open {
		d.must(conn.Close())
	}
	d.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'goes_bad_" +
		d.server.Database() + "'")
	d.must(ledger.Do(t.Context(), d.ledger, postgres.OnSQL(db), func(_ *sql.Tx, in *ledger.Joined) error {
		_, err := in.Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
		return err
	}))
	d.wantBalance("users:1", "99.00 USD")
}
