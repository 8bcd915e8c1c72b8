package mysql_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// BenchmarkNodes posts between pairs of accounts, with 24 callers on one node of a cluster and with eight on each of
// three. The callers of one node share no account with those of another, or all callers share one account.
func BenchmarkNodes(b *testing.B) {
	const callers = 24
	servers := sqltest.Galera(b)
	for name, strategy := range map[string]ledger.Strategy{"locks": ledger.Locks{}, "queue": ledger.Queue{}} {
		for _, nodes := range []int{1, 3} {
			for _, hot := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/nodes=%d/hot=%t", name, nodes, hot), func(b *testing.B) {
					ledgers := ledgersOnNodes(b, servers[:nodes], strategy)
					shops := openPairs(b, ledgers[0], callers)
					var left atomic.Int64
					left.Store(int64(b.N))
					var all sync.WaitGroup
					b.ResetTimer()
					for n := range callers {
						to := shops[n]
						if hot {
							to = shops[0]
						}
						all.Go(func() {
							for left.Add(-1) >= 0 {
								_, err := ledgers[n%nodes].Post(b.Context(), pay("world:"+fmt.Sprint(n), to, "0.01 USD"))
								if err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					all.Wait()
				})
			}
		}
	}
}

func ledgersOnNodes(b *testing.B, servers []*sqltest.Server, strategy ledger.Strategy) (ledgers []*ledger.Ledger) {
	b.Helper()
	for _, server := range servers {
		db := openDB(b, server.URL())
		db.SetMaxIdleConns(24)
		l, err := ledger.New(b.Context(), mysql.NewGalera(db), &ledger.Options{
			Migrate: true, Strategy: strategy, Book: fmt.Sprintf("bench:%d:%d", len(servers), b.N),
		})
		must(b, err)
		b.Cleanup(func() { must(b, l.Close(context.Background())) })
		ledgers = append(ledgers, l)
	}
	return ledgers
}

// openPairs opens a source without a limit for each caller, and returns as many accounts for their money.
func openPairs(b *testing.B, l *ledger.Ledger, callers int) (shops []string) {
	b.Helper()
	usd := money.MustParse("0.00 USD").Currency()
	for n := range callers {
		shops = append(shops, fmt.Sprintf("shops:%d", n))
		for _, o := range []bursar.Opening{
			{Path: fmt.Sprintf("world:%d", n), Currency: usd, NoMin: true}, {Path: shops[n], Currency: usd},
		} {
			if _, err := l.OpenAccount(b.Context(), o); err != nil && bursar.CodeOf(err) != bursar.CodeAccountExists {
				b.Fatal(err)
			}
		}
	}
	return shops
}
