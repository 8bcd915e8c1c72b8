package clock_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/internal/clock"
)

var start = time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC)

func TestSystemMovesForward(t *testing.T) {
	t.Parallel()
	c := clock.System()
	before := c.Now()
	if err := c.Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Fatalf("Sleep: %v", err)
	}
	if elapsed := c.Now().Sub(before); elapsed < time.Nanosecond {
		t.Errorf("elapsed %v after sleeping 1ns", elapsed)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cause := errors.New("shutting down")
	for name, c := range map[string]clock.Clock{"system": clock.System(), "fake": clock.NewFake(start)} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		before := c.Now()
		if err := c.Sleep(ctx, time.Hour); !errors.Is(err, cause) {
			t.Errorf("%s: Sleep = %v, want the cause", name, err)
		}
		if c.Now().Sub(before) >= time.Hour {
			t.Errorf("%s: the hour passed although the context was done", name)
		}
	}
}

func TestSystemSleepIsWokenByItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- clock.System().Sleep(ctx, time.Hour) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep = %v, want context.Canceled", err)
	}
}

func TestSleepOfNothingDoesNotWait(t *testing.T) {
	t.Parallel()
	fake := clock.NewFake(start)
	for _, c := range []clock.Clock{clock.System(), fake} {
		for _, d := range []time.Duration{0, -time.Hour} {
			if err := c.Sleep(t.Context(), d); err != nil {
				t.Errorf("Sleep(%v) = %v", d, err)
			}
		}
	}
	if !fake.Now().Equal(start) {
		t.Errorf("the fake moved to %v", fake.Now())
	}
}

func TestFakeMovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	f := clock.NewFake(start)
	got := []time.Time{f.Now(), f.Now()}
	f.Advance(time.Minute)
	got = append(got, f.Now())
	f.Advance(-time.Hour)
	got = append(got, f.Now())
	f.Set(start.AddDate(1, 0, 0))
	got = append(got, f.Now())
	if err := f.Sleep(t.Context(), time.Second); err != nil {
		t.Fatalf("Sleep: %v", err)
	}
	got = append(got, f.Now())
	want := []time.Time{
		start, start, start.Add(time.Minute), start.Add(-59 * time.Minute),
		time.Date(2025, 3, 1, 23, 59, 59, 0, time.UTC), time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
}

func TestStrictIsMaxOfClockFloorAndLast(t *testing.T) {
	t.Parallel()
	now := start.UnixNano()
	f := clock.NewFake(start)
	s := clock.NewStrict(f)
	steps := []struct {
		name    string
		advance time.Duration
		floor   int64
		want    int64
	}{
		{"the clock", 0, 0, now},
		{"last+1 when the clock stands", 0, 0, now + 1},
		{"last+1 when the clock steps back", -time.Hour, math.MinInt64, now + 2},
		{"floor+1 when the floor leads", 0, now + 500, now + 501},
		{"last+1 after a floor", 0, 0, now + 502},
		{"last+1 when the floor is last", 0, now + 502, now + 503},
		{"the clock when it has caught up", time.Hour + 504, now + 503, now + 504},
	}
	for _, step := range steps {
		f.Advance(step.advance)
		if got := s.Next(step.floor); got != step.want {
			t.Errorf("%s: Next = now%+d, want now%+d", step.name, got-now, step.want-now)
		}
	}
}

func TestStrictNeverRepeatsUnderConcurrency(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 200
	s := clock.NewStrict(clock.NewFake(start))
	var mu sync.Mutex
	seen := make(map[int64]bool)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			last := int64(math.MinInt64)
			for range each {
				next := s.Next(last)
				if next <= last {
					t.Errorf("Next(%d) = %d", last, next)
				}
				last = next
				mu.Lock()
				seen[next] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != workers*each {
		t.Errorf("%d distinct times out of %d", len(seen), workers*each)
	}
}

func TestStrictPanicsAtTheEndOfTime(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic for the largest floor")
		}
	}()
	clock.NewStrict(clock.NewFake(start)).Next(math.MaxInt64)
}
