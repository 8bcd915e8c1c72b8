package postgres_test

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func TestAnErrorAmongTheRowsIsUndoneWithItsSavepoint(t *testing.T) {
	t.Parallel()
	db := atomic.Open(sqltest.Postgres(t).Open(t), postgres.Dialect{}, nil)
	err := atomic.Do(t.Context(), db, func(ctx context.Context, tx *atomic.Tx) error {
		err := tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT 1 / (3 - n) FROM generate_series(1, 5) AS n`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
			}
			return rows.Err()
		})
		if err == nil {
			t.Error("a division by zero is no error")
		}
		_, err = tx.ExecContext(ctx, `SELECT 1`)
		return err
	}, nil)
	if err != nil {
		t.Errorf("Do = %v", err)
	}
}
