package clock

import (
	"math"
	"sync"
)

// A Strict hands out strictly increasing times in nanoseconds UTC, whatever its clock does: two calls in the same
// instant, or after the clock stepped back, still give two rising times. It is safe for concurrent use.
type Strict struct {
	clock Clock

	mu   sync.Mutex
	last int64
}

// NewStrict returns a Strict over c.
func NewStrict(c Clock) *Strict { return &Strict{clock: c, last: math.MinInt64} }

// Next returns max(clock, floor+1, last+1), where last is the result before this one. It panics when floor or last
// is the largest int64 (in the year 2262), because no later time exists.
func (s *Strict) Next(floor int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	floor = max(floor, s.last)
	if floor == math.MaxInt64 {
		panic("clock: no time is later than the floor, the largest int64")
	}
	s.last = max(s.clock.Now().UnixNano(), floor+1)
	return s.last
}
