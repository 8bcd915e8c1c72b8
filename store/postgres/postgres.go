package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// Store is where a ledger is kept: a PostgreSQL database. It is safe for concurrent use.
type Store struct {
	driver.Store
	db *atomic.DB
	on driver.Transactor[*atomic.Tx]

	indexReports func(context.Context) ([]string, error)
}

// newStore discards connections in doubt over any handle, because it may be one over a pgxpool.
func newStore(db *sql.DB, d sqlstore.Dialect, own bool) *Store {
	s := sqlstore.New(db, d, &sqlstore.Options{Own: own, Discard: pgxatomic.Discard})
	return &Store{s, s.DB(), s.On(), s.IndexReports}
}

// DB is the handle for atomic.Do over the same pool. A database transaction that it begins can be given to ledger.In
// as it is.
func (s *Store) DB() *atomic.DB { return s.db }

// On runs database transactions of package atomic over the same connections, for ledger.Do.
func (s *Store) On() driver.Transactor[*atomic.Tx] { return s.on }

// IndexReports makes the indexes of [ReportIndexes] that are missing, and returns the names of those that it made.
// The schema must be there. They are built CONCURRENTLY: others go on posting meanwhile. A build waits for the end of
// every database transaction that is open. An index that is not whole, because another program is at it or was cut
// short, is bursar.CodeConflict. Doing it twice does nothing.
func (s *Store) IndexReports(ctx context.Context) ([]string, error) { return s.indexReports(ctx) }

// New makes a store over a pool that the application opened. The pool stays the application's, and the ledger's own
// database transactions take their connections from it: a call waits while all of them are in use. When the ledger is
// opened it checks the settings of one connection; the others must be like it.
func New(pool *pgxpool.Pool) *Store { return overPool(pool, dialect(postgresql)) }

// NewSQL makes a store over a handle that the application opened with pgx's package stdlib, or with lib/pq. The handle
// stays the application's. A driver that takes no arrays is refused by ledger.New with bursar.CodeUnsupported.
func NewSQL(db *sql.DB) *Store { return newStore(db, dialect(postgresql), false) }

// On runs database transactions of the application's over its own pool, for ledger.Do. They are those of package
// pgxatomic, so that what takes a pgx.Tx works in them. Make it once and keep it.
func On(pool *pgxpool.Pool) driver.Transactor[pgx.Tx] {
	return sqlstore.OnOwn(pgxatomic.Open(pool, nil), dialect(postgresql),
		func(block *atomic.Tx) (pgx.Tx, error) { return pgxatomic.Of(block) })
}

// OnSQL is [On] for a handle that the application opened with pgx's package stdlib.
func OnSQL(db *sql.DB) driver.Transactor[*sql.Tx] { return sqlstore.OnSQL(db, dialect(postgresql)) }

// OnFunc is [On] for whatever begins and ends database transactions by itself, such as an ORM. within runs a function
// in one, commits it when the function returns nil, and returns the errors of both, wrapped or not; of is what runs
// its statements. The level must be READ COMMITTED, PostgreSQL's default, or SERIALIZABLE. What hangs on the commit,
// such as a hook, belongs behind ledger.Do, because within may be called more than once.
//
//	on := postgres.OnFunc(func(ctx context.Context, fn func(*gorm.DB) error) error {
//		return db.WithContext(ctx).Transaction(fn)
//	}, func(tx *gorm.DB) postgres.DBTX { return tx.Statement.ConnPool })
func OnFunc[T any](
	within func(ctx context.Context, fn func(tx T) error) error, of func(tx T) DBTX,
) driver.Transactor[T] {
	return sqlstore.OnFunc(within, func(tx T) sqlstore.DBTX { return of(tx) }, dialect(postgresql))
}

func overPool(pool *pgxpool.Pool, d sqlstore.Dialect) *Store {
	// What is closed with the store is the handle over the pool, which keeps no connection itself.
	return newStore(stdlib.OpenDBFromPool(pool), d, true)
}

// connectionsMax bounds a pool of the ledger's own: enough to keep a few processors of a server busy, and few enough
// for several programs on a server with its default of a hundred.
const connectionsMax = 16

