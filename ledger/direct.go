package ledger

import (
	"context"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// Direct is the poster that gives every call a database transaction of its own, in the mode given: the strategies without a
// queue, and a ledger without a strategy.
func newDirect(w *writer, mode driver.Mode) poster {
	return &direct{writer: w, mode: mode, idle: make(chan struct{})}
}

type direct struct {
	writer *writer
	mode   driver.Mode
	idle   chan struct{} // closed when the ledger is closed and nothing is being posted any more

	mu      sync.Mutex
	posting int
	closed  bool
}

func (d *direct) Post(ctx context.Context, jobs []*job) error {
	if !d.enter() {
		return bursar.Errorf(bursar.CodeClosed, "the ledger is shutting down")
	}
	defer d.leave()
	return d.writer.post(ctx, d.mode, "", jobs)
}

func (d *direct) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.posting++
	return true
}

func (d *direct) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.posting--; d.posting == 0 && d.closed {
		close(d.idle)
	}
}

func (d *direct) Close(ctx context.Context) error {
	d.mu.Lock()
	if !d.closed && d.posting == 0 {
		close(d.idle)
	}
	d.closed = true
	d.mu.Unlock()
	select {
	case <-d.idle:
		return nil
	case <-ctx.Done():
		return &bursar.Error{Code: bursar.CodeCanceled, Message: "posts were still being written at shutdown", Err: ctx.Err()}
	}
}
