package lawtest

import (
	"sync"

	"github.com/bursar-ledger/bursar"
)

// closeDrains closes a ledger while clients post. What was answered as posted is in the journal, what was refused as
// closed is not, and every request gets an answer.
func closeDrains(f *fixture) {
	if f.h.In {
		f.inapplicable("the application ends its own database transactions")
	}
	paths := f.accounts(1, 0)
	l := f.otherProcess(nil)
	begun := make(chan struct{}, 1)
	var mu sync.Mutex
	answers := map[bursar.ID]error{}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id := bursar.IDOf("drain", int64(i*1_000_000+n))
				_, err := l.Post(f.t.Context(), transfer(id, world, paths[0], f.cents(1)))
				mu.Lock()
				answers[id] = err
				mu.Unlock()
				if err != nil {
					return
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	if err := l.Close(f.t.Context()); err != nil {
		f.t.Errorf("close: %v", err)
	}
	wg.Wait()
	posted := map[bursar.ID]bool{}
	for id, err := range answers {
		if err != nil && bursar.CodeOf(err) != bursar.CodeClosed {
			f.t.Errorf("a post at shutdown was answered %v", err)
		}
		posted[id] = err == nil
	}
	if err := once(f.journal(), posted); err != nil {
		f.t.Error(err)
	}
}
