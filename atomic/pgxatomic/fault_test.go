package pgxatomic_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func TestAnswersAgreeWithOutcomesUnderFaults(t *testing.T) {
	t.Parallel()
	server := sqltest.PrivatePostgres(t)
	proxy := sqltest.NewProxy(t, server)
	atomictest.Faults(t, atomictest.Breakable{
		Harness: overPgx(atomictest.Postgres(postgres.Dialect{}, nil), nil),
		Direct:  server.Open(t),
		Through: func(t *testing.T) *sql.DB { return overPool(t, newPool(t, proxy.DSN())) },
		Trap: func(p atomictest.Point, match func(string) bool) atomictest.Trap {
			return proxy.Trap(sqltest.Point(p), match)
		},
		Kill: server.Kill9, Restart: server.Restart,
	}, 4)
}

// cutWays are the ways to send something that names the table of cuts.
var cutWays = map[string]func(ctx context.Context, tx pgx.Tx, word string) error{
	"Exec": func(ctx context.Context, tx pgx.Tx, word string) error {
		_, err := tx.Exec(ctx, `INSERT INTO cuts VALUES ($1)`, word)
		return err
	},
	"Exec without parameters": func(ctx context.Context, tx pgx.Tx, word string) error {
		_, err := tx.Exec(ctx, `INSERT INTO cuts VALUES ('`+word+`')`)
		return err
	},
	"Query": func(ctx context.Context, tx pgx.Tx, word string) error {
		rows, err := tx.Query(ctx, `INSERT INTO cuts SELECT $1 || n FROM generate_series(1, 5000) AS n RETURNING word`, word)
		if err != nil {
			return err
		}
		_, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	},
	"QueryRow": func(ctx context.Context, tx pgx.Tx, word string) error {
		return tx.QueryRow(ctx, `INSERT INTO cuts VALUES ($1) RETURNING word`, word).Scan(&word)
	},
	"CopyFrom": func(ctx context.Context, tx pgx.Tx, word string) error {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"cuts"}, []string{"word"}, pgx.CopyFromRows([][]any{{word}}))
		return err
	},
	"SendBatch": func(ctx context.Context, tx pgx.Tx, word string) error {
		batch := &pgx.Batch{}
		batch.Queue(`INSERT INTO words VALUES ($1)`, word+" beside")
		batch.Queue(`INSERT INTO cuts VALUES ($1)`, word)
		return tx.SendBatch(ctx, batch).Close()
	},
	"BeginFunc": func(ctx context.Context, tx pgx.Tx, word string) error {
		return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO cuts VALUES ($1)`, word)
			return err
		})
	},
}

func TestAConnectionCutAnywhereBeforeCommitRunsTheBlockAgain(t *testing.T) {
	t.Parallel()
	for name, way := range cutWays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TABLE cuts (word text PRIMARY KEY)`)
			proxy := sqltest.NewProxy(t, f.server)
			f.use(newPool(t, proxy.DSN()))
			for _, point := range []sqltest.Point{
				sqltest.BeforeSend, sqltest.AfterSend, sqltest.BeforeAnswer, sqltest.AfterAnswer,
			} {
				trap := proxy.CutNext(point, sqltest.Containing("cuts"))
				err := f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
					if err := way(ctx, tx, point.String()); err != nil {
						return err
					}
					if f.runs == 1 { // The client has its answer and does not know yet.
						select {
						case <-trap.Done():
						case <-ctx.Done():
						}
					}
					_, err := tx.Exec(ctx, `SELECT 1`)
					return err
				})
				if err != nil || f.runs != 2 {
					t.Errorf("cut %v: %v after %d runs", point, err, f.runs)
				}
				f.wantIdle()
			}
		})
	}
}

func TestAStatementCutShortRollsBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	holder, err := f.pool.Acquire(f.ctx())
	f.must(err)
	defer holder.Release()
	_, err = holder.Exec(f.ctx(), `SELECT pg_advisory_lock(7)`)
	f.must(err)
	waits := map[string]func(ctx context.Context, tx pgx.Tx) error{
		"Exec": func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(7)`)
			return err
		},
		"Query": func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `SELECT pg_advisory_xact_lock(n) FROM generate_series(6, 7) AS n`)
			if err != nil {
				return err
			}
			rows.Close()
			return rows.Err()
		},
		"SendBatch": func(ctx context.Context, tx pgx.Tx) error {
			batch := &pgx.Batch{}
			batch.Queue(`SELECT pg_advisory_xact_lock(7)`)
			return tx.SendBatch(ctx, batch).Close()
		},
	}
	for name, wait := range waits {
		ctx, cancel := context.WithCancel(f.ctx())
		blocked := make(chan uint32, 1)
		done := make(chan error, 1)
		go func() {
			done <- pgxatomic.Do(ctx, f.db, func(ctx context.Context, tx *pgxatomic.Tx) error {
				if err := add(ctx, tx, "gone"); err != nil {
					return err
				}
				blocked <- tx.Conn().PgConn().PID()
				return wait(ctx, tx)
			}, nil)
		}()
		pid := <-blocked
		f.until(f.ctx(), "nobody waits", func() bool {
			var n int
			f.must(holder.QueryRow(f.ctx(), `SELECT cardinality(pg_blocking_pids($1))`, pid).Scan(&n))
			return n > 0
		})
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Do = %v, want Canceled", name, err)
		}
		f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error { return add(ctx, tx, name) }))
	}
	holder.Release()
	f.wantWords("Exec", "Query", "SendBatch")
}
