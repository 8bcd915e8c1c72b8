package store_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// silentServer takes connections and never answers. called is closed when the first one is there.
func silentServer(t *testing.T) (address string, called <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	var accepting sync.WaitGroup
	accepting.Go(func() {
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			if held = append(held, conn); len(held) == 1 {
				close(first)
			}
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		accepting.Wait()
	})
	return listener.Addr().String(), first
}

// deafServer has a port where nobody ever takes a connection.
func deafServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// storesAt are the stores of every server's engine over every way to reach it. limits are parameters of each driver.
func storesAt(t *testing.T, address, postgresLimit, mysqlLimit string) map[string]driver.Store {
	t.Helper()
	onPostgres := "postgres://user:secret@" + address + "/shop" + postgresLimit
	onMySQL := "mysql://user:secret@" + address + "/shop" + mysqlLimit
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stores := map[string]driver.Store{}
	for name, url := range map[string]string{"postgres by URL": onPostgres, "mysql by URL": onMySQL} {
		s, err := store.Open(url) // asks no server, so it does not wait for one
		must(err)
		stores[name] = s
	}
	pool, err := pgxpool.New(t.Context(), onPostgres)
	must(err)
	t.Cleanup(pool.Close)
	stores["postgres over a pool"] = postgres.New(pool)
	handle, err := sql.Open("pgx", onPostgres)
	must(err)
	t.Cleanup(func() { _ = handle.Close() })
	stores["postgres over database/sql"] = postgres.NewSQL(handle)
	dsn, err := mysql.DSN(onMySQL)
	must(err)
	config, err := gomysql.ParseDSN(dsn)
	must(err)
	config.Logger = &gomysql.NopLogger{}
	connector, err := gomysql.NewConnector(config)
	must(err)
	other := sql.OpenDB(connector)
	t.Cleanup(func() { _ = other.Close() })
	stores["mysql over database/sql"] = mysql.New(other)
	for _, s := range stores {
		t.Cleanup(func() { _ = s.Close() })
	}
	return stores
}

// TestOpeningALedgerOnASilentServerEndsInTime: the deadline is all that ends these calls.
func TestOpeningALedgerOnASilentServerEndsInTime(t *testing.T) {
	t.Parallel()
	silent, _ := silentServer(t)
	addresses := map[string]string{"silent": silent, "deaf": deafServer(t)}
	if full, ok := fullServer(t); ok {
		addresses["full"] = full
	}
	for kind, address := range addresses {
		for name, s := range storesAt(t, address, "", "") {
			for _, migrate := range []bool{false, true} {
				t.Run(kind+" "+name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					_, err := ledger.New(ctx, s, &ledger.Options{Migrate: migrate})
					wantUnanswered(t, err)
					// A dialer may end a moment before the context does, and as for any error of the network.
					if kind != "full" && (!errors.Is(err, context.DeadlineExceeded) || bursar.Retryable(err)) {
						t.Errorf("%v: the caller's time was over, and another call with this context is no use", err)
					}
				})
			}
		}
	}
}

// TestOpeningALedgerThatIsCancelled is no news of the server.
func TestOpeningALedgerThatIsCancelled(t *testing.T) {
	t.Parallel()
	address, called := silentServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-called
		cancel()
	}()
	for name, s := range storesAt(t, address, "", "") {
		if _, err := ledger.New(ctx, s, nil); bursar.CodeOf(err) != bursar.CodeCanceled {
			t.Errorf("%s: %v, want canceled", name, err)
		}
	}
}

// TestALimitOfTheDriversIsNoEndOfTheCall: drivers report their own limits as they report the caller's.
func TestALimitOfTheDriversIsNoEndOfTheCall(t *testing.T) {
	t.Parallel()
	addresses := map[string]string{"deaf": deafServer(t)}
	if full, ok := fullServer(t); ok {
		addresses["full"] = full
	}
	for kind, address := range addresses {
		for name, s := range storesAt(t, address, "?connect_timeout=1", "?timeout=10ms&readTimeout=10ms") {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				_, err := ledger.New(t.Context(), s, nil)
				if bursar.CodeOf(err) != bursar.CodeUnavailable || !bursar.Retryable(err) {
					t.Errorf("%v, want unavailable, which may be tried again", err)
				}
				if strings.HasPrefix(name, "mysql") { // which migrates on a connection of its own
					err = s.Migrate(t.Context())
				}
				if bursar.CodeOf(err) != bursar.CodeUnavailable || !bursar.Retryable(err) {
					t.Errorf("migrate: %v, want unavailable, which may be tried again", err)
				}
			})
		}
	}
}

// wantUnanswered is what is said of a server that did not answer in time.
func wantUnanswered(t *testing.T, err error) {
	t.Helper()
	if bursar.CodeOf(err) != bursar.CodeUnavailable {
		t.Errorf("%v, want unavailable", err)
	} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "canceled") {
		t.Errorf("the error shows a password, or a code that it has not: %v", err)
	}
}
