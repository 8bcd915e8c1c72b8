package mysql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"time"

	gomysql "github.com/go-sql-driver/mysql"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// Store is where a ledger is kept: a MariaDB or MySQL database. It is safe for concurrent use.
type Store struct {
	driver.Store
	db *atomic.DB
	on driver.Transactor[*atomic.Tx]

	indexReports func(context.Context) ([]string, error)
}

func newStore(db *sql.DB, d sqlstore.Dialect, o *sqlstore.Options) *Store {
	s := sqlstore.New(db, d, o)
	return &Store{s, s.DB(), s.On(), s.IndexReports}
}

// DB is the handle for atomic.Do over the same pool. A database transaction that it begins can be given to ledger.In
// as it is. The handle's lock clauses are MariaDB's, of which MySQL lacks NOWAIT and SKIP LOCKED on shared locks.
func (s *Store) DB() *atomic.DB { return s.db }

// On runs database transactions of package atomic over the same connections, for ledger.Do.
func (s *Store) On() driver.Transactor[*atomic.Tx] { return s.on }

// IndexReports makes the indexes of [ReportIndexes] that are missing, and returns the names of those that it made. The
// schema must be there. InnoDB builds them while others go on posting.
// An index that is not whole, because another program is at it or was cut short, is bursar.CodeConflict. Doing it twice
// does nothing.
func (s *Store) IndexReports(ctx context.Context) ([]string, error) { return s.indexReports(ctx) }

// New makes a store over a handle that the application opened with the driver "mysql", best with [DSN]. The handle
// stays the application's. MariaDB and MySQL are told apart by the statements themselves, so nothing is asked here.
func New(db *sql.DB) *Store { return newStore(db, dialect(mariaDB), nil) }

// On runs database transactions of the application's over its own handle, for ledger.Do: at READ COMMITTED, whatever
// the session's level is. Make it once and keep it.
func On(db *sql.DB) driver.Transactor[*sql.Tx] { return sqlstore.OnSQL(db, dialect(mariaDB)) }

// OnFunc is [On] for whatever begins and ends database transactions by itself, such as an ORM. within runs a function
// in one, commits it when the function returns nil, and returns the errors of both, wrapped or not; of is what runs
// its statements. The level should be READ COMMITTED, which a handle opened with [DSN] has. What hangs on the commit,
// such as a hook, belongs behind ledger.Do, because within may be called more than once.
//
//	on := mysql.OnFunc(func(ctx context.Context, fn func(*gorm.DB) error) error {
//		return db.WithContext(ctx).Transaction(fn)
//	}, func(tx *gorm.DB) mysql.DBTX { return tx.Statement.ConnPool })
func OnFunc[T any](
	within func(ctx context.Context, fn func(tx T) error) error, of func(tx T) DBTX,
) driver.Transactor[T] {
	return sqlstore.OnFunc(within, func(tx T) sqlstore.DBTX { return of(tx) }, dialect(mariaDB))
}

// Connections of a pool of the ledger's own. A writer, the sealer and a dozen readers work side by side; more
// connections than this wait for the same disk.
const (
	connectionsMax = 16
	connectionIdle = 3 * time.Minute // less than what servers and what stands before them allow
)

// Open makes a store that owns its pool, from a URL such as mysql://user:password@host:3306/database. The scheme may
// also be mariadb, galera for [NewGalera] or tidb for [NewTiDB]. It does not talk to the server. [DSN] says what else
// the URL may hold.
func Open(address string) (*Store, error) {
	config, u, err := configure(address)
	if err != nil {
		return nil, err
	}
	config.Logger = &gomysql.NopLogger{} // every error is returned too
	connector, err := gomysql.NewConnector(config)
	if err != nil {
		return nil, bursar.Errorf(bursar.CodeMalformed, "%s: %w", u.Redacted(), err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connectionsMax)
	db.SetMaxIdleConns(connectionsMax)
	db.SetConnMaxIdleTime(connectionIdle)
	d := dialect(mariaDB)
	switch u.Scheme {
	case tidbScheme:
		d = tiDBDialect()
	case galeraScheme:
		d = galeraDialect()
	}
	return newStore(db, d, &sqlstore.Options{Own: true}), nil
}

// DSN is the data source name for sql.Open("mysql", ...) of a URL such as mysql://user:password@host:3306/database,
// with the settings that a ledger needs: strict sql_mode, READ COMMITTED for database/sql's Begin, ten seconds of
// patience with the locks of others, and a single round trip for a statement with parameters. The URL's query holds
// further parameters of the driver, such as tls=true, or others in place of these.
//
// With the scheme galera, SELECT and START TRANSACTION wait until the node has what was committed on any node before:
// wsrep_sync_wait=1.
//
// clientFoundRows may be either: every UPDATE of the ledger changes each row that it finds. So may parseTime and loc,
// because the ledger reads no date.
func DSN(address string) (string, error) {
	config, _, err := configure(address)
	if err != nil {
		return "", err
	}
	return config.FormatDSN(), nil
}

const (
	tidbScheme = "tidb"
	mysqlPort  = "3306"
	tidbPort   = "4000"
)

// settings are parameters of the driver. It sets those that it does not know as variables of the session. MariaDB and
// MySQL have different names for the isolation level, and each takes the other's for a comment. Such a name would not
// survive the DSN, so the assignment stands behind another one.
func settings() url.Values {
	return url.Values{
		"interpolateParams":        {"true"},
		"collation":                {"utf8mb4_bin"},
		"sql_mode":                 {"'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"},
		"innodb_lock_wait_timeout": {"10, SESSION /*M! tx_isolation */ /*!80000 transaction_isolation */ = 'READ-COMMITTED'"},
	}
}

// configure reads a URL.
func configure(address string) (*gomysql.Config, *url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, bursar.Errorf(bursar.CodeMalformed,
			"the database URL cannot be read: write one like mysql://user:password@host:3306/database")
	}
	port := mysqlPort
	switch u.Scheme {
	case "mysql", "mariadb", galeraScheme:
	case tidbScheme:
		port = tidbPort
	default:
		return nil, nil, bursar.Errorf(bursar.CodeUnsupported, "%s is no URL of MySQL, MariaDB, Galera or TiDB", u.Redacted())
	}
	if u.Hostname() == "" || len(u.Path) < 2 || u.User == nil {
		return nil, nil, bursar.Errorf(bursar.CodeMalformed,
			"%s does not name user, host and database: write it like "+
				"mysql://user:password@host:3306/database", u.Redacted())
	}
	if u.Port() != "" {
		port = u.Port()
	}
	c := gomysql.NewConfig()
	c.Net, c.Addr, c.DBName, c.User = "tcp", net.JoinHostPort(u.Hostname(), port), u.Path[1:], u.User.Username()
	c.Passwd, _ = u.User.Password()
	query := settings()
	if u.Scheme == galeraScheme {
		query.Set("wsrep_sync_wait", "1")
	}
	for name, values := range u.Query() {
		query[name] = values
	}
	config, err := gomysql.ParseDSN(c.FormatDSN() + "?" + query.Encode())
	if err != nil {
		return nil, nil, bursar.Errorf(bursar.CodeMalformed, "%s: %w", u.Redacted(), err)
	}
	if config.User != c.User || config.Passwd != c.Passwd || config.Addr != c.Addr || config.DBName != c.DBName {
		return nil, nil, bursar.Errorf(bursar.CodeUnsupported,
			"%s has a name that the driver's data source name cannot hold", u.Redacted())
	}
	return config, u, nil
}

