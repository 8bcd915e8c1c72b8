package sqltest

import (
	"fmt"
	satomic "sync/atomic"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// Bouncer puts PgBouncer before a PostgreSQL server of the test's own, in one of its modes: session, transaction or
// statement. Everything else is its default, but for settings such as "max_prepared_statements = 0". It ends with the
// test. If there is no PgBouncer, the test is skipped, or fails if BURSAR_REQUIRE lists pgbouncer.
func Bouncer(t testing.TB, before *Server, mode string, settings ...string) Endpoint {
	t.Helper()
	if before.own == nil {
		t.Fatal("PgBouncer stands before a server of the test's own: take PrivatePostgres")
	}
	in, err := server.Bounce(t.Context(), before.own, mode, settings...)
	if err != nil {
		refuse(t, "pgbouncer", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what PgBouncer said:\n%s", in.Log())
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return before.at(in.URL().Host)
}

// bouncedMax is how many places [BouncedSchemas] has.
const bouncedMax = 1000

// BouncedSchemas starts a PostgreSQL server for this test with PgBouncer in transaction mode before it. It returns a
// function that makes an empty schema and gives it as a database of its own name, which is one for PgBouncer alone:
// PostgreSQL takes its time to make a database, and PgBouncer refuses a search_path in the URL. What PgBouncer has of
// connections to a schema that nobody uses any more, it closes after seconds and not after minutes.
func BouncedSchemas(t testing.TB) func(t testing.TB) *Server {
	t.Helper()
	behind := PrivatePostgres(t)
	settings := []string{"server_idle_timeout = 10", "[databases]"}
	for n := range bouncedMax {
		settings = append(settings, fmt.Sprintf(
			"place%d = host=%s port=%d dbname=%s connect_query='SET search_path TO place%[1]d'",
			n, behind.Host(), behind.Port(), behind.Database()))
	}
	before, admin := Bouncer(t, behind, "transaction", settings...), behind.Open(t)
	var made satomic.Int64
	return func(t testing.TB) *Server {
		t.Helper()
		name := fmt.Sprintf("place%d", made.Add(1)-1)
		if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
			t.Fatal(err)
		}
		return &Server{Endpoint: before.With(name)}
	}
}
