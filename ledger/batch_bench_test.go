package ledger_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// BenchmarkPostBatch posts transfers between 10,000 accounts in batches, each durable before the next. The time is per
// transfer.
func BenchmarkPostBatch(b *testing.B) {
	for _, size := range []int{1, 100, 8192} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			store, err := sqlite.Open(filepath.Join(b.TempDir(), "bursar.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			l := must(ledger.New(b.Context(), store, &ledger.Options{Migrate: true}))
			usd := money.MustParse("0 USD").Currency()
			paths := manyAccounts(b, l, 10_000)
			b.ResetTimer()
			for done := 0; done < b.N; done += size {
				batch := make([]bursar.Transfer, min(size, b.N-done))
				for i := range batch {
					n := (done + i) * 7919
					batch[i] = bursar.Transfer{ID: must(l.NewID()), Legs: []bursar.Leg{{
						From: "world", To: paths[n%len(paths)], Amount: money.FromUnits(int64(i+1), usd)}}}
				}
				results, err := l.PostBatch(b.Context(), batch)
				if err != nil {
					b.Fatal(err)
				}
				for i := range results {
					if results[i].Err != nil {
						b.Fatal(results[i].Err)
					}
				}
			}
		})
	}
}

func manyAccounts(b *testing.B, l *ledger.Ledger, n int) []string {
	b.Helper()
	usd := must(money.Lookup("USD"))
	must(l.OpenAccount(b.Context(), bursar.Opening{Path: "world", Currency: usd, NoMin: true}))
	paths := make([]string, n)
	for i := range paths {
		paths[i] = "users:" + strconv.Itoa(i)
	}
	for _, path := range paths {
		must(l.OpenAccount(b.Context(), bursar.Opening{Path: path, Currency: usd}))
	}
	return paths
}