// Migrations holds the schema's files in order, for tools such as goose, golang-migrate and Atlas. Applying them
// with such a tool and with Store.Migrate are the same. golang-migrate needs multiStatements=true.
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

//go:embed migrations/*.sql migrations/tidb/*.sql reports/*.sql schema/*.json
var migrations embed.FS

// DBTX runs the statements of a database transaction. These do: *sql.Tx, sqlx's Tx, bun's Tx, GORM's ConnPool inside a
// transaction, and the DBTX of code that sqlc generates for database/sql.
type DBTX interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Tx makes a database transaction of the application's fit for ledger.In. Begin it READ COMMITTED, as a handle opened
// with [DSN] does; the package comment says what happens to others.
func Tx(tx DBTX) driver.CallerTx { return sqlstore.Caller(tx) }

func dialect(v variant) sqlstore.Dialect {
	return sqlstore.Dialect{
		Name: "mysql",
		Can: sqlstore.Capabilities{
			ManyWriters: true, NoWait: v.noWait, SharedLocks: true, HiddenLevel: true,
			LocalLocks: v.localLocks,
			KeyBlocks:  true, TakesKeys: true, ChecksStorage: true,
		},
		Limits: sqlstore.Limits{
			Parameters: 65_535, Rows: 1024, Values: 512,
			Bytes: 1 << 20, // far below the smallest max_allowed_packet in use, quotes and escapes included
			Keys:  keyBlock,
		},
		Statements: statements(v),
		Migrations: Migrations(),
		Reports:    ReportIndexes(),
		Forms:      folder("schema"),
		Hidden:     hidden,
		Atomic:     lostMariaDB{},
		Isolation:  readCommitted,
		Admit:      v.admit,
		Open:       isOpen,
		Ready:      v.ready,
		Standing:   askStanding,
		Denied:     []string{"1044", "1142", "1143"}, // on a database, a table, a column
		Explain:    remedy,
	}
}

// readCommitted is the level for driver.ModeSerializable too. The engine's SERIALIZABLE locks, shared, all that a plain
// read reads until the commit: the journal's head, which is locked last, and the gaps where others want to put their
// ids. Its locks on the accounts that are read are given by Capabilities.SharedLocks instead.
func readCommitted(driver.Mode) sql.IsolationLevel { return sql.LevelReadCommitted }

// lostMariaDB is atomic's dialect, which knows no driver, with what this driver says of a lost connection. Without it
// the engine would have to be asked.
type lostMariaDB struct{ atomicmysql.MariaDB }

// Classify implements atomic.Dialect.
func (d lostMariaDB) Classify(err error) atomic.Class { return orLost(err, d.MariaDB.Classify(err)) }

// Begin implements atomic.Dialect.
func (d lostMariaDB) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	restore, err = d.MariaDB.Begin(ctx, conn, m)
	return restore, d.noReadOnly(m, err)
}

// noReadOnly names TiDB, which gives itself away by refusing the first READ ONLY.
func (d lostMariaDB) noReadOnly(m atomic.Mode, err error) error {
	if !m.ReadOnly || d.Classify(err).Code != notSupportedYet {
		return err
	}
	return &bursar.Error{Code: bursar.CodeUnsupported, Err: err, Message: "the server has no READ ONLY: " + isTiDB}
}

// notSupportedYet is the number of the error of a server that does not have what a statement asks for.
const notSupportedYet = "1235"

func orLost(err error, class atomic.Class) atomic.Class {
	if class.Kind == atomic.KindOther && class.Code == "" && errors.Is(err, gomysql.ErrInvalidConn) {
		return atomic.Class{Kind: atomic.KindLost, Damage: atomic.DamageAll}
	}
	return class
}

var (
	_ driver.CallerTx = (*atomic.Tx)(nil)
	_ DBTX            = (*sql.Tx)(nil)
)
