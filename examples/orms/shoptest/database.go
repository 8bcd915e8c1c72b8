// Package shoptest is the test of a shop that makes the purchase of package shop: on SQLite, PostgreSQL and MariaDB,
// with buyers at once, refusals, panics and connections that are lost at the commit. [Run] is the name to know.
package shoptest

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"

	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"
	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

// Engine is where a purchase is made.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
	MariaDB  Engine = "mariadb"
)

// Driver opens handles of the application's.
type Driver struct {
	Name string
	// DSN is the data source name of a file or, on a server, of a URL.
	DSN func(at string) (string, error)
}

// drivers are those that the stores name.
var drivers = map[Engine]Driver{
	SQLite:   {"sqlite", func(path string) (string, error) { return sqlite.DSN(path), nil }},
	Postgres: {"pgx", func(url string) (string, error) { return url, nil }},
	MariaDB:  {"mysql", mysql.DSN},
}

// Database is a database with the shop's tables and a ledger, for one test.
type Database struct {
	Engine Engine
	// DB is a handle of the application's.
	DB *sql.DB
	// Pool is a pool of pgx's own over the same database; nil but on PostgreSQL.
	Pool   *pgxpool.Pool
	Ledger *ledger.Ledger

	classes atomic.Classifier
	proxy   *sqltest.Proxy // between the handles and the server; nil on SQLite
	// posted is told of each post before its commit.
	posted func()
}

// open makes a database. It is verified at the end of the test.
func open(t *testing.T, engine Engine, by Driver) *Database {
	t.Helper()
	d := &Database{Engine: engine, posted: func() {}}
	var store driver.Store
	switch engine {
	case SQLite:
		d.classes = atomicsqlite.Dialect{}
		d.DB = by.handle(t, filepath.Join(t.TempDir(), "shop.db"))
		store = sqlite.New(d.DB)
	case Postgres:
		d.classes = atomicpostgres.Dialect{}
		d.proxy = sqltest.NewProxy(t, sqltest.Postgres(t))
		d.DB = by.handle(t, d.proxy.DSN())
		pool, err := pgxpool.New(t.Context(), d.proxy.DSN())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		d.Pool = pool
		store = postgres.NewSQL(d.DB)
	case MariaDB:
		d.classes = atomicmysql.MariaDB{}
		d.proxy = sqltest.NewProxy(t, sqltest.MariaDB(t))
		d.DB = by.handle(t, d.proxy.URL())
		store = mysql.New(d.DB)
	}
	d.makeLedger(t, store)
	for _, table := range shop.Tables {
		d.exec(t, table)
	}
	return d
}

func (by Driver) handle(t *testing.T, at string) *sql.DB {
	t.Helper()
	dsn, err := by.DSN(at)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(by.Name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// makeLedger makes the ledger with the accounts of the shop. It seals when it is told to, so that no commit but the
// purchase's goes through the proxy.
func (d *Database) makeLedger(t *testing.T, store driver.Store) {
	t.Helper()
	l, err := ledger.New(t.Context(), store, &ledger.Options{
		Migrate: true, SealEvery: -1,
		Observer: &ledger.Observer{Posted: func(context.Context, int) { d.posted() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Ledger = l
	t.Cleanup(func() {
		if _, err := l.Seal(context.Background()); err != nil {
			t.Error(err)
		}
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
		bursartest.Verify(t, store, l.Book())
	})
	for _, o := range []bursar.Opening{
		{Path: "bank", Currency: usd(), NoMin: true}, {Path: shop.Seller, Currency: usd()},
	} {
		if _, err := l.OpenAccount(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

func usd() money.Currency { return price().Currency() }

// price is what every product costs.
func price() money.Amount { return money.MustParse("25.00 USD") }

// buyer opens an account with money for so many pieces.
func (d *Database) buyer(t *testing.T, path string, pieces int64) {
	t.Helper()
	if _, err := d.Ledger.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: usd()}); err != nil {
		t.Fatal(err)
	}
	for i := range pieces {
		_, err := d.Ledger.Post(t.Context(), bursar.Transfer{
			ID:   bursar.IDOf("fund", path, i),
			Legs: []bursar.Leg{{From: "bank", To: path, Amount: price()}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// product puts so many pieces into the stock. Names are the test's own, so they need no placeholder, which engines
// write in different ways.
func (d *Database) product(t *testing.T, name string, stock string) {
	t.Helper()
	d.exec(t, `INSERT INTO products (name, stock) VALUES ('`+name+`', `+stock+`)`)
}

func (d *Database) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.DB.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v: %s", err, statement)
	}
}

// want compares the stock and the orders of a product, and a buyer's money. All orders together are what the seller
// has: each was paid, and nothing else was.
func (d *Database) want(t *testing.T, product string, stock, orders int, buyer, balance string) {
	t.Helper()
	var haveStock, haveOrders int
	var sold int64
	err := d.DB.QueryRowContext(t.Context(), `SELECT stock, (SELECT COUNT(*) FROM orders WHERE product = name),
		(SELECT COUNT(*) FROM orders) FROM products WHERE name = '`+product+`'`).Scan(&haveStock, &haveOrders, &sold)
	if err != nil {
		t.Fatal(err)
	}
	if haveStock != stock || haveOrders != orders {
		t.Errorf("%s: %d in stock, %d sold, want %d and %d", product, haveStock, haveOrders, stock, orders)
	}
	cents, _ := price().Units()
	bursartest.Balance(t, d.Ledger, shop.Seller, money.FromUnits(sold*cents, usd()).String())
	if balance != "" {
		bursartest.Balance(t, d.Ledger, buyer, balance)
	}
}
