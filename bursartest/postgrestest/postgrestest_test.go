package postgrestest_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/postgrestest"
)

func TestEachTestHasADatabaseOfItsOwnThatIsGoneAtTheEnd(t *testing.T) {
	t.Parallel()
	var first, second *postgrestest.Database
	t.Run("inner", func(t *testing.T) {
		first, second = postgrestest.New(t), postgrestest.New(t)
		a := bursartest.With(t, first.Store, bursartest.Funded("users:1", "1.00 USD"))
		b := bursartest.With(t, second.Store, bursartest.Funded("users:1", "2.00 USD"))
		bursartest.Balance(t, a, "users:1", "1.00 USD")
		bursartest.Balance(t, b, "users:1", "2.00 USD")
		var throughSQL, throughPGX int
		const query = `SELECT count(*) FROM bursar_account`
		if err := first.DB.QueryRowContext(t.Context(), query).Scan(&throughSQL); err != nil || throughSQL == 0 {
			t.Errorf("DB sees %d accounts, %v", throughSQL, err)
		}
		if err := first.Pool.QueryRow(t.Context(), query).Scan(&throughPGX); err != nil || throughPGX != throughSQL {
			t.Errorf("Pool sees %d accounts, %v", throughPGX, err)
		}
	})
	if second == nil {
		t.Skip("there is no server, or the test has failed")
	}
	if err := first.Pool.Ping(t.Context()); err == nil {
		t.Error("the pool is open after its test")
	}
	left := postgrestest.At(t, second.URL[:strings.LastIndex(second.URL, "/")]+"/postgres?sslmode=disable")
	for _, gone := range []*postgrestest.Database{first, second} {
		var n int
		const query = `SELECT count(*) FROM pg_database WHERE datname = $1`
		if err := left.Pool.QueryRow(t.Context(), query, name(t, gone.URL)).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s is there %d times after its test, %v", gone.URL, n, err)
		}
	}
}

func name(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

func TestTheURLMaySetUpThePool(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(postgrestest.New(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	query.Set("pool_max_conns", "3")
	at.RawQuery = query.Encode()
	d := postgrestest.At(t, at.String())
	if most := d.Pool.Config().MaxConns; most != 3 {
		t.Errorf("the pool has %d connections at most", most)
	}
	bursartest.With(t, d.Store, bursartest.Funded("users:1", "1.00 USD"))
}

func TestADatabaseIsDroppedUnderAProgramThatIsStillConnected(t *testing.T) {
	t.Parallel()
	var conn *pgx.Conn
	t.Run("inner", func(t *testing.T) {
		d := postgrestest.New(t)
		if other := postgrestest.At(t, d.URL); name(t, other.URL) == name(t, d.URL) {
			t.Error("two databases are one")
		}
		var err error
		if conn, err = pgx.Connect(context.Background(), d.URL); err != nil {
			t.Fatal(err)
		}
	})
	if conn == nil {
		t.Skip("there is no server, or the test has failed")
	}
	defer conn.Close(context.Background())
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the connection has outlived its database")
	}
}
