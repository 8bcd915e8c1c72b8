package lawtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// stopwatch times calls from many goroutines and keeps the longest.
type stopwatch struct {
	mu      sync.Mutex
	calls   int
	longest time.Duration
}

func (s *stopwatch) time(call func() error) error {
	began := clock.System().Now()
	err := call()
	took := clock.System().Now().Sub(began)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.longest = max(s.longest, took)
	return err
}

// check wants no call to have stalled for longer than the machine itself did.
func (s *stopwatch) check(t *testing.T, machine time.Duration) {
	t.Helper()
	t.Logf("%d calls, the longest took %v; the machine itself stood still for %v", s.calls, s.longest, machine)
	switch {
	case s.calls == 0:
		t.Error("nothing was posted: the law was not put to the test")
	case s.stalled(machine):
		t.Errorf("a post stalled for %v", s.longest)
	}
}

func (s *stopwatch) stalled(machine time.Duration) bool { return s.longest >= stall+machine }

// pulse finds out how long the machine stands still at worst, which is no fault of a ledger: it writes to a file of its
// own, syncs it to disk and waits for its turn again and again.
type pulse struct {
	cancel context.CancelFunc
	worst  chan time.Duration
}

func startPulse(t *testing.T) *pulse {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "pulse"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p := &pulse{cancel: cancel, worst: make(chan time.Duration, 1)}
	go func() {
		defer file.Close()
		const pause = 20 * time.Millisecond
		var worst time.Duration
		for ctx.Err() == nil {
			began := clock.System().Now()
			_, err := file.WriteAt([]byte{1}, 0)
			if err == nil {
				err = file.Sync()
			}
			if err != nil {
				t.Errorf("pulse: %v", err)
				break
			}
			if clock.System().Sleep(ctx, pause) == nil {
				worst = max(worst, clock.System().Now().Sub(began)-pause)
			}
		}
		p.worst <- worst
	}()
	return p
}

func (p *pulse) stop() time.Duration {
	p.cancel()
	return <-p.worst
}
