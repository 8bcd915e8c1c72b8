package sqltest_test

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/google/go-cmp/cmp"
)

// engine is one of the two that the tests of this package run on.
type engine struct {
	name    string
	shared  func(testing.TB) *sqltest.Server
	private func(testing.TB) *sqltest.Server
	tables  string // lists the tables of the database
	mark    string // how a statement names its first parameter
}

func engines() []engine {
	return []engine{
		{
			"postgres", sqltest.Postgres, sqltest.PrivatePostgres,
			"SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1", "$1",
		},
		{
			"mariadb", sqltest.MariaDB, sqltest.PrivateMariaDB,
			"SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY 1", "?",
		},
	}
}

// each runs a test on every engine, at the same time as other tests, because most of the time is spent in waiting for
// a disk.
func each(t *testing.T, test func(t *testing.T, e engine)) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

func exec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// column reads the only column that a query gives.
func column[T any](t *testing.T, db *sql.DB, query string) []T {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return all
}

func TestEachTestHasAnEmptyDatabaseOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		one, two := e.shared(t), e.shared(t)
		if one.Host() != two.Host() || one.Port() != two.Port() {
			t.Errorf("two servers, at port %d and %d, want one that both share", one.Port(), two.Port())
		}
		if one.Database() == two.Database() {
			t.Errorf("both have the database %s", one.Database())
		}
		first, second := one.Open(t), two.Open(t)
		if got := column[string](t, first, e.tables); len(got) != 0 {
			t.Errorf("a new database has the tables %q", got)
		}
		exec(t, first, "CREATE TABLE mine (id INTEGER PRIMARY KEY)")
		if diff := cmp.Diff([]string{"mine"}, column[string](t, first, e.tables)); diff != "" {
			t.Errorf("tables (-want +got):\n%s", diff)
		}
		if got := column[string](t, second, e.tables); len(got) != 0 {
			t.Errorf("the other database has the tables %q", got)
		}
	})
}

// A test that leaves a database transaction open, with locks, must not keep its database from being dropped.
func TestDatabaseIsDroppedWithTheTest(t *testing.T) {
	databases := map[string]string{"postgres": "SELECT datname FROM pg_database", "mariadb": "SHOW DATABASES"}
	each(t, func(t *testing.T, e engine) {
		var name string
		t.Run("leave it in use", func(t *testing.T) {
			s := e.shared(t)
			name = s.Database()
			db := s.Open(t)
			exec(t, db, "CREATE TABLE mine (id INTEGER PRIMARY KEY)")
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, query := range []string{"BEGIN", "INSERT INTO mine VALUES (1)"} {
				if _, err := conn.ExecContext(t.Context(), query); err != nil {
					t.Fatal(err)
				}
			}
		})
		if left := column[string](t, e.shared(t).Open(t), databases[e.name]); slices.Contains(left, name) {
			t.Errorf("the database of an ended test is there: %q", left)
		}
	})
}

// What was committed survives kill -9, what was not does not, and other servers notice nothing.
func TestPrivateServerKeepsItsData(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		one, two := e.private(t), e.private(t)
		db, other := one.Open(t), two.Open(t)
		syncs(t, e, db)
		for _, db := range []*sql.DB{db, other} {
			exec(t, db, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
			exec(t, db, "INSERT INTO kept VALUES (1)")
		}
		if one.Port() == two.Port() {
			t.Fatalf("two servers on port %d", one.Port())
		}
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, query := range []string{"BEGIN", "INSERT INTO kept VALUES (2)"} {
			if _, err := conn.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		if err := one.Kill9(); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), "COMMIT"); err == nil {
			t.Error("a killed server has committed")
		}
		if err := db.PingContext(t.Context()); err == nil {
			t.Error("a killed server answers")
		}
		if diff := cmp.Diff([]int{1}, column[int](t, other, "SELECT id FROM kept")); diff != "" {
			t.Errorf("the other server's rows (-want +got):\n%s", diff)
		}
		for _, end := range []func() error{nil, one.Stop, one.Kill9} {
			if end != nil {
				if err := end(); err != nil {
					t.Fatal(err)
				}
			}
			if err := one.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{1}, column[int](t, db, "SELECT id FROM kept")); diff != "" {
				t.Errorf("rows after a restart (-want +got):\n%s", diff)
			}
		}
	})
}

func TestSharedServerIsNotKilled(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := e.shared(t)
		if s.Kill9() == nil || s.Stop() == nil || s.Restart(t.Context()) == nil {
			t.Error("a test may end or restart the server of all")
		}
		if err := s.Open(t).PingContext(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// syncs checks that every commit is on disk before it is answered, or tests of crashes would show nothing.
func syncs(t *testing.T, e engine, db *sql.DB) {
	t.Helper()
	queries := map[string]map[string]string{
		"postgres": {
			"SHOW fsync": "on", "SHOW full_page_writes": "on", "SHOW synchronous_commit": "on",
			"SHOW listen_addresses": "127.0.0.1", "SHOW unix_socket_directories": "",
			"SELECT datlocprovider::text FROM pg_database WHERE datname = current_database()": "i",
		},
		"mariadb": {
			"SELECT @@innodb_flush_log_at_trx_commit": "1", "SELECT @@innodb_doublewrite IN ('1', 'ON')": "1",
			"SELECT @@bind_address": "127.0.0.1", "SELECT @@collation_database LIKE 'utf8mb4%ci'": "1",
		},
	}
	for query, want := range queries[e.name] {
		if diff := cmp.Diff([]string{want}, column[string](t, db, query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestParamsReachTheDriver(t *testing.T) {
	t.Run("postgres", func(t *testing.T) {
		db := sqltest.Postgres(t).Open(t, "application_name=teller")
		if diff := cmp.Diff([]string{"teller"}, column[string](t, db, "SHOW application_name")); diff != "" {
			t.Errorf("application name (-want +got):\n%s", diff)
		}
	})
	t.Run("mariadb", func(t *testing.T) {
		s := sqltest.MariaDB(t)
		for params, want := range map[string]int64{"clientFoundRows=true": 1, "clientFoundRows=false": 0} {
			db := s.Open(t, params)
			exec(t, db, "CREATE TABLE IF NOT EXISTS one (id INTEGER PRIMARY KEY)")
			exec(t, db, "REPLACE INTO one VALUES (1)")
			result, err := db.ExecContext(t.Context(), "UPDATE one SET id = 1")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := result.RowsAffected(); err != nil || got != want {
				t.Errorf("%s: an update to the same value counts %d rows, %v; want %d", params, got, err, want)
			}
		}
	})
}

// In transaction mode a connection is lent for each database transaction.
func TestABouncerLendsConnections(t *testing.T) {
	t.Parallel()
	server := sqltest.PrivatePostgres(t)
	db := sqltest.Bouncer(t, server, "transaction").Open(t)
	if got := column[string](t, db, "SELECT current_database()"); !slices.Equal(got, []string{server.Database()}) {
		t.Errorf("the database is %q, want %s", got, server.Database())
	}
	one, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	pids := make([]int, 2)
	for i, conn := range []*sql.Conn{one, two} {
		if err := conn.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pids[i]); err != nil {
			t.Fatal(err)
		}
	}
	if pids[0] != pids[1] {
		t.Errorf("two idle clients have the sessions %v, want one that both are lent", pids)
	}
}
