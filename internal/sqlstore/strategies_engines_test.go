package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	modernc "modernc.org/sqlite"

	"github.com/bursar-ledger/bursar/atomic"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// place is a database that a tape listens to.
type place struct {
	tape *tape
	open func(t *testing.T) handle
}

// store is a store of any engine.
type store interface {
	driver.Store
	DB() *atomic.DB
}

// handle is an application's pool of one connection, with the ledger's store over it.
type handle struct {
	store  store
	caller string // what begin gives
	begin  func(ctx context.Context) (driver.CallerTx, func() error, error)
}

func throughSQL(store store, db *sql.DB, join func(*sql.Tx) driver.CallerTx) handle {
	begin := func(ctx context.Context) (driver.CallerTx, func() error, error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		return join(tx), tx.Rollback, nil
	}
	return handle{store: store, caller: "*sql.Tx", begin: begin}
}

// one makes a pool keep to one connection, and ends it with the test.
func one(t *testing.T, db *sql.DB) *sql.DB {
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func migrated(t *testing.T, h handle) handle {
	t.Helper()
	if err := h.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func onSQLite(t *testing.T) place {
	path := filepath.Join(t.TempDir(), "bursar.db")
	base, err := modernc.NewConnector(sqlite.DSN(path))
	if err != nil {
		t.Fatal(err)
	}
	listener := &inDriver{Connector: base}
	open := func(t *testing.T) handle {
		db := one(t, sql.OpenDB(listener))
		return migrated(t, throughSQL(sqlite.New(db), db, func(tx *sql.Tx) driver.CallerTx { return sqlite.Tx(tx) }))
	}
	impatient, err := sql.Open("sqlite", "file:"+path+"?"+url.Values{
		"_pragma": {"busy_timeout(0)"}, "_txlock": {"immediate"},
	}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	one(t, impatient)
	all := names(sqlstore.StatementsOf(sqlite.New(nil).Store))
	return place{open: open, tape: &tape{names: all, record: listener.record,
		probe: func(t *testing.T) locks {
			tx, err := impatient.BeginTx(t.Context(), nil)
			switch {
			case err == nil:
				if err := tx.Rollback(); err != nil {
					t.Error(err)
				}
				return nil
			case atomicsqlite.Dialect{}.Classify(err).Kind == atomic.KindRetry:
				return locks{"whole file": 1}
			}
			t.Error(err)
			return nil
		}}}
}

// onPostgres opens over pgx's package stdlib, or over a pool of pgx.
func onPostgres(t *testing.T, pool bool) place {
	server := sqltest.Postgres(t)
	proxy := sqltest.NewProxy(t, server)
	config, err := pgx.ParseConfig(proxy.DSN())
	if err != nil {
		t.Fatal(err)
	}
	open := func(t *testing.T) handle {
		if pool {
			return migrated(t, throughPgx(t, proxy.DSN("pool_max_conns=1")))
		}
		db := one(t, stdlib.OpenDB(*config))
		return migrated(t, throughSQL(postgres.NewSQL(db), db, func(tx *sql.Tx) driver.CallerTx { return postgres.Tx(tx) }))
	}
	all := names(sqlstore.StatementsOf(postgres.NewSQL(nil).Store))
	return place{open: open, tape: &tape{names: all, record: overWire(proxy), probe: rowLocks{
		db:     one(t, server.Open(t)),
		tables: []string{"bursar_book", "bursar_account", "bursar_balance", "bursar_request", "bursar_entry", "bursar_head"},
		modes: []rowLock{
			{"UPDATE", "FOR KEY SHARE"}, {"NO KEY UPDATE", "FOR SHARE"},
			{"SHARE", "FOR NO KEY UPDATE"}, {"KEY SHARE", "FOR UPDATE"},
		},
	}.locked}}
}

func throughPgx(t *testing.T, dsn string) handle {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store := postgres.New(pool)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return handle{store: store, caller: "pgx.Tx", begin: func(ctx context.Context) (driver.CallerTx, func() error, error) {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return nil, nil, err
		}
		return postgres.PgxTx(tx), func() error { return tx.Rollback(context.WithoutCancel(ctx)) }, nil
	}}
}

func onMariaDB(t *testing.T) place {
	server := sqltest.MariaDB(t)
	admin := one(t, server.Open(t, "sql_mode='STRICT_ALL_TABLES'"))
	var version string
	if err := admin.QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(version, "MariaDB") {
		t.Skipf("the server is %s: the document is about MariaDB", version)
	}
	proxy := sqltest.NewProxy(t, server)
	dsn, err := mysql.DSN(proxy.URL())
	if err != nil {
		t.Fatal(err)
	}
	config, err := gomysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	open := func(t *testing.T) handle {
		connector, err := gomysql.NewConnector(config.Clone())
		if err != nil {
			t.Fatal(err)
		}
		db := one(t, sql.OpenDB(connector))
		return migrated(t, throughSQL(mysql.New(db), db, func(tx *sql.Tx) driver.CallerTx { return mysql.Tx(tx) }))
	}
	all := names(sqlstore.StatementsOf(mysql.New(nil).Store))
	return place{open: open, tape: &tape{names: all, record: overWire(proxy), probe: rowLocks{
		db: admin,
		tables: []string{
			"bursar_turn", "bursar_book", "bursar_account", "bursar_balance", "bursar_request", "bursar_entry", "bursar_head",
		},
		modes: []rowLock{{"exclusive", "LOCK IN SHARE MODE"}, {"shared", "FOR UPDATE"}},
		whole: "FORCE INDEX (PRIMARY)",
	}.locked}}
}

// rowLocks finds out which committed rows others have locked, and how, by locking all that are free.
type rowLocks struct {
	db     *sql.DB
	tables []string
	modes  []rowLock // from the strongest on
	whole  string    // what makes the engine read rows rather than an index that knows nothing of their locks
}

// rowLock is a kind of lock, and the weakest clause that it keeps out but that weaker kinds let in.
type rowLock struct{ name, keepsOut string }

func (r rowLocks) locked(t *testing.T) locks {
	t.Helper()
	found := locks{}
	tx, err := r.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}()
	count := func(query string) (n int) {
		rows, err := tx.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			n++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, table := range r.tables {
		left := count("SELECT 1 FROM " + table)
		for _, mode := range r.modes {
			free := count("SELECT 1 FROM " + table + " " + r.whole + " " + mode.keepsOut + " SKIP LOCKED")
			if left > free {
				found[table+" "+mode.name] = left - free
				left = free
			}
		}
	}
	return found
}
