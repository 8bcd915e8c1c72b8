// Package clock is where time comes from.
//
// Code that needs the time takes a [Clock]: [System] in a program, a [Fake] in a test. [Strict] makes strictly
// increasing nanoseconds from a clock that may stand still or step back. No other package calls time.Now.
//
// The package has no tickers and no timers to stop: a caller that waits uses Clock.Sleep with a context.
package clock

import (
	"context"
	"time"
)

// A Clock tells the time and waits. It is safe for concurrent use.
type Clock interface {
	// Now is the present time. Differences of two results are elapsed time, unaffected by steps of the wall clock.
	Now() time.Time

	// Sleep waits for d and returns nil, or returns the cause of ctx's end as soon as ctx is done. A d of zero or
	// less does not wait.
	Sleep(ctx context.Context, d time.Duration) error
}

// shift is by how much System is off the machine's clock, such as "-24h". Only the linker sets it, when a test builds a
// program with -ldflags "-X github.com/bursar-ledger/bursar/internal/clock.shift=-24h". So a program whose clock is
// wrong can be run, and no flag, variable of the environment or line of code makes one of a program that is there.
var shift string

// System is the machine's own clock.
func System() Clock {
	if shift == "" {
		return system{}
	}
	by, err := time.ParseDuration(shift)
	if err != nil {
		panic("clock: the linker has set shift to " + shift + ", which is no duration such as -24h")
	}
	return system{by}
}

type system struct{ shift time.Duration }

func (s system) Now() time.Time { return time.Now().Add(s.shift) }

func (system) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
