package atomictest

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// Overhead measures what Do costs over the same three statements by hand, as whole durable commits. work is one
// statement that writes, begin is how the dialect begins. Each iteration runs both, in alternating order, so a
// machine that gets slower gets slower for both. Overhead reports the medians in ns, and what Do costs more in
// percent (overhead-%). Both sides run with a context that can end, as that of a request does.
func Overhead(b *testing.B, pool *sql.DB, d atomic.Dialect, begin, work string) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	db := atomic.Open(pool, d, nil)
	sides := [2]func() error{
		func() error { return byHand(ctx, pool, begin, work) },
		func() error {
			return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
				_, err := tx.ExecContext(ctx, work)
				return err
			}, nil)
		},
	}
	var took [2][]time.Duration
	for n := 0; b.Loop(); n++ {
		for i := range sides {
			side := (i + n) % len(sides)
			began := b.Elapsed()
			if err := sides[side](); err != nil {
				b.Fatal(err)
			}
			took[side] = append(took[side], b.Elapsed()-began)
		}
	}
	hand, do := median(took[0]), median(took[1])
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
	b.ReportMetric(float64(hand), "by-hand-ns")
	b.ReportMetric(float64(do), "Do-ns")
	b.ReportMetric(100*(float64(do)/float64(hand)-1), "overhead-%")
}

// byHand runs the same statements without Do: on a connection from the pool, and without care for errors.
func byHand(ctx context.Context, pool *sql.DB, begin, work string) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, query := range [...]string{begin, work, "COMMIT"} {
		if _, err := conn.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
