package posting_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/posting/postingtest"
)

// poolSize leaves room for the pools of several processes on a server with a hundred connections: their callers never all
// want one at once.
const poolSize = 24

// openSQL opens a pool.
func openSQL(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return pooled(t, db)
}

// pooled bounds a pool and closes it with the test.
func pooled(t *testing.T, db *sql.DB) *sql.DB {
	t.Helper()
	db.SetMaxOpenConns(poolSize)
	db.SetMaxIdleConns(poolSize)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// throughSQL is an application on database/sql: all of a postingtest.Database but its stores.
func throughSQL(db *sql.DB, handle *atomic.DB, join func(*sql.Tx) bursar.CallerTx, o *sql.TxOptions) postingtest.Database {
	return postingtest.Database{
		Exec: func(ctx context.Context, query string, args ...any) error {
			_, err := db.ExecContext(ctx, query, args...)
			return err
		},
		Begin: func(ctx context.Context) (postingtest.Tx, error) {
			tx, err := db.BeginTx(ctx, o)
			if err != nil {
				return nil, err
			}
			return sqlTx{join(tx), tx}, nil
		},
		Do: func(ctx context.Context, fn func(context.Context, bursar.CallerTx) error) error {
			return atomic.Do(ctx, handle, func(ctx context.Context, tx *atomic.Tx) error { return fn(ctx, tx) }, nil)
		},
		Strings: func(ctx context.Context, query string) ([]string, error) {
			rows, err := db.QueryContext(ctx, query)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			var texts []string
			for rows.Next() {
				var text string
				if err := rows.Scan(&text); err != nil {
					return nil, err
				}
				texts = append(texts, text)
			}
			return texts, rows.Err()
		},
	}
}

type sqlTx struct {
	bursar.CallerTx
	tx *sql.Tx
}

func (s sqlTx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.tx.ExecContext(ctx, query, args...)
	return err
}

func (s sqlTx) Commit() error { return s.tx.Commit() }

func (s sqlTx) Rollback() error {
	if err := s.tx.Rollback(); err != sql.ErrTxDone {
		return err
	}
	return nil
}
