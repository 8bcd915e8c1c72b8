package posting_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/posting"
	"github.com/bursar-ledger/bursar/posting/postingtest"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

func TestLaws(t *testing.T) {
	for name, strategy := range map[string]bursar.Strategy{"none": nil, "queue": posting.Queue{}} {
		t.Run("sqlite/"+name, func(t *testing.T) {
			postingtest.Run(t, postingtest.Harness{Open: openSQLite, Strategy: strategy})
		})
	}
}

func openSQLite(t *testing.T) postingtest.Database {
	t.Helper()
	db, err := sql.Open("sqlite", sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	store := sqlite.New(db)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return postingtest.Database{
		Store: store,
		Exec: func(ctx context.Context, query string, args ...any) error {
			_, err := db.ExecContext(ctx, query, args...)
			return err
		},
		Begin: func(ctx context.Context) (postingtest.Tx, error) {
			tx, err := db.BeginTx(ctx, nil)
			for busy(err) { // SQLite's own patience does not queue: who polls may starve, and asks again
				tx, err = db.BeginTx(ctx, nil)
			}
			return sqlTx{sqlite.Tx(tx), tx}, err
		},
		Strings: func(ctx context.Context, query string) (texts []string, err error) {
			rows, err := db.QueryContext(ctx, query)
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
		},
	}
}

func busy(err error) bool {
	return err != nil && atomicsqlite.Dialect{}.Classify(err).Kind == atomic.KindRetry
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
