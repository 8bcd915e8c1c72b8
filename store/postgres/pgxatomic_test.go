package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	"github.com/bursar-ledger/bursar/store/postgres"
)

func TestMoneyCommitsWithTheRowOfABlockOverPgx(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.exec("CREATE TABLE orders (id integer PRIMARY KEY, state text NOT NULL)")
	d.exec("INSERT INTO orders VALUES (7, 'open')")
	reason := errors.New("changed my mind")
	for _, db := range []*atomic.DB{pgxatomic.Open(d.pool, nil), d.store.DB()} {
		pay := func(amount string, fail error) error {
			return pgxatomic.Do(t.Context(), db, func(ctx context.Context, tx *pgxatomic.Tx) error {
				if _, err := tx.Exec(ctx, "UPDATE orders SET state = 'paid' WHERE id = $1", 7); err != nil {
					return err
				}
				_, err := d.ledger.In(tx).Post(ctx, move("users:1", "users:2", amount))
				return errors.Join(err, fail)
			}, nil)
		}
		d.wantCode(pay("100.01 USD", nil), bursar.CodeInsufficientFunds)
		if err := pay("5.00 USD", reason); !errors.Is(err, reason) {
			t.Errorf("pay = %v, want %v", err, reason)
		}
		d.must(pay("5.00 USD", nil))
	}
	d.wantBalance("users:1", "90.00 USD")
	d.wantVerified()
}

func TestPgxTxTakesABlockOverPgx(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	reason := errors.New("changed my mind")
	d.must(pgxatomic.Do(t.Context(), pgxatomic.Open(d.pool, nil), func(ctx context.Context, tx *pgxatomic.Tx) error {
		for _, end := range []error{nil, reason} {
			err := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
				in := d.ledger.In(postgres.PgxTx(inner))
				_, err := in.Post(ctx, move("users:1", "nobody", "5.00 USD"))
				d.wantCode(err, bursar.CodeAccountNotFound)
				_, err = in.Post(ctx, move("users:1", "users:2", "7.00 USD"))
				return errors.Join(err, end)
			})
			if !errors.Is(err, end) {
				t.Errorf("the savepoint = %v, want %v", err, end)
			}
		}
		return nil
	}, nil))
	d.wantBalance("users:1", "93.00 USD")
	d.wantVerified()
}
