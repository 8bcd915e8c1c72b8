package bursartest

import (
	"context"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// Start is the time that a test's clock begins with.
var Start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Clock is a clock that stands still until the test moves it. It is safe for concurrent use.
//
// Entries have the time at which they get their place in the journal, which on PostgreSQL and MariaDB is soon after the
// commit. Before Set and Advance move the clock they therefore give every committed entry its place and the time until
// then, whoever has posted it, in the books of the ledgers that [New], [With] and [Build] have made with the clock. For
// a ledger that the code under test makes itself, make one of these beside it. A database transaction that is still
// open is not waited for: what it posts may have the later time.
type Clock struct {
	fake *clock.Fake

	mu    sync.Mutex
	seal  map[int]func()
	added int
}

// NewClock is a clock that stands at a time, for [Options].
func NewClock(at time.Time) *Clock {
	return &Clock{fake: clock.NewFake(at), seal: make(map[int]func())}
}

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time { return c.fake.Now() }

// Advance moves the clock by d after it has sealed what was posted. d may be negative, as when a machine's clock is set
// back; the ledger's own time then goes on by a nanosecond an entry.
func (c *Clock) Advance(d time.Duration) {
	c.settle()
	c.fake.Advance(d)
}

// Set makes the clock show t after it has sealed what was posted.
func (c *Clock) Set(t time.Time) {
	c.settle()
	c.fake.Set(t)
}

// Sleep moves the clock by d and returns at once, or returns the cause of the end of ctx. It is what the code under
// test waits with, and seals nothing.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error { return c.fake.Sleep(ctx, d) }

// seals has a function called before the clock moves, until forget is called.
func (c *Clock) seals(fn func()) (forget func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := c.added
	c.added++
	c.seal[key] = fn
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.seal, key)
	}
}

// settle seals in every ledger that has the clock. It holds no lock meanwhile, because a ledger asks for the time.
func (c *Clock) settle() {
	c.mu.Lock()
	var all []func()
	for _, fn := range c.seal {
		all = append(all, fn)
	}
	c.mu.Unlock()
	for _, fn := range all {
		fn()
	}
}
