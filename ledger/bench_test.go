package ledger_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// BenchmarkPost is single transfers from many callers at once, each durable before its answer. The baseline is a ledger
// without a strategy, which gives every transfer a database transaction and a sync to disk of its own; compare the
// two in one run. The time is per transfer, all callers together.
func BenchmarkPost(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 1024} {
		for _, s := range []struct {
			name     string
			strategy ledger.Strategy
		}{{"none", nil}, {"queue", ledger.Queue{}}} {
			if s.strategy == nil && callers > 64 {
				continue // it would only wait for the file's lock
			}
			b.Run(fmt.Sprintf("%s/callers=%d", s.name, callers), func(b *testing.B) { benchmarkPost(b, s.strategy, callers) })
		}
	}
}

func benchmarkPost(b *testing.B, strategy ledger.Strategy, callers int) {
	store, err := sqlite.Open(filepath.Join(b.TempDir(), "bursar.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	l, err := ledger.New(b.Context(), store, &ledger.Options{Migrate: true, Strategy: strategy})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close(b.Context())
	one := money.MustParse("0.01 USD")
	paths := make([]string, 100)
	for i := range paths {
		paths[i] = fmt.Sprintf("users:%d", i)
		opening := bursar.Opening{Path: paths[i], Currency: one.Currency(), NoMin: true}
		if _, err := l.OpenAccount(b.Context(), opening); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for n := c; n < b.N; n += callers {
				t := bursar.Transfer{Legs: []bursar.Leg{{From: paths[n%len(paths)], To: paths[(n+1+c)%len(paths)], Amount: one}}}
				if t.Legs[0].From == t.Legs[0].To {
					t.Legs[0].To = paths[(n+2+c)%len(paths)]
				}
				if _, err := l.Post(b.Context(), t); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
