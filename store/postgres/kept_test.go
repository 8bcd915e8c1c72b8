package postgres_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// tries is how often PostgreSQL plans a prepared statement for its arguments before it compares that with one plan for
// all of them, and a few more.
const tries = 12

// TestPlansAreKept posts over one connection until PostgreSQL has chosen, and asks that connection which of the
// ledger's statements are still planned anew for every call.
func TestPlansAreKept(t *testing.T) {
	t.Parallel()
	for name, strategy := range map[string]ledger.Strategy{"queue": ledger.Queue{}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, l := onOneConnection(t, strategy)
			for range tries {
				if _, err := l.Post(t.Context(), move("world", "users:1", "1.00 USD")); err != nil {
					t.Fatal(err)
				}
				if _, err := l.Seal(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			wantKept(t, db, "bursar_entry k")
		})
	}
}

// TestPlansAreKeptInACallersTransaction is TestPlansAreKept for ledger.In.
func TestPlansAreKeptInACallersTransaction(t *testing.T) {
	t.Parallel()
	post := func(t *testing.T, l *ledger.Ledger, tx driver.CallerTx) {
		t.Helper()
		if _, err := l.In(tx).Post(t.Context(), move("world", "users:1", "1.00 USD")); err != nil {
			t.Fatal(err)
		}
	}
	look, admit := "bursar_entry k", "session_replication_role"
	for _, c := range []struct {
		name string
		keep []string // parts of statements that are among those
		in   func(t *testing.T, db *sql.DB, l *ledger.Ledger)
	}{
		{"sql", []string{look}, func(t *testing.T, db *sql.DB, l *ledger.Ledger) {
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			post(t, l, postgres.Tx(tx))
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}},
		{"pgx", []string{look, admit}, func(t *testing.T, db *sql.DB, l *ledger.Ledger) {
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			err = conn.Raw(func(driverConn any) error {
				return pgx.BeginFunc(t.Context(), driverConn.(*stdlib.Conn).Conn(), func(tx pgx.Tx) error {
					post(t, l, postgres.PgxTx(tx))
					return nil
				})
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
		{"atomic", []string{look, admit}, func(t *testing.T, db *sql.DB, l *ledger.Ledger) {
			on := postgres.NewSQL(db).On()
			err := ledger.Do(t.Context(), l, on, func(_ *atomic.Tx, in *ledger.Joined) error {
				_, err := in.Post(t.Context(), move("world", "users:1", "1.00 USD"))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db, l := onOneConnection(t, nil)
			for range tries {
				c.in(t, db, l)
			}
			wantKept(t, db, c.keep...)
		})
	}
}

// onOneConnection is the ledger of a desk, over a handle with one connection.
func onOneConnection(t *testing.T, strategy ledger.Strategy) (*sql.DB, *ledger.Ledger) {
	t.Helper()
	d := newDesk(t, &ledger.Options{SealEvery: -1})
	db := d.open(t)
	db.SetMaxOpenConns(1)
	l, err := ledger.New(t.Context(), postgres.NewSQL(db), &ledger.Options{Strategy: strategy, SealEvery: -1})
	d.must(err)
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return db, l
}

// wantKept reports the statements of a connection that were run often enough and have no plan for all arguments. parts
// of statements must be among those that have one.
func wantKept(t *testing.T, db *sql.DB, parts ...string) {
	t.Helper()
	const query = `SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements
		WHERE statement LIKE '%bursar_%' AND generic_plans + custom_plans >= $1`
	rows, err := db.QueryContext(t.Context(), query, tries)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var kept strings.Builder
	for rows.Next() {
		var statement string
		var generic, custom int
		if err := rows.Scan(&statement, &generic, &custom); err != nil {
			t.Fatal(err)
		}
		if generic == 0 {
			t.Errorf("planned anew at each of %d calls:\n%s", custom, statement)
			continue
		}
		kept.WriteString(statement)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !strings.Contains(kept.String(), part) {
			t.Errorf("no statement with %q has a plan that is kept", part)
		}
	}
}
