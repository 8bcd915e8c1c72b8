package postgres_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// BenchmarkCommit is what Do costs over the same statements by hand, each commit synced to disk.
func BenchmarkCommit(b *testing.B) {
	pool := sqltest.Postgres(b).Open(b)
	for _, query := range []string{
		`CREATE TABLE words (word text PRIMARY KEY, n bigint NOT NULL)`,
		`INSERT INTO words VALUES ('w', 0)`,
	} {
		if _, err := pool.ExecContext(b.Context(), query); err != nil {
			b.Fatal(err)
		}
	}
	atomictest.Overhead(b, pool, postgres.Dialect{}, "BEGIN ISOLATION LEVEL READ COMMITTED", `UPDATE words SET n = n + 1`)
}
