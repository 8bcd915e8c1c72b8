package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// BenchmarkPost is single transfers from many callers at once over a hundred accounts, each durable before its answer.
// The baseline is a ledger without a strategy, which gives every transfer a database transaction of its own; compare
// the two in one run. The time is per transfer, all callers together.
func BenchmarkPost(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 1024} {
		for _, s := range []struct {
			name     string
			strategy ledger.Strategy
		}{{"none", nil}, {"queue", ledger.Queue{}}} {
			if s.strategy == nil && callers > 64 {
				continue // it would only wait for a connection
			}
			b.Run(fmt.Sprintf("%s/callers=%d", s.name, callers), func(b *testing.B) { benchmarkPost(b, s.strategy, callers) })
		}
	}
}

// BenchmarkPostBatch is large batches over ten thousand accounts, written by the queue.
func BenchmarkPostBatch(b *testing.B) {
	desk := newBench(b, ledger.Queue{}, 10_000)
	batch := make([]bursar.Transfer, 8_192)
	b.ResetTimer()
	for n := 0; n < b.N; n += len(batch) {
		for i := range batch {
			batch[i] = desk.transfer(n+i, i)
		}
		results, err := desk.ledger.PostBatch(b.Context(), batch)
		if err != nil || results[0].Err != nil {
			b.Fatal(err)
		}
	}
}

type bench struct {
	ledger *ledger.Ledger
	paths  []string
}

var oneCent = money.MustParse("0.01 USD")

func newBench(b *testing.B, strategy ledger.Strategy, accounts int) *bench {
	where := schemas(b, sqltest.Postgres(b))(b)
	params := strings.Join(where.params, "&")
	store, err := postgres.Open(where.server.DSN() + "&" + params)
	if err != nil {
		b.Fatal(err)
	}
	l, err := ledger.New(b.Context(), store, &ledger.Options{Migrate: true, Strategy: strategy})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(b.Context()); err != nil && b.Context().Err() == nil {
			b.Error(err)
		}
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	desk := &bench{ledger: l, paths: make([]string, accounts)}
	var opening sync.WaitGroup
	for worker := range 16 {
		opening.Go(func() {
			for i := worker; i < accounts; i += 16 {
				desk.paths[i] = fmt.Sprintf("users:%d", i)
				if _, err := l.OpenAccount(b.Context(), bursar.Opening{
					Path: desk.paths[i], Currency: oneCent.Currency(), NoMin: true,
				}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	opening.Wait()
	return desk
}

func (d *bench) transfer(n, caller int) bursar.Transfer {
	from, to := n%len(d.paths), (n+1+caller)%len(d.paths)
	if from == to {
		to = (to + 1) % len(d.paths)
	}
	return bursar.Transfer{Legs: []bursar.Leg{{From: d.paths[from], To: d.paths[to], Amount: oneCent}}}
}

func benchmarkPost(b *testing.B, strategy ledger.Strategy, callers int) {
	desk := newBench(b, strategy, 100)
	b.ResetTimer()
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for n := c; n < b.N; n += callers {
				if _, err := desk.ledger.Post(b.Context(), desk.transfer(n, c)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
