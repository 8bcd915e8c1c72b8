package ledger

import (
	"context"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// Strategy decides when requests are written and how concurrent ones are kept apart: [Queue], [Locks], [Swap],
// [Hybrid] or [Serializable]. Programs on one database may use different ones.
type Strategy interface {
	// start makes the poster of one ledger, which closes it.
	start(w *writer) poster
}

// poster takes requests from many goroutines at once and has them written.
type poster interface {
	// Post returns when every job has its result, or with an error for all of them: [bursar.ErrBusy], [bursar.ErrClosed]
	// and [bursar.ErrCanceled] say that nothing was written, [bursar.ErrOutcomeUnknown] that it is not known.
	Post(ctx context.Context, jobs []*job) error
	// Close stops taking jobs, and waits until those taken are answered or ctx is done. It may be called twice.
	Close(ctx context.Context) error
}

// Locks posts each call in a database transaction of its own. It locks the call's accounts before it reads them, in an
// order that everybody keeps. Callers wait for each other only where they share an account. A ledger without a strategy
// has this one.
type Locks struct{}

func (Locks) start(w *writer) poster { return newDirect(w, driver.ModeLocks) }

// Swap posts each call in a database transaction of its own by compare-and-swap: it reads without locks and writes
// only if no account's version has changed since. Where one has, everything begins again. Swap locks for the shortest
// time, and wastes work where many want one account. After three attempts in vain a call is posted as by [Locks].
type Swap struct{}

func (Swap) start(w *writer) poster { return newDirect(w, driver.ModeSwap) }

// Hybrid posts each call in a database transaction of its own: it reads and decides without locks, then locks the
// accounts in order and goes on if they are as they were read. Where they are not, everything begins again. After three
// attempts in vain a call is posted as by [Locks].
type Hybrid struct{}

func (Hybrid) start(w *writer) poster { return newDirect(w, driver.ModeHybrid) }

// Serializable posts each call in a database transaction of its own at the engine's isolation level SERIALIZABLE,
// without locks of ours. The engine finds conflicts, and some that are none; then everything begins again. After
// three attempts in vain a call is posted as by [Locks]. On MariaDB and MySQL, whose SERIALIZABLE locks all that is
// read, it is the same as Locks.
type Serializable struct{}

func (Serializable) start(w *writer) poster { return newDirect(w, driver.ModeSerializable) }

// direct gives every call a database transaction of its own.
type direct struct {
	writer *writer
	mode   driver.Mode
	idle   chan struct{} // closed when the ledger is closed and nothing is being posted any more

	mu      sync.Mutex
	posting int
	closed  bool
}

func newDirect(w *writer, mode driver.Mode) *direct {
	return &direct{writer: w, mode: mode, idle: make(chan struct{})}
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
		return &bursar.Error{Code: bursar.CodeCanceled, Err: ctx.Err(),
			Message: "posts were still being written at shutdown"}
	}
}
