package pgxatomic_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// BenchmarkCommit is what Do costs over pgx.BeginFunc with the same work, each commit synced to disk. Beside it stands
// BeginTxFunc with the same statements as Do, and the Do of package atomic on the same pool. Each iteration runs all,
// in alternating order.
func BenchmarkCommit(b *testing.B) { benchmark(b, `UPDATE words SET n = n + 1`, `on`) }

// BenchmarkCommitUnsynced is BenchmarkCommit without the wait for the disk, so that round trips and code remain.
func BenchmarkCommitUnsynced(b *testing.B) { benchmark(b, `UPDATE words SET n = n + 1`, `off`) }

func benchmark(b *testing.B, work, synced string) {
	pool := newPool(b, sqltest.Postgres(b).DSN("synchronous_commit="+synced))
	_, err := pool.Exec(b.Context(), `CREATE TABLE words (word text PRIMARY KEY, n bigint NOT NULL);
		INSERT INTO words VALUES ('w', 0)`)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context()) // It can end, as that of a request does.
	defer cancel()
	db := pgxatomic.Open(pool, nil)
	sides := []struct {
		name string
		run  func() error
	}{
		{"BeginFunc-ns", func() error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, work)
				return err
			})
		}},
		{"same-ns", func() error {
			return pgx.BeginTxFunc(ctx, pool, same, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, work)
				return err
			})
		}},
		{"Do-ns", func() error {
			return pgxatomic.Do(ctx, db, func(ctx context.Context, tx *pgxatomic.Tx) error {
				_, err := tx.Exec(ctx, work)
				return err
			}, nil)
		}},
		{"atomic.Do-ns", func() error {
			return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
				_, err := tx.ExecContext(ctx, work)
				return err
			}, nil)
		}},
	}
	took := make([][]time.Duration, len(sides))
	for n := 0; b.Loop(); n++ {
		for i := range sides {
			side := (i + n) % len(sides)
			began := b.Elapsed()
			if err := sides[side].run(); err != nil {
				b.Fatal(err)
			}
			took[side] = append(took[side], b.Elapsed()-began)
		}
	}
	medians := make([]float64, len(sides))
	for i, side := range sides {
		slices.Sort(took[i])
		medians[i] = float64(took[i][len(took[i])/2])
		b.ReportMetric(medians[i], side.name)
	}
	b.ReportMetric(0, "ns/op") // of all together, which says nothing
	b.ReportMetric(100*(medians[2]/medians[0]-1), "overhead-%")
}

// same are the statements of Do: with the level of isolation, and with the check that COMMIT is one.
var same = pgx.TxOptions{
	BeginQuery: "BEGIN ISOLATION LEVEL READ COMMITTED", CommitQuery: "SAVEPOINT atomic_end; COMMIT",
}
