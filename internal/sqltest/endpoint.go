package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// An Engine names a kind of server.
type Engine string

// The engines. The server that BURSAR_TEST_MYSQL names, or that BURSAR_ENGINES puts in the place of MariaDB, is one of
// the second or of the third, as it says of itself.
const (
	PostgresEngine  Engine = "postgres"
	MariaDBEngine   Engine = "mariadb"
	MySQLEngine     Engine = "mysql"
	CockroachEngine Engine = "cockroach"
	TiDBEngine      Engine = "tidb"
	GaleraEngine    Engine = "galera"
)

// speaksMySQL reports which of the two wire protocols an engine has.
func (e Engine) speaksMySQL() bool { return e != PostgresEngine && e != CockroachEngine }

// started returns the engine that is started for a test which asks for this one, unless it is of those that must be
// named.
func (e Engine) started() (server.Engine, bool) {
	switch e {
	case PostgresEngine:
		return server.Postgres, true
	case MariaDBEngine:
		return server.MariaDB, true
	}
	return "", false
}

// productOf asks a server for MariaDB whether it is MySQL.
func productOf(ctx context.Context, e Engine, admin *sql.DB) (Engine, error) {
	if e != MariaDBEngine {
		return e, admin.PingContext(ctx)
	}
	var version string
	if err := admin.QueryRowContext(ctx, "SELECT version()").Scan(&version); err != nil {
		return "", err
	}
	if !strings.Contains(version, "MariaDB") {
		return MySQLEngine, nil
	}
	return e, nil
}

// An Endpoint is a database at the address of a server or of a proxy. It is safe for concurrent use.
type Endpoint struct {
	engine Engine
	url    *url.URL // never changed
}

// Engine returns the engine of the server.
func (e Endpoint) Engine() Engine { return e.engine }

// Host returns the address without the port.
func (e Endpoint) Host() string { return e.url.Hostname() }

// Port returns the TCP port.
func (e Endpoint) Port() int {
	port, err := strconv.Atoi(e.url.Port())
	if err != nil {
		return 0 // refused when the URL was read
	}
	return port
}

// Database returns the name of the database.
func (e Endpoint) Database() string { return strings.TrimPrefix(e.url.Path, "/") }

// URL returns the database's address with user and password, as postgres://… or mysql://… .
func (e Endpoint) URL() string { return e.url.String() }

// DSN returns the data source name for the engine's driver: the URL for pgx, user:password@tcp(host:port)/database
// for go-sql-driver. Each of params is a "key=value" for the driver, such as "application_name=x" or
// "clientFoundRows=true". It replaces the value of that key in the URL.
func (e Endpoint) DSN(params ...string) string {
	query := e.url.Query()
	for _, p := range params {
		key, value, _ := strings.Cut(p, "=")
		query.Set(key, value)
	}
	if !e.engine.speaksMySQL() {
		u := *e.url
		u.RawQuery = query.Encode()
		return u.String()
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName, c.User = "tcp", e.url.Host, e.Database(), e.url.User.Username()
	c.Passwd, _ = e.url.User.Password()
	dsn := c.FormatDSN()
	if len(query) == 0 {
		return dsn
	}
	between := "?"
	if strings.Contains(dsn[strings.LastIndexByte(dsn, '/'):], "?") {
		between = "&"
	}
	return dsn + between + query.Encode()
}

// Open opens a pool of connections with DSN(params...), which is closed with the test. Nothing is connected yet.
func (e Endpoint) Open(t testing.TB, params ...string) *sql.DB {
	t.Helper()
	db, err := e.open(params...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the pool of %s: %v", e.engine, err)
		}
	})
	return db
}

func (e Endpoint) open(params ...string) (*sql.DB, error) {
	if !e.engine.speaksMySQL() {
		config, err := pgx.ParseConfig(e.DSN(params...))
		if err != nil {
			return nil, err
		}
		return stdlib.OpenDB(*config), nil
	}
	config, err := mysql.ParseDSN(e.DSN(params...))
	if err != nil {
		return nil, err
	}
	// The driver writes lost connections to stderr by itself. Here they are lost on purpose.
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// at returns the same with another address.
func (e Endpoint) at(host string) Endpoint {
	u := *e.url
	u.Host = host
	return Endpoint{e.engine, &u}
}

// With returns the same address with another database, which must be there.
func (e Endpoint) With(database string) Endpoint {
	u := *e.url
	u.Path = "/" + database
	return Endpoint{e.engine, &u}
}

// parse reads the URL of a running server, which may have the engine's own scheme or that of its protocol.
func parse(e Engine, text string) (Endpoint, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Endpoint{}, err
	}
	scheme, alias := "postgres", "postgresql"
	if e.speaksMySQL() {
		scheme, alias = "mysql", "mariadb"
	}
	if !slices.Contains([]string{scheme, alias, string(e)}, u.Scheme) {
		return Endpoint{}, fmt.Errorf("%s is no URL of %s: want %s://user:password@host:port/database",
			u.Redacted(), e, scheme)
	}
	if _, err := strconv.Atoi(u.Port()); err != nil || u.User == nil {
		return Endpoint{}, fmt.Errorf("%s names no user, host and port: want %s://user:password@host:port/database",
			u.Redacted(), scheme)
	}
	u.Scheme = scheme
	return Endpoint{e, u}, nil
}
