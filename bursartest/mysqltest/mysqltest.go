// Package mysqltest gives each test an empty MariaDB or MySQL database in one line, as package bursartest's other half:
//
//	l := bursartest.With(t, mysqltest.New(t).Store)
//
// The server is the one that the environment variable BURSAR_TEST_MYSQL names, such as
// mysql://user:password@host:3306/database, whose user must have the right to create databases. Only databases of
// the tests' own are touched there. Without the variable a throwaway MariaDB server is started, if MariaDB's programs
// are installed on a Linux machine; it ends with the test binary. Where neither is to be had the test is skipped, or
// fails if CI=true.
package mysqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/bursar-ledger/bursar/bursartest/internal/servertest"
	"github.com/bursar-ledger/bursar/internal/sqltest/server"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// Database is an empty database for one test. What is open is closed, and the database dropped, at the end of the
// test. It is safe for concurrent use.
type Database struct {
	// URL is for store.Open and mysql.DSN: mysql://user:password@host:port/database.
	URL string
	// DB is for database/sql, with the settings of mysql.DSN.
	DB *sql.DB
	// Store keeps a ledger, over the connections of DB. Its tables are made when a ledger is.
	Store *mysql.Store
}

// New makes an empty database on the server that the package finds.
func New(t testing.TB) *Database {
	t.Helper()
	return At(t, "")
}

// At makes an empty database on the server that a URL names, for a test machine that has it in a variable of another
// name:
//
//	mysqltest.At(t, os.Getenv("DATABASE_URL"))
//
// The database in the URL is connected to and left as it is. With an empty URL, At is [New].
func At(t testing.TB, url string) *Database {
	t.Helper()
	d := &Database{URL: engine().Database(t, url)}
	var err error
	if d.DB, err = open(d.URL); err != nil {
		t.Fatalf("bursartest: open the database of the test: %v", err)
	}
	d.Store = mysql.New(d.DB)
	t.Cleanup(func() {
		if err := errors.Join(d.Store.Close(), d.DB.Close()); err != nil {
			t.Errorf("bursartest: close the database of the test: %v", err)
		}
	})
	return d
}

// throwaway is the server of this test binary.
var throwaway = servertest.Throwaway(server.MariaDB)

func engine() *servertest.Engine {
	return &servertest.Engine{
		Name:      "MariaDB",
		Variable:  "BURSAR_TEST_MYSQL",
		Example:   "mysql://user:password@host:3306/database",
		Default:   "information_schema", // everybody may read it
		Throwaway: throwaway,
		Open:      open,
		Drop:      drop,
	}
}

func open(address string) (*sql.DB, error) {
	dsn, err := mysql.DSN(address)
	if err != nil {
		return nil, err
	}
	return sql.Open("mysql", dsn)
}

// drop ends the connections to the database first: a database transaction in one of them would keep it from being
// dropped.
func drop(ctx context.Context, admin *sql.DB, name string) error {
	sessions, err := sessionsOf(ctx, admin, name)
	if err != nil {
		return err
	}
	for _, id := range sessions {
		// An error means that the connection has just ended by itself.
		_, _ = admin.ExecContext(ctx, fmt.Sprintf("KILL %d", id))
	}
	_, err = admin.ExecContext(ctx, "DROP DATABASE "+name)
	return err
}

func sessionsOf(ctx context.Context, admin *sql.DB, name string) (ids []int64, err error) {
	rows, err := admin.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE db = ?", name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
