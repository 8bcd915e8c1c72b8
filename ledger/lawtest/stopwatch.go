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
	stall   time.Duration // how long a call may take
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

// check wants no call to have stalled for longer than the machine itself did. As many as there are clients may stand in
// line for an account, and the machine may have stood still for each of them.
func (s *stopwatch) check(t *testing.T, machine time.Duration, clients int) {
	t.Helper()
	t.Logf("%d calls, the longest took %v; the machine itself stood still for %v", s.calls, s.longest, machine)
	machine *= time.Duration(clients)
	switch {
	case s.calls == 0:
		t.Error("nothing was posted: the law was not put to the test")
	case s.stalled(machine):
		t.Errorf("a post stalled for %v", s.longest)
	}
}

func (s *stopwatch) stalled(machine time.Duration) bool { return s.longest >= s.stall+machine }

// baseline measures how long the machine itself stands still at worst, which no ledger can help. Again and again it
// writes to a file of its own, syncs it to disk and waits for its turn.
type baseline struct {
	cancel context.CancelFunc
	worst  chan time.Duration
}

func startBaseline(t *testing.T) *baseline {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "baseline"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b := &baseline{cancel: cancel, worst: make(chan time.Duration, 1)}
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
				t.Errorf("baseline: %v", err)
				break
			}
			if clock.System().Sleep(ctx, pause) == nil {
				worst = max(worst, clock.System().Now().Sub(began)-pause)
			}
		}
		b.worst <- worst
	}()
	return b
}

func (b *baseline) stop() time.Duration {
	b.cancel()
	return <-b.worst
}
