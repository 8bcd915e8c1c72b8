package sqltest_test

import (
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgx says of a statement that was sent and executed that it is safe to retry, if the connection is lost while it waits
// for the answer. Who believes it posts twice. Should this test fail after an update of pgx, the driver has become more
// careful: take the note out of docs/design.md, and leave the caution in atomic, because older versions remain in use.
func TestPgxCallsASentCommitSafeToRetry(t *testing.T) {
	s := sqltest.Postgres(t)
	direct := s.Open(t)
	exec(t, direct, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
	proxy := sqltest.NewProxy(t, s)
	var e engine
	for _, known := range engines() {
		if known.name == "postgres" {
			e = known
		}
	}

	native, err := pgx.Connect(t.Context(), proxy.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close(t.Context())
	for _, query := range []string{"BEGIN", "INSERT INTO kept VALUES (1)"} {
		if _, err := native.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	trap := proxy.CutNext(sqltest.BeforeAnswer, sqltest.Commit)
	_, err = native.Exec(t.Context(), "COMMIT")
	<-trap.Done()
	if !pgconn.SafeToRetry(err) || !committed(t, e, direct, 1) {
		t.Errorf("pgx: %v, safe to retry: %t, committed: %t", err, pgconn.SafeToRetry(err), committed(t, e, direct, 1))
	}

	c := dial(t, e, proxy.Open(t))
	c.begin(t, 2)
	trap = proxy.CutNext(sqltest.BeforeAnswer, sqltest.Commit)
	_, err = c.conn.ExecContext(t.Context(), "COMMIT")
	<-trap.Done()
	if !errors.Is(err, driver.ErrBadConn) || !committed(t, e, direct, 2) {
		t.Errorf("database/sql: %v, committed: %t, want driver.ErrBadConn for a commit that has happened",
			err, committed(t, e, direct, 2))
	}

	// On a pool, database/sql then sends the statement again on another connection, and says that all is well.
	exec(t, direct, "CREATE TABLE twice (id INTEGER)")
	trap = proxy.CutNext(sqltest.BeforeAnswer, sqltest.Containing("INTO twice"))
	_, err = proxy.Open(t).ExecContext(t.Context(), "INSERT INTO twice VALUES (1)")
	<-trap.Done()
	if got := len(column[int](t, direct, "SELECT id FROM twice")); err != nil || got != 2 {
		t.Errorf("database/sql: %v, %d rows of one insert, want 2 and no error", err, got)
	}
}
