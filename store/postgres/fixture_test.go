package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// desk is a ledger over pgx with a schema of its own: four users with 100.00 USD each, and the world that it came from.
type desk struct {
	*testing.T
	place
	pool   *pgxpool.Pool
	store  *postgres.Store
	ledger *ledger.Ledger
}

func newDesk(t *testing.T, o *ledger.Options) *desk {
	t.Helper()
	return deskAt(t, schemas(t, sqltest.Postgres(t))(t), o)
}

func deskAt(t *testing.T, at place, o *ledger.Options, params ...string) *desk {
	t.Helper()
	if o == nil {
		o = &ledger.Options{}
	}
	o.Migrate = true
	at.params = append(params, at.params...)
	d := &desk{T: t, place: at, pool: at.pool(t)}
	d.store = postgres.New(d.pool)
	l, err := ledger.New(t.Context(), d.store, o)
	d.must(err)
	d.ledger = l
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := d.store.Close(); err != nil {
			t.Error(err)
		}
	})
	usd := money.MustParse("0.00 USD").Currency()
	_, err = l.OpenAccount(t.Context(), bursar.Opening{Path: "world", Currency: usd, NoMin: true})
	d.must(err)
	for _, path := range []string{"users:1", "users:2", "users:3", "users:4"} {
		_, err := l.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: usd})
		d.must(err)
		_, err = l.Post(t.Context(), move("world", path, "100.00 USD"))
		d.must(err)
	}
	return d
}

func move(from, to, amount string) bursar.Transfer {
	return bursar.Transfer{Legs: []bursar.Leg{{From: from, To: to, Amount: money.MustParse(amount)}}}
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) wantCode(err error, code bursar.Code) {
	d.Helper()
	if got := bursar.CodeOf(err); got != code {
		d.Fatalf("got code %q of error %v, want %q", got, err, code)
	}
}

func (d *desk) wantBalance(path, want string) {
	d.Helper()
	balance, err := d.ledger.Balance(d.Context(), path, bursar.AsOf{})
	d.must(err)
	if got := balance.Balance.String(); got != want {
		d.Errorf("%s has %s, want %s", path, got, want)
	}
}

func (d *desk) wantVerified() {
	d.Helper()
	_, err := d.ledger.Seal(d.Context())
	d.must(err)
	report, err := verify.Run(d.Context(), d.store, d.ledger.Book(), nil)
	d.must(err)
	d.must(report.Err())
}

// exec runs a statement of the application's own.
func (d *desk) exec(query string) {
	d.Helper()
	if _, err := d.pool.Exec(d.Context(), query); err != nil {
		d.Fatalf("%s: %v", query, err)
	}
}

func (d *desk) text(query string, args ...any) (s string) {
	d.Helper()
	if err := d.pool.QueryRow(d.Context(), query, args...).Scan(&s); err != nil {
		d.Fatalf("%s: %v", query, err)
	}
	return s
}

// begin begins a database transaction of pgx's that ends with the test.
func (d *desk) begin() pgx.Tx {
	d.Helper()
	tx, err := d.pool.Begin(d.Context())
	d.must(err)
	d.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after Commit it does nothing
	return tx
}

// waiting returns when a database transaction waits for a lock.
func (d *desk) waiting(tx pgx.Tx) {
	d.Helper()
	d.until("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock')", tx)
}

// blocking returns when somebody waits for a lock of a database transaction.
func (d *desk) blocking(tx pgx.Tx) {
	d.Helper()
	d.until("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)))", tx)
}

// until returns when a query about the backend of a database transaction says yes.
func (d *desk) until(query string, tx pgx.Tx) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), time.Minute)
	defer cancel()
	pid := tx.Conn().PgConn().PID()
	for yes := false; !yes; {
		if err := d.pool.QueryRow(ctx, query, pid).Scan(&yes); err != nil {
			d.Fatal(err)
		}
	}
}
