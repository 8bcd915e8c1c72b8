package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// Store is where a ledger is kept: a SQLite file. It is safe for concurrent use.
type Store struct {
	driver.Store
	db *atomic.DB
	on driver.Transactor[*atomic.Tx]
	// copier is nil where commits themselves copy the write-ahead log.
	copier *copier

	indexReports func(context.Context) ([]string, error)
}

func newStore(db *sql.DB, d sqlstore.Dialect, o *sqlstore.Options) *Store {
	s := sqlstore.New(db, d, o)
	return &Store{Store: s, db: s.DB(), on: s.On(), indexReports: s.IndexReports}
}

// DB is the handle for atomic.Do over the same file. A database transaction that it begins can be given to ledger.In
// as it is.
func (s *Store) DB() *atomic.DB { return s.db }

// On runs database transactions of package atomic over the same connections, for ledger.Do.
func (s *Store) On() driver.Transactor[*atomic.Tx] { return s.on }

// IndexReports makes the indexes of [ReportIndexes] that are missing, and returns the names of those that it made. The
// schema must be there. Nobody posts meanwhile: a file has one writer.
// An index that is not whole, because another program is at it or was cut short, is bursar.CodeConflict. Doing it twice
// does nothing.
func (s *Store) IndexReports(ctx context.Context) ([]string, error) { return s.indexReports(ctx) }

// New makes a store over a handle that the application opened with the driver "sqlite", best with [DSN], or with
// mattn/go-sqlite3, whose data source names the package comment shows. The handle stays the application's. A pool of
// one connection works too, but then a post outside waits for the application's open database transactions.
func New(db *sql.DB) *Store { return newStore(db, dialect(), nil) }

// Open opens a file of the ledger's own, creating it when there is none, and makes a store that owns it.
func Open(path string) (*Store, error) {
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return nil, bursar.Errorf(bursar.CodeUnsupported,
			"%q is a database in memory, of which every connection would have its own: name a file", path)
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return f.store(dialect()), nil
}

// file is what a store over a file of the ledger's own has.
type file struct {
	db     *sql.DB
	writes *sql.DB // the pool of the connection that only the ledger's writes use; nil where there is none
	// written gets a value when the write-ahead log should be copied; nil where there is no such connection.
	written chan struct{}
}

func (f *file) store(d sqlstore.Dialect) *Store {
	// Readers work beside the writer; more connections than this only cost memory.
	f.db.SetMaxOpenConns(8)
	f.db.SetMaxIdleConns(8)
	s := newStore(f.db, d, &sqlstore.Options{Own: true, Writes: f.writes})
	if f.written != nil {
		s.copier = startCopier(f.db, f.written)
	}
	return s
}

// Close closes what Open opened. The handle of New stays open.
func (s *Store) Close() error {
	if s.copier != nil {
		s.copier.close()
	}
	return s.Store.Close()
}

// On runs database transactions of the application's over its own handle, for ledger.Do: they begin IMMEDIATE when the
// handle was opened with [DSN]. Make it once and keep it.
func On(db *sql.DB) driver.Transactor[*sql.Tx] { return sqlstore.OnSQL(db, dialect()) }

// OnFunc is [On] for whatever begins and ends database transactions by itself, such as an ORM. within runs a function
// in one, commits it when the function returns nil, and returns the errors of both, wrapped or not; of is what runs
// its statements. They should begin IMMEDIATE, as those of a handle opened with [DSN] do. What hangs on the commit,
// such as a hook, belongs behind ledger.Do, because within may be called more than once.
//
//	on := sqlite.OnFunc(func(ctx context.Context, fn func(*gorm.DB) error) error {
//		return db.WithContext(ctx).Transaction(fn)
//	}, func(tx *gorm.DB) sqlite.DBTX { return tx.Statement.ConnPool })
func OnFunc[T any](
	within func(ctx context.Context, fn func(tx T) error) error, of func(tx T) DBTX,
) driver.Transactor[T] {
	return sqlstore.OnFunc(within, func(tx T) sqlstore.DBTX { return of(tx) }, dialect())
}

// DSN is the data source name of a file with the settings that a ledger needs: write-ahead journal, every commit
// synced to disk, five seconds of patience with other writers, and BEGIN IMMEDIATE for database/sql's Begin.
func DSN(path string) string { return dsn(path, walPages) }

// dsn is DSN with the number of pages in the write-ahead log at which a commit copies them into the file.
func dsn(path string, autocheckpoint int) string {
	settings := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
			"cache_size(-65536)", fmt.Sprintf("wal_autocheckpoint(%d)", autocheckpoint)},
		"_txlock": {"immediate"},
	}
	return "file:" + strings.ReplaceAll(url.PathEscape(path), "%2F", "/") + "?" + settings.Encode()
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

//go:embed migrations/*.sql reports/*.sql
var migrations embed.FS

// DBTX runs the statements of a database transaction. These do: *sql.Tx, sqlx's Tx, bun's Tx, GORM's ConnPool inside a
// transaction, and the DBTX of code that sqlc generates for database/sql.
type DBTX interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Tx makes a database transaction of the application's fit for ledger.In. Begin it IMMEDIATE, as a handle opened
// with [DSN] does; a deferred one works as long as nobody else has written since its first read.
func Tx(tx DBTX) driver.CallerTx { return sqlstore.Caller(tx) }

func dialect() sqlstore.Dialect {
	return sqlstore.Dialect{
		Name:       "sqlite",
		Can:        sqlstore.Capabilities{KeepsTexts: true, Remembers: true, ChecksStorage: true},
		Limits:     sqlstore.Limits{Parameters: 32_766, Rows: 128, Values: 512}, // more rows save nothing measurable
		Statements: statements,
		Feeds:      "temp.bursar_fed",
		Migrations: Migrations(),
		Reports:    ReportIndexes(),
		Describe:   describe,
		Atomic:     atomicsqlite.Dialect{},
		Admit:      admit,
		Open:       insideTransaction,
		Ready:      ready,
		Understood: understood,
		Scan:       scan,
	}
}

var (
	_ driver.CallerTx = (*atomic.Tx)(nil)
	_ DBTX            = (*sql.Tx)(nil)
)
