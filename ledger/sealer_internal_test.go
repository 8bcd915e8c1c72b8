package ledger

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
)

var sealStart = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// silentStore never answers the first database transaction.
type silentStore struct {
	driver.Store
	begun chan int // how many have
	count int
}

func (s *silentStore) Write(
	ctx context.Context, _ driver.Mode, _ func(string), _ func(context.Context, driver.Tx) error,
) error {
	s.count++
	select {
	case s.begun <- s.count:
	default:
	}
	if s.count == 1 {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func TestADatabaseThatFallsSilentDoesNotEndTheSealing(t *testing.T) {
	store := &silentStore{begun: make(chan int, 2)}
	w := &writer{store: store, logger: slog.New(slog.DiscardHandler)}
	s := startSealer(w, clock.NewFake(sealStart), time.Millisecond, time.Millisecond)
	for want := 1; want <= 2; want++ {
		if begun := <-store.begun; begun != want {
			t.Errorf("database transaction %d, want %d", begun, want)
		}
	}
	if err := s.close(t.Context()); err != nil {
		t.Error(err)
	}
}

// countingStore answers every database transaction, and says so.
type countingStore struct {
	driver.Store
	sealed chan struct{}
}

func (s *countingStore) Write(
	context.Context, driver.Mode, func(string), func(context.Context, driver.Tx) error,
) error {
	s.sealed <- struct{}{}
	return nil
}

// heldClock stands still. Who sleeps tells so, and sleeps until the test says so.
type heldClock struct {
	*clock.Fake
	asleep chan time.Duration
	wake   chan struct{}
}

func (c *heldClock) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case c.asleep <- d:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-c.wake:
		return c.Fake.Sleep(ctx, d)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestPostsThatFollowOneAnotherAreSealedTogether(t *testing.T) {
	t.Parallel()
	store := &countingStore{sealed: make(chan struct{})}
	held := &heldClock{clock.NewFake(sealStart), make(chan time.Duration), make(chan struct{})}
	w := &writer{store: store, logger: slog.New(slog.DiscardHandler)}
	s := startSealer(w, held, time.Hour, time.Hour)
	first := func(when string) {
		t.Helper()
		select {
		case <-store.sealed:
		case <-held.asleep:
			t.Fatalf("%s waits before it is sealed", when)
		}
	}
	s.wakeUp()
	first("the first post")
	for range 3 {
		s.wakeUp()
		select {
		case d := <-held.asleep:
			if d != sealPause {
				t.Errorf("the next sealing comes after %v, want %v", d, sealPause)
			}
		case <-store.sealed:
			t.Fatal("a post that follows is sealed by itself")
		}
		for range 10 {
			s.wakeUp()
		}
		held.wake <- struct{}{}
		first("what was gathered")
	}
	if err := s.close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAPostThatComesAloneIsSealedAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		every, passed time.Duration
		slept         time.Duration
	}{
		{"the pause has passed", time.Hour, sealPause, 0},
		{"half of it has", time.Hour, sealPause / 2, sealPause / 2},
		{"the patience is shorter", time.Millisecond, 0, time.Millisecond},
	} {
		fake := clock.NewFake(sealStart)
		s := newSealer(nil, fake, c.every, time.Hour)
		s.ended = fake.Now()
		fake.Advance(c.passed)
		s.wakeUp()
		before := fake.Now()
		s.gather(t.Context())
		if slept := fake.Now().Sub(before); slept != c.slept {
			t.Errorf("%s: slept %v, want %v", c.name, slept, c.slept)
		}
		if gathered := len(s.wake) == 0; gathered != (c.slept > 0) {
			t.Errorf("%s: gathered is %v", c.name, gathered)
		}
	}
}
