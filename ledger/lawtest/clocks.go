package lawtest

import (
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
)

// timeRises has clients post in two processes with clocks an hour apart. The late clock steps back and stands still.
func timeRises(f *fixture) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	late, early := clock.NewFake(start.Add(time.Hour)), clock.NewFake(start)
	ledgers := []*ledger.Ledger{f.otherProcess(late), f.otherProcess(early)}
	paths := f.accounts(4, 0)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range rounds(20) {
				switch n {
				case 8:
					late.Set(start.Add(-time.Hour))
				case 12:
					early.Advance(time.Second)
				}
				id := bursar.IDOf("tick", int64(i*1000+n))
				tick := transfer(id, world, paths[i%4], f.cents(1))
				if _, err := f.postTo(f.t.Context(), ledgers[i%2], tick); err != nil {
					f.t.Errorf("post: %v", err)
				}
			}
		})
	}
	wg.Wait()
	f.replay()
}
