package verify

import (
	"context"

	"github.com/bursar-ledger/bursar/driver"
)

// beside is what is checked while the journal is replayed, over another connection if the store has one to spare: rows
// that belong to nothing, and the engine's storage. Each is true of one snapshot, whichever it is.
type beside struct {
	cancel context.CancelFunc
	begun  chan struct{} // is closed when there is a connection
	done   chan struct{} // is closed at the end
	found  besides
	err    error
}

// besides is what was found.
type besides struct {
	strays []driver.Stray
	faults []string
}

// startBeside begins to check, unless the caller's database transaction is to be read, which is one connection. inside
// is the context of the replay, outside the one that Run was called with.
func startBeside(outside, inside context.Context, store driver.Store) *beside {
	b := &beside{begun: make(chan struct{}), done: make(chan struct{})}
	if store.InTransaction(outside) {
		b.cancel = func() {}
		close(b.done)
		return b
	}
	ctx, cancel := context.WithCancel(outside)
	stopped := context.AfterFunc(inside, cancel)
	b.cancel = func() { stopped(); cancel() }
	go func() {
		defer close(b.done)
		first := true
		b.err = read(ctx, store, func(ctx context.Context, source driver.Auditor) (err error) {
			if first {
				close(b.begun)
				first = false
			}
			b.found, err = findBeside(ctx, source)
			return err
		})
	}()
	return b
}

// stop ends it.
func (b *beside) stop() {
	b.cancel()
	<-b.done
}

// wait is what was found; ok is false when there was no connection to spare, or an error.
func (b *beside) wait() (found besides, ok bool) {
	select {
	case <-b.begun:
		<-b.done
	default:
		b.stop()
		return besides{}, false
	}
	return b.found, b.err == nil
}

func findBeside(ctx context.Context, source driver.Auditor) (found besides, err error) {
	if found.strays, err = source.AuditStrays(ctx); err != nil {
		return besides{}, err
	}
	found.faults, err = source.AuditStorage(ctx)
	return found, err
}

// checkBeside reports what was found beside the journal. What could not be looked at meanwhile is looked at here.
func (a *audit) checkBeside(ctx context.Context) (err error) {
	found, ok := a.beside.wait()
	if !ok {
		if found, err = findBeside(ctx, a.source); err != nil {
			return err
		}
	}
	for _, stray := range found.strays {
		a.find(0, Strays, "%s: %d", stray.What, stray.Rows)
	}
	for _, fault := range found.faults {
		a.find(0, Storage, "%s", fault)
	}
	return nil
}
