package bench

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/clock"
)

const ms = time.Millisecond

// takes is a task whose calls take this long by a fake clock, in turn; the last goes on for ever.
func takes(f *clock.Fake, transfers int64, each ...time.Duration) task {
	return func(context.Context) (int64, error) {
		f.Advance(each[0])
		if len(each) > 1 {
			each = each[1:]
		}
		return transfers, nil
	}
}

func loopOf(f *clock.Fake, tasks ...task) *loop {
	spent := usage{}
	return &loop{clock: f, tasks: tasks, usage: func() usage { spent.cpu += ms; return spent }}
}

// TestClosedLoopRate wants the rate between the first answer after the warm-up and the last before the end.
func TestClosedLoopRate(t *testing.T) {
	t.Parallel()
	f := clock.NewFake(time.Unix(0, 0))
	got, err := loopOf(f, takes(f, 10, 30*ms)).closed(t.Context(), 100*ms, 200*ms)
	if err != nil {
		t.Fatal(err)
	}
	// Answers come at 30, 60 … 300. From 120 to 300 these are six more, of ten transfers each, in 180 ms.
	if want := 60 / 0.180; got.rate < want-0.01 || got.rate > want+0.01 {
		t.Errorf("rate %v, want %v", got.rate, want)
	}
	if got.posted != 100 || got.latency.Count() != 7 {
		t.Errorf("posted %d of 100, %d latencies of 7", got.posted, got.latency.Count())
	}
	if p := got.latency.Percentile(0.5); p < 30*ms || p > 31*ms {
		t.Errorf("median %v, want 30ms", p)
	}
	if got.used.cpu != ms || got.usedFor != 60 {
		t.Errorf("%v for %d transfers, want 1ms for the 60 after the warm-up", got.used.cpu, got.usedFor)
	}
}

// TestLongCalls has few answers before the end, or none. There are three in any case, and the rate is that between the
// first and the last of them.
func TestLongCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		takes []time.Duration
		rate  float64
		calls int64
	}{
		{[]time.Duration{150 * ms, 400 * ms}, 20 / 0.8, 3},
		{[]time.Duration{110 * ms, 10 * ms, 400 * ms}, 20 / 0.41, 3},
		{[]time.Duration{600 * ms}, 20 / 1.2, 3},
		{[]time.Duration{50 * ms, 450 * ms}, 20 / 0.9, 4},
		{[]time.Duration{100 * ms, 1 * ms, 1 * ms, 900 * ms}, 30 / 0.2, 4}, // close together: all of the time counts
	} {
		f := clock.NewFake(time.Unix(0, 0))
		got, err := loopOf(f, takes(f, 10, c.takes...)).closed(t.Context(), 100*ms, 200*ms)
		if err != nil || math.Abs(got.rate-c.rate) > 0.01 || got.posted != 10*c.calls {
			t.Errorf("%v: %v a second, posted %d, %v; want %v and %d", c.takes, got.rate, got.posted, err, c.rate, 10*c.calls)
		}
	}
}

// TestOpenLoopCountsFromTheIntendedStart stalls once for a second at ten calls a second. A closed loop would see one
// slow call; here all those that were to begin meanwhile are late.
func TestOpenLoopCountsFromTheIntendedStart(t *testing.T) {
	t.Parallel()
	f := clock.NewFake(time.Unix(0, 0))
	stalls := takes(f, 1, 10*ms, 10*ms, 1010*ms, 10*ms)
	got, err := loopOf(f, stalls).open(t.Context(), 10, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got.arrivals != 20 || got.posted != 20 || got.latency.Count() != 20 {
		t.Fatalf("%d arrivals, %d posted, %d latencies, want 20 of each", got.arrivals, got.posted, got.latency.Count())
	}
	// The third call begins at 200 and ends at 1210. The fourth, meant for 300, ends at 1220: 920 late, and so on, each
	// 90 less, until the call meant for 1300, which ends at 1320, the one for 1400 at 1410 being the first in time.
	var want Histogram
	want.Add(1010*ms, 1)
	for late := 920 * ms; late > 10*ms; late -= 90 * ms {
		want.Add(late, 1)
	}
	want.Add(10*ms, 20-want.Count())
	for _, share := range []float64{0.25, 0.5, 0.75, 0.9, 0.95, 1} {
		if got, want := got.latency.Percentile(share), want.Percentile(share); got != want {
			t.Errorf("%v: %v, want %v", share, got, want)
		}
	}
}

// TestOpenLoopThatCannotKeepUp ends, and counts the calls that it never began as late.
func TestOpenLoopThatCannotKeepUp(t *testing.T) {
	t.Parallel()
	f := clock.NewFake(time.Unix(0, 0))
	got, err := loopOf(f, takes(f, 1, 500*ms)).open(t.Context(), 10, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got.posted >= 20 || got.latency.Count() != 20 || got.latency.Percentile(0.5) < 2*time.Second {
		t.Errorf("posted %d, %d latencies, median %v", got.posted, got.latency.Count(), got.latency.Percentile(0.5))
	}
}

func TestAFailureEndsTheLoop(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	f := clock.NewFake(time.Unix(0, 0))
	calls := 0
	fails := func(context.Context) (int64, error) {
		if calls++; calls == 3 {
			return 1, boom
		}
		f.Advance(ms)
		return 1, nil
	}
	got, err := loopOf(f, fails).closed(t.Context(), 0, time.Hour)
	if !errors.Is(err, boom) || got.posted != 3 {
		t.Errorf("%v after %d", err, got.posted)
	}
	calls = 0
	if got, err = loopOf(f, fails).open(t.Context(), 10, time.Hour); !errors.Is(err, boom) || got.posted != 3 {
		t.Errorf("%v after %d", err, got.posted)
	}
}

// TestCallsThatHaveBegunAreFinished cancels within a call, whose own context stays open, and expects no other.
func TestCallsThatHaveBegunAreFinished(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := clock.NewFake(time.Unix(0, 0))
	l := loopOf(f)
	l.tasks = []task{func(inner context.Context) (int64, error) {
		cancel()
		for !l.stopped.Load() { // AfterFunc runs in a goroutine of its own
			f.Advance(1)
		}
		return 7, inner.Err()
	}}
	got, err := l.closed(ctx, 0, time.Hour)
	if err != nil || got.posted != 7 {
		t.Errorf("posted %d, %v", got.posted, err)
	}
}
