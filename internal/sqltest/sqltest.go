package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// A Server is a running server with a database for one test. Its methods may be called from any goroutine.
type Server struct {
	Endpoint
	own   *server.Instance // nil for a shared one
	admin *sql.DB          // of a node of the test's own cluster; otherwise nil
}

// Postgres gives the test an empty database on the shared PostgreSQL server.
func Postgres(t testing.TB) *Server {
	t.Helper()
	return sharedServer(t, PostgresEngine, sharedPostgres)
}

// MariaDB gives the test an empty database on the shared MariaDB server, or on the MySQL server in its place.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	return sharedServer(t, MariaDBEngine, sharedMariaDB)
}

// Cockroach gives the test an empty database on the CockroachDB server that BURSAR_TEST_COCKROACH names.
func Cockroach(t testing.TB) *Server {
	t.Helper()
	return sharedServer(t, CockroachEngine, sharedCockroach)
}

// TiDB gives the test an empty database on the TiDB server that BURSAR_TEST_TIDB names.
func TiDB(t testing.TB) *Server {
	t.Helper()
	return sharedServer(t, TiDBEngine, sharedTiDB)
}

// PrivatePostgres starts a PostgreSQL server for this test alone, with an empty database. The server ends with the
// test. If the test has failed, its output ends with the log of the server.
func PrivatePostgres(t testing.TB) *Server {
	t.Helper()
	return privateServer(t, PostgresEngine, server.Postgres)
}

// PrivateMariaDB does for MariaDB what [PrivatePostgres] does for PostgreSQL.
func PrivateMariaDB(t testing.TB) *Server {
	t.Helper()
	return privateServer(t, MariaDBEngine, server.MariaDB)
}

var errShared = errors.New("other tests use this server too; take PrivatePostgres or PrivateMariaDB")

// Kill9 kills the server and all of its processes with SIGKILL and returns when they are gone. Everything that the
// server has answered as committed is there after Restart. It is an error if the server does not run or is shared.
func (s *Server) Kill9() error {
	if s.own == nil {
		return errShared
	}
	return s.own.Kill9()
}

// Stop ends the server in order, connections included, and returns when it is gone. It is an error if the server does
// not run or is shared.
func (s *Server) Stop() error {
	if s.own == nil {
		return errShared
	}
	return s.own.Stop()
}

// Restart starts the server again, on the same port and with the same data, and returns when it takes connections.
// A server that runs is stopped first. It is an error if the server is shared.
func (s *Server) Restart(ctx context.Context) error {
	if s.own == nil {
		return errShared
	}
	return s.own.Restart(ctx)
}

// Each test binary has one server of each engine, and one pool to make databases with.
var (
	sharedPostgres  = sharedOnce(PostgresEngine, "BURSAR_TEST_POSTGRES")
	sharedMariaDB   = sharedOnce(MariaDBEngine, "BURSAR_TEST_MYSQL")
	sharedCockroach = sharedOnce(CockroachEngine, "BURSAR_TEST_COCKROACH")
	sharedTiDB      = sharedOnce(TiDBEngine, "BURSAR_TEST_TIDB")
)

// sharedOnce returns a function that connects when it is first called, to the server that a variable names.
func sharedOnce(e Engine, variable string) func() (*shared, error) {
	return sync.OnceValues(func() (*shared, error) { return share(e, os.Getenv(variable)) })
}

// shared is a server that many tests use, each in a database of its own.
type shared struct {
	Endpoint
	admin *sql.DB
}

// share connects to the server that a URL names. Without a URL it starts a new one, which ends with the test
// binary.
func share(e Engine, address string) (*shared, error) {
	if address == "" {
		in, err := startShared(e)
		if err != nil {
			return nil, err
		}
		address = in.URL().String()
	}
	at, err := parse(e, address)
	if err != nil {
		return nil, err
	}
	admin, err := at.open()
	if err != nil {
		return nil, err
	}
	at.engine, err = productOf(context.Background(), e, admin)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reach the %s server at %s: %w", e, at.url.Redacted(), err), admin.Close())
	}
	return &shared{at, admin}, nil
}

func startShared(e Engine) (*server.Instance, error) {
	kind, ok := e.started()
	if !ok {
		return nil, fmt.Errorf("%s %w: name a running server in BURSAR_TEST_%s",
			e, server.ErrMissing, strings.ToUpper(string(e)))
	}
	chosen, err := server.InPlaceOf(kind)
	if err != nil {
		return nil, err
	}
	return server.Start(context.Background(), chosen)
}

func sharedServer(t testing.TB, e Engine, find func() (*shared, error)) *Server {
	t.Helper()
	s, err := find()
	if err != nil {
		refuse(t, e, err)
	}
	return &Server{Endpoint: give(t, s.Endpoint, s.admin)}
}

func privateServer(t testing.TB, e Engine, kind server.Engine) *Server {
	t.Helper()
	chosen, err := server.InPlaceOf(kind)
	if err != nil {
		t.Fatal(err)
	}
	in, err := server.Start(t.Context(), chosen)
	if err != nil {
		refuse(t, e, err)
	}
	return owned(t, e, in)
}

// owned gives a test an empty database on a server of its own, which ends with the test.
func owned(t testing.TB, e Engine, in *server.Instance) *Server {
	t.Helper()
	closes(t, e, in)
	at, err := parse(e, in.URL().String())
	if err != nil {
		t.Fatal(err)
	}
	admin, err := at.open()
	if err != nil {
		t.Fatal(err)
	}
	product, err := productOf(t.Context(), e, admin)
	if err != nil {
		t.Fatal(err)
	}
	at.engine = product
	name, err := newDatabase(t.Context(), product, admin)
	if err := errors.Join(err, admin.Close()); err != nil {
		t.Fatal(err)
	}
	return &Server{Endpoint: at.With(name), own: in}
}

// closes ends a server with the test.
func closes(t testing.TB, e Engine, in *server.Instance) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the %s server said:\n%s", e, in.Log())
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
}

// refuse ends a test whose server cannot be had. The test is skipped if the server is not installed and
// BURSAR_REQUIRE does not list it. Otherwise it fails.
func refuse(t testing.TB, e Engine, err error) {
	t.Helper()
	wanted := []string{string(e)}
	if kind, ok := e.started(); ok {
		if chosen, err := server.InPlaceOf(kind); err == nil {
			wanted = append(wanted, string(chosen))
		}
	}
	required := strings.FieldsFunc(os.Getenv("BURSAR_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' })
	listed := slices.ContainsFunc(required, func(name string) bool { return slices.Contains(wanted, name) })
	switch {
	case !errors.Is(err, server.ErrMissing):
		t.Fatal(err)
	case listed:
		t.Fatalf("%v; BURSAR_REQUIRE lists %s", err, strings.Join(wanted, " or "))
	default:
		t.Skip(err.Error())
	}
}
