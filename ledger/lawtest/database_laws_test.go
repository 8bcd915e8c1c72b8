package lawtest_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
)

// poolSize leaves room for the pools of several processes on one server. Not all clients want a connection at once.
const poolSize = 24

// application is a program that is connected to a database: what the laws need of it, and what its own rows do.
type application struct {
	lawtest.Database
	dialect atomic.Dialect // tells what an error of the application's own statements means
	// begin is Begin, for statements that read as well.
	begin func(ctx context.Context) (ownTx, error)
	// block is how the driver's users run a database transaction as a function: atomic.Do, or pgx's BeginTxFunc.
	block func(ctx context.Context, fn func(context.Context, statements) error) error
	close func() error
}

// statements are the application's own inside a database transaction.
type statements interface {
	driver.CallerTx
	Exec(ctx context.Context, query string, args ...any) error
	Strings(ctx context.Context, query string) ([]string, error)
}

// ownTx is a database transaction that the application begins and ends.
type ownTx interface {
	statements
	Commit() error
	Rollback() error
}

// connector connects an application to a database, with at most size connections of its own.
type connector func(dsn string, size int) (*application, error)

// database is an application for a law. It and what Again connects are closed with the test.
func (c connector) database(t *testing.T, dsn string) lawtest.Database {
	t.Helper()
	a := c.connect(t, dsn, poolSize)
	if err := a.Store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Again = func(t *testing.T) driver.Store { return c.connect(t, dsn, poolSize).Store }
	return a.Database
}

func (c connector) connect(t *testing.T, dsn string, size int) *application {
	t.Helper()
	a, err := c(dsn, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// throughSQL is an application on database/sql. The store is the one over db.
func throughSQL(
	db *sql.DB, size int, handle *atomic.DB, join func(*sql.Tx) driver.CallerTx, o *sql.TxOptions,
) *application {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	a := &application{
		begin: func(ctx context.Context) (ownTx, error) {
			tx, err := db.BeginTx(ctx, o)
			if err != nil {
				return nil, err
			}
			return sqlTx{sqlStatements{join(tx), tx}, tx}, nil
		},
		block: func(ctx context.Context, fn func(context.Context, statements) error) error {
			return atomic.Do(ctx, handle, func(ctx context.Context, tx *atomic.Tx) error {
				return fn(ctx, sqlStatements{tx, tx})
			}, nil)
		},
		close: db.Close,
	}
	outside := sqlStatements{nil, db}
	a.Exec, a.Strings, a.Do = outside.Exec, outside.Strings, do(handle)
	a.Begin = func(ctx context.Context) (lawtest.Tx, error) { return a.begin(ctx) }
	return a
}

func do(handle *atomic.DB) func(context.Context, func(context.Context, driver.CallerTx) error) error {
	return func(ctx context.Context, fn func(context.Context, driver.CallerTx) error) error {
		return atomic.Do(ctx, handle, func(ctx context.Context, tx *atomic.Tx) error { return fn(ctx, tx) }, nil)
	}
}

// sqlStatements are run by a *sql.Tx, an *atomic.Tx or a *sql.DB.
type sqlStatements struct {
	driver.CallerTx
	runner interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
}

func (s sqlStatements) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.runner.ExecContext(ctx, query, args...)
	return err
}

func (s sqlStatements) Strings(ctx context.Context, query string) (texts []string, err error) {
	rows, err := s.runner.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}

type sqlTx struct {
	sqlStatements
	tx *sql.Tx
}

func (s sqlTx) Commit() error { return s.tx.Commit() }

func (s sqlTx) Rollback() error {
	if err := s.tx.Rollback(); err != sql.ErrTxDone {
		return err
	}
	return nil
}
