// Package store opens a ledger's store by URL. It is the only room that names every database engine; a program that
// knows which one it uses imports that engine's room instead.
//
// [Open] is the name to know; [Migrations] and [ReportIndexes] have the SQL of the schema. The package makes no
// ledger and migrates nothing.
package store

import (
	"context"
	"io/fs"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// Store is a store of any engine, with the handle for an application's own database transactions.
type Store interface {
	driver.Store
	// DB is the handle for atomic.Do over the same connections. A database transaction begun with it goes into ledger.In
	// as it is.
	DB() *atomic.DB
	// On runs database transactions over the same connections for ledger.Do: the application's tables are beside the
	// ledger's. They are those of package atomic; On of each engine's package gives a driver's own over your own pool.
	On() driver.Transactor[*atomic.Tx]
	// IndexReports makes the indexes for reports that are missing and returns their names. Doing it twice does nothing.
	IndexReports(ctx context.Context) ([]string, error)
}

// Open opens the store that a URL names:
//
//	sqlite:bursar.db                                 a SQLite file, created when there is none
//	postgres://user:password@host:5432/database      PostgreSQL 15 or later; postgresql:// too
//	mysql://user:password@host:3306/database         MariaDB 10.6 or MySQL 8.0.19 or later; mariadb:// too
//	galera://user:password@host:3306/database        a node of a Galera cluster of MariaDB 10.6 or later
//	cockroach://user@host:26257/database             CockroachDB 24.1 or later; cockroachdb:// too
//	tidb://user@host:4000/database                   TiDB 7.5 or later
//
// Query parameters of a server's URL are those of its driver, pgx or go-sql-driver. No server is asked anything yet:
// the first use finds out whether the server can be reached. The caller closes the store. What is no URL, or lacks a
// part, is bursar.CodeMalformed; an unknown scheme is bursar.CodeUnsupported.
func Open(url string) (Store, error) {
	e, rest, err := find(url)
	if err != nil {
		return nil, err
	}
	return e.open(url, rest)
}

// Migrations holds the schema of the engine that a URL names, as that engine's room has it: NNNN_name.up.sql in order.
// The database is not opened. Errors are those of [Open].
func Migrations(url string) (fs.FS, error) {
	e, _, err := find(url)
	if err != nil {
		return nil, err
	}
	return e.migrations(), nil
}

// ReportIndexes holds the indexes for reports of the engine that a URL names, as that engine's room has them. The
// database is not opened. Errors are those of [Open].
func ReportIndexes(url string) (fs.FS, error) {
	e, _, err := find(url)
	if err != nil {
		return nil, err
	}
	return e.reports(), nil
}

// engine is how the stores of one URL scheme are opened.
type engine struct {
	open       func(url, rest string) (Store, error) // rest is what follows the scheme and its colon
	migrations func() fs.FS
	reports    func() fs.FS
}

// find reads the scheme of a URL.
func find(url string) (e engine, rest string, err error) {
	scheme, rest, found := strings.Cut(url, ":")
	if !found || rest == "" {
		return e, "", bursar.Errorf(bursar.CodeMalformed, "%q is not a database URL: write one like sqlite:bursar.db or "+
			"postgres://user@host/database", url)
	}
	switch scheme {
	case "sqlite":
		e = engine{openSQLite, sqlite.Migrations, sqlite.ReportIndexes}
	case "postgres", "postgresql":
		e = engine{openPostgres, postgres.Migrations, postgres.ReportIndexes}
	case "cockroach", "cockroachdb":
		e = engine{openPostgres, postgres.CockroachMigrations, postgres.ReportIndexes}
	case "mysql", "mariadb", "galera":
		e = engine{openMySQL, mysql.Migrations, mysql.ReportIndexes}
	case "tidb":
		e = engine{openMySQL, mysql.TiDBMigrations, mysql.ReportIndexes}
	default:
		return e, "", bursar.Errorf(bursar.CodeUnsupported, "there is no database engine %q here: use sqlite:FILE, "+
			"postgres://, mysql://, mariadb://, galera://, cockroach:// or tidb://", scheme)
	}
	return e, rest, nil
}

// These turn a nil *Store of an engine's into a nil Store.

func openSQLite(_, rest string) (Store, error) {
	return orNil(sqlite.Open(strings.TrimPrefix(rest, "//")))
}

func openPostgres(url, _ string) (Store, error) { return orNil(postgres.Open(url)) }

func openMySQL(url, _ string) (Store, error) { return orNil(mysql.Open(url)) }

func orNil[S Store](s S, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
