package atomic_test

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// BenchmarkCommit is what Do costs over the same statements by hand, with the disk and without (synchronous=OFF).
func BenchmarkCommit(b *testing.B) {
	for _, mode := range []struct{ name, pragmas string }{
		{"full", pragmasUsual},
		{"off", "?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)"},
	} {
		b.Run(mode.name, func(b *testing.B) {
			f := newFixture(b, mode.pragmas)
			atomictest.Overhead(b, f.pool, sqlite.Dialect{}, "BEGIN IMMEDIATE",
				`INSERT INTO words VALUES ('w') ON CONFLICT DO UPDATE SET word = 'w'`)
		})
	}
}

// What the parts of a block cost, without the disk.
func BenchmarkInside(b *testing.B) {
	f := newFixture(b, "?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	db := atomic.Open(f.pool, sqlite.Dialect{}, nil)
	inside := func(b *testing.B, fn func(ctx context.Context, tx *atomic.Tx) error) {
		err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
			b.ReportAllocs()
			for b.Loop() {
				if err := fn(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		}, nil)
		if err != nil {
			b.Fatal(err)
		}
	}
	exec := func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, `SELECT 1`)
		return err
	}
	row := func(ctx context.Context, tx *atomic.Tx) error {
		var one int
		return tx.QueryRowContext(ctx, `SELECT 1`).Scan(&one)
	}
	rows := func(ctx context.Context, tx *atomic.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT 1`)
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return rows.Close()
	}
	b.Run("exec", func(b *testing.B) { inside(b, exec) })
	b.Run("row", func(b *testing.B) { inside(b, row) })
	b.Run("rows", func(b *testing.B) { inside(b, rows) })
	b.Run("savepoint", func(b *testing.B) {
		inside(b, func(ctx context.Context, _ *atomic.Tx) error { return atomic.Do(ctx, db, nothing, nil) })
	})
	b.Run("join", func(b *testing.B) {
		join := &atomic.Options{Nesting: atomic.Join}
		inside(b, func(ctx context.Context, _ *atomic.Tx) error { return atomic.Do(ctx, db, nothing, join) })
	})
	b.Run("by hand", func(b *testing.B) {
		conn, err := f.pool.Conn(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		b.Run("exec", func(b *testing.B) {
			for b.Loop() {
				if _, err := conn.ExecContext(context.Background(), `SELECT 1`); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("row", func(b *testing.B) {
			for b.Loop() {
				var one int
				if err := conn.QueryRowContext(context.Background(), `SELECT 1`).Scan(&one); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
