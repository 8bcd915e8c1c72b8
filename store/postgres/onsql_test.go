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
