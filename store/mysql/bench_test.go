package mysql_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// BenchmarkPost is single transfers from many callers at once, each durable before its answer, between a thousand
// accounts. The time is per transfer, all callers together. Compare the strategies in one run.
func BenchmarkPost(b *testing.B) {
	for _, callers := range []int{1, 64, 1024} {
		for _, s := range []struct {
			name     string
			strategy ledger.Strategy
		}{{"locks", ledger.Locks{}}, {"queue", ledger.Queue{}}} {
			if s.name == "locks" && callers > 64 {
				continue // they would only wait for connections
			}
			b.Run(fmt.Sprintf("%s/callers=%d", s.name, callers), func(b *testing.B) { benchmarkPost(b, s.strategy, callers) })
		}
	}
}

func benchmarkPost(b *testing.B, strategy ledger.Strategy, callers int) {
	store, err := mysql.Open(sqltest.MariaDB(b).URL())
	must(b, err)
	defer store.Close()
	l, err := ledger.New(b.Context(), store, &ledger.Options{Migrate: true, Strategy: strategy})
	must(b, err)
	defer l.Close(b.Context())
	one := money.MustParse("0.01 USD")
	paths := make([]string, 1000)
	var wg sync.WaitGroup
	for i := range paths {
		paths[i] = fmt.Sprintf("users:%d", i)
		wg.Go(func() {
			if _, err := l.OpenAccount(b.Context(), bursar.Opening{
				Path: paths[i], Currency: one.Currency(), NoMin: true,
			}); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	b.ResetTimer()
	for c := range callers {
		wg.Go(func() {
			for n := c; n < b.N; n += callers {
				from, to := paths[n*7919%len(paths)], paths[(n*104729+c+1)%len(paths)]
				if from == to {
					to = paths[(n*7919+1)%len(paths)]
				}
				if _, err := l.Post(b.Context(), bursar.Transfer{Legs: []bursar.Leg{{
					From: from, To: to, Amount: one,
				}}}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
