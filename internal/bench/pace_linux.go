package bench

import (
	"context"
	"syscall"
	"time"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// punctual is the machine's clock, which wakes within a tenth of a millisecond. The runtime's timers take up to one
// where nothing else runs, and that would count as latency. Its Sleep looks at its context every ten milliseconds.
type punctual struct{ clock.Clock }

// Sleep waits in the kernel, and so keeps a thread.
func (punctual) Sleep(ctx context.Context, d time.Duration) error {
	for ; d > 0 && ctx.Err() == nil; d -= 10 * time.Millisecond {
		wait := syscall.NsecToTimespec(int64(min(d, 10*time.Millisecond)))
		_ = syscall.Nanosleep(&wait, nil) // cut short by a signal, it is too early by a part of ten milliseconds
	}
	return context.Cause(ctx)
}