// Open opens the database that a URL names, as postgres://user:password@host:port/database or with the scheme
// cockroach, and makes a store that owns its connections. What pgx reads from a URL it reads too, such as
// pool_max_conns, which defaults to 16. Nothing is connected yet.
func Open(address string) (*Store, error) {
	d, at, err := parse(address)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(at.String())
	if err != nil {
		return nil, bursar.Errorf(bursar.CodeMalformed, "the database URL: %w", err) // pgx leaves the password out
	}
	if !at.Query().Has("pool_max_conns") {
		config.MaxConns = connectionsMax
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "bursar"
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	db.SetMaxOpenConns(int(config.MaxConns))
	db.SetMaxIdleConns(int(config.MaxConns))
	db.SetConnMaxIdleTime(config.MaxConnIdleTime)
	db.SetConnMaxLifetime(config.MaxConnLifetime)
	return newStore(db, d, true), nil
}

func parse(address string) (sqlstore.Dialect, *url.URL, error) {
	at, err := url.Parse(address)
	if err != nil {
		// The error would repeat the password.
		return sqlstore.Dialect{}, nil, bursar.Errorf(bursar.CodeMalformed,
			"the database URL cannot be read: write one like postgres://user:password@host:5432/database")
	}
	switch at.Scheme {
	case "postgres", "postgresql":
		return dialect(postgresql), at, nil
	case "cockroach", "cockroachdb":
		at.Scheme = "postgres"
		return cockroachDialect(), at, nil
	default:
		return sqlstore.Dialect{}, nil, bursar.Errorf(bursar.CodeMalformed,
			"%q is no URL of PostgreSQL: write one like postgres://user:password@host:5432/database", at.Redacted())
	}
}

// Migrations holds the schema's files in order, for tools such as goose, golang-migrate and Atlas. Applying them
// with such a tool and with Store.Migrate are the same.
func Migrations() fs.FS { return folder("migrations") }

// ReportIndexes holds the indexes that reports need and posting does not, one statement a file, for tools such as
// goose, golang-migrate and Atlas. They are no part of the schema: take all, some or none. docs/schema.md says what
// each is for and what it costs.
func ReportIndexes() fs.FS { return folder("reports") }

func folder(name string) fs.FS {
	files, err := fs.Sub(migrations, name)
	if err != nil {
		panic(err) // the folder is embedded
	}
	return files
}

//go:embed migrations/*.sql migrations/cockroach/*.sql reports/*.sql schema/*.json
var migrations embed.FS

// DBTX runs the statements of a database transaction. These do: *sql.Tx, sqlx's Tx, bun's Tx, GORM's ConnPool inside a
// transaction, and the DBTX of code that sqlc generates for database/sql.
type DBTX interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Tx makes a database transaction of the application's fit for ledger.In. It must run over pgx's package stdlib or
// lib/pq; another driver that takes no arrays is refused with bursar.CodeUnsupported.
func Tx(tx DBTX) driver.CallerTx { return sqlstore.Caller(tx) }

func dialect(v variant) sqlstore.Dialect {
	return sqlstore.Dialect{
		Name:       "postgres",
		Can:        sqlstore.Capabilities{ManyWriters: true, KeyBlocks: true},
		Limits:     sqlstore.Limits{Rows: 4096, Keys: 1 << 24}, // the increment of bursar_key
		Statements: statements(v),
		Migrations: Migrations(),
		Reports:    ReportIndexes(),
		Forms:      folder("schema"),
		Atomic:     atomicpostgres.Dialect{},
		Pipe:       pipe,
		Admit:      postgresJoins.admit,
		Open:       isOpen,
		Ready:      postgresOwn.ready,
		Standing:   askStanding,
		Denied:     []string{"42501"},
		RolledBack: rolledBack,
		Understood: keepsStatements,
		Told:       told,
	}
}

// rolledBack reports whether a driver says that COMMIT was answered with ROLLBACK, or not sent for the same reason.
func rolledBack(err error) bool {
	const libPQ = "could not complete operation in a failed transaction"
	return errors.Is(err, pgx.ErrTxCommitRollback) || strings.HasSuffix(err.Error(), libPQ)
}

var (
	_ driver.CallerTx = (*atomic.Tx)(nil)
	_ DBTX            = (*sql.Tx)(nil)
)
