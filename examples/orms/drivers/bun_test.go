package drivers_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestBunTx gives bun's database transaction to In as it is, a nested one too.
func TestBunTx(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := handle(t, "sqlite", sqlite.DSN(filepath.Join(t.TempDir(), "bun.db")))
		takesBun(t, bun.NewDB(db, sqlitedialect.New()), sqlite.New(db),
			func(tx bun.Tx) driver.CallerTx { return sqlite.Tx(tx) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"pgx", "postgres"} {
			db := handle(t, name, sqltest.Postgres(t).DSN())
			takesBun(t, bun.NewDB(db, pgdialect.New()), postgres.NewSQL(db),
				func(tx bun.Tx) driver.CallerTx { return postgres.Tx(tx) })
		}
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		dsn, err := mysql.DSN(sqltest.MariaDB(t).URL())
		if err != nil {
			t.Fatal(err)
		}
		db := handle(t, "mysql", dsn)
		takesBun(t, bun.NewDB(db, mysqldialect.New()), mysql.New(db),
			func(tx bun.Tx) driver.CallerTx { return mysql.Tx(tx) })
	})
}

func takesBun(t *testing.T, db *bun.DB, store driver.Store, of func(bun.Tx) driver.CallerTx) {
	t.Helper()
	shop := bursar.Opening{Path: "shop", Currency: money.MustParse("0 USD").Currency()}
	l := bursartest.With(t, store, bursartest.Funded("users:ann", "1.00 USD"), bursartest.Opened(shop))
	post := func(ctx context.Context, tx bun.Tx, n int) error {
		in := l.In(of(tx))
		if _, err := in.Post(ctx, payment(n)); err != nil {
			return err
		}
		read, err := in.Transfer(ctx, payment(n).ID)
		if diff := cmp.Diff(payment(n).Metadata, read.Metadata); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		return err
	}
	err := db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		if err := post(ctx, tx, 1); err != nil {
			return err
		}
		undone := tx.RunInTx(ctx, nil, func(ctx context.Context, nested bun.Tx) error {
			if err := post(ctx, nested, 2); err != nil {
				return err
			}
			return sql.ErrNoRows
		})
		if undone != sql.ErrNoRows {
			t.Errorf("the nested one: %v", undone)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	bursartest.Balance(t, l, "shop", "0.01 USD")
	if _, err := l.In(of(bun.Tx{})).Head(t.Context()); bursar.CodeOf(err) != bursar.CodeUnsafeTransaction {
		t.Errorf("a Tx of nothing: %v", err)
	}
}
