package drivers_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver "postgres"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/postgres"

	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
	"github.com/bursar-ledger/bursar/examples/orms/sqlxshop"
)

func TestPurchaseOverLibPQ(t *testing.T) {
	t.Parallel()
	pq := shoptest.Driver{Name: "postgres", DSN: func(url string) (string, error) { return url, nil }}
	shoptest.RunOver(t, shoptest.Postgres, pq, func(_ *testing.T, d *shoptest.Database) shoptest.Buy {
		return (&sqlxshop.Shop{Ledger: d.Ledger, On: sqlxshop.OnPostgres(sqlx.NewDb(d.DB, "postgres"))}).Buy
	})
}

// TestLibPQAnErrorThatIsNotReturnedCommitsNothing: lib/pq does not send such a COMMIT. That is no unknown outcome.
func TestLibPQAnErrorThatIsNotReturnedCommitsNothing(t *testing.T) {
	t.Parallel()
	db := handle(t, "postgres", sqltest.Postgres(t).DSN())
	l := bursartest.With(t, postgres.NewSQL(db), bursartest.Funded("users:ann", "1.00 USD"))
	err := ledger.Do(t.Context(), l.Ledger, postgres.OnSQL(db), func(tx *sql.Tx, _ *ledger.Joined) error {
		_, _ = tx.ExecContext(t.Context(), "SELECT no_such_column")
		return nil
	})
	if bursar.CodeOf(err) != bursar.CodeUnsafeTransaction {
		t.Errorf("%v, want %v", err, bursar.CodeUnsafeTransaction)
	}
}

// TestPGDriverIsRefused is about bun's own driver, which takes no arrays and whose errors have no SQLSTATE.
func TestPGDriverIsRefused(t *testing.T) {
	t.Parallel()
	server := sqltest.Postgres(t)
	own := closing(t, sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(server.DSN()))))
	if _, err := ledger.New(t.Context(), postgres.NewSQL(own), &ledger.Options{Migrate: true}); err == nil ||
		bursar.CodeOf(err) != bursar.CodeUnsupported {
		t.Errorf("New: %v, want %v", err, bursar.CodeUnsupported)
	} else {
		t.Log(err)
	}
	l := bursartest.With(t, postgres.NewSQL(server.Open(t)), bursartest.Funded("users:ann", "1.00 USD"))
	err := bun.NewDB(own, pgdialect.New()).RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		_, err := l.In(postgres.Tx(tx)).Post(ctx, payment(0))
		return err
	})
	if bursar.CodeOf(err) != bursar.CodeUnsupported {
		t.Errorf("under In: %v, want %v", err, bursar.CodeUnsupported)
	}
	t.Log(err)
}

// wrapped is a database transaction of an application's around bun's, such as one that counts statements.
type wrapped struct{ bun.Tx }

// TestArgumentsThatDoNotArriveAreRefused: bun puts arguments in the place of question marks and drops the others.
func TestArgumentsThatDoNotArriveAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pgx", "postgres"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := handle(t, name, sqltest.Postgres(t).DSN())
			l := bursartest.With(t, postgres.NewSQL(db), bursartest.Funded("users:ann", "1.00 USD"))
			for what, verb := range map[string]func(context.Context, *ledger.Joined) error{
				"reads": func(ctx context.Context, in *ledger.Joined) error { _, err := in.Head(ctx); return err },
				"posts": func(ctx context.Context, in *ledger.Joined) error { _, err := in.Post(ctx, payment(0)); return err },
			} {
				err := bun.NewDB(db, pgdialect.New()).RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
					return verb(ctx, l.In(postgres.Tx(wrapped{tx})))
				})
				if bursar.CodeOf(err) != bursar.CodeUnsupported {
					t.Errorf("what %s: %v, want %v", what, err, bursar.CodeUnsupported)
				}
				t.Log(err)
			}
		})
	}
}

func handle(t *testing.T, name, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, db)
}

func closing(t *testing.T, db *sql.DB) *sql.DB {
	t.Helper()
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// payment moves a cent, with text that looks like placeholders. Each n is another one.
func payment(n int) bursar.Transfer {
	return bursar.Transfer{
		ID: bursar.IDOf("drivers.pay", n), Metadata: map[string]string{"why?": `$1 ? '\ %s ?0`},
		Legs: []bursar.Leg{{From: "users:ann", To: "shop", Amount: money.MustParse("0.01 USD")}},
	}
}
