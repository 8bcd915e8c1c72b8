// Package postgrestest gives each test an empty PostgreSQL database in one line, as package bursartest's other half:
//
//	l := bursartest.With(t, postgrestest.New(t).Store)
//
// The server is the one that the environment variable BURSAR_TEST_POSTGRES names, such as
// postgres://user:password@host:5432/database, whose user must have the right to create databases. Only databases of
// the tests' own are touched there. Without the variable a throwaway server is started, if PostgreSQL's programs are
// installed on a Linux machine; it ends with the test binary. Where neither is to be had the test is skipped, or
// fails if CI=true.
package postgrestest

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar/bursartest/internal/servertest"
	"github.com/bursar-ledger/bursar/internal/sqltest/server"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// Database is an empty database for one test. What is open is closed, and the database dropped, at the end of the
// test. It is safe for concurrent use.
type Database struct {
	// URL is for code under test that connects itself, through pgxpool or store.Open:
	// postgres://user:password@host:port/database, with the query of the server's URL.
	URL string
	// Pool is for pgx.
	Pool *pgxpool.Pool
	// DB is for database/sql, over the connections of Pool.
	DB *sql.DB
	// Store keeps a ledger, over the connections of Pool. Its tables are made when a ledger is.
	Store *postgres.Store
}

// New makes an empty database on the server that the package finds.
func New(t testing.TB) *Database {
	t.Helper()
	return At(t, "")
}

// At makes an empty database on the server that a URL names, for a test machine that has it in a variable of another
// name:
//
//	postgrestest.At(t, os.Getenv("DATABASE_URL"))
//
// The database in the URL is connected to and left as it is. With an empty URL, At is [New].
func At(t testing.TB, url string) *Database {
	t.Helper()
	d := &Database{URL: engine().Database(t, url)}
	var err error
	if d.Pool, err = pgxpool.New(context.Background(), d.URL); err != nil {
		t.Fatalf("bursartest: open the database of the test: %v", err)
	}
	d.DB = stdlib.OpenDBFromPool(d.Pool)
	d.Store = postgres.New(d.Pool)
	t.Cleanup(func() { d.close(t, leakTimeout) })
	return d
}

// leakTimeout is how long connections may be in use after the test, before they are called lost.
const leakTimeout = 10 * time.Second

func (d *Database) close(t testing.TB, patience time.Duration) {
	if err := d.Store.Close(); err != nil {
		t.Errorf("bursartest: close the store of the test: %v", err)
	}
	if err := d.DB.Close(); err != nil {
		t.Errorf("bursartest: close the handle of the test: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		d.Pool.Close() // waits for connections in use
		cancel()
	}()
	<-ctx.Done()
	if n := d.Pool.Stat().AcquiredConns(); n > 0 {
		t.Errorf("bursartest: %d connections are still in use at the end of the test: a database transaction was not "+
			"ended, or rows were not closed", n)
	}
}

// throwaway is the server of this test binary.
var throwaway = servertest.Throwaway(server.Postgres)

func engine() *servertest.Engine {
	return &servertest.Engine{
		Name:      "PostgreSQL",
		Variable:  "BURSAR_TEST_POSTGRES",
		Example:   "postgres://user:password@host:5432/database",
		Default:   "postgres",
		Throwaway: throwaway,
		Open:      open,
		Create:    " TEMPLATE template0",
		Drop: func(ctx context.Context, admin *sql.DB, name string) error {
			_, err := admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
			return err
		},
	}
}

// open takes what pgxpool reads from a URL too.
func open(address string) (*sql.DB, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	return stdlib.OpenDB(*config.ConnConfig), nil
}
