package atomic_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

func (f *fixture) acquire(holder string, ttl time.Duration) atomic.Lease {
	f.t.Helper()
	lease, err := atomic.Acquire(f.t.Context(), f.DB, "leader", holder, ttl)
	if err != nil {
		f.t.Fatalf("Acquire for %s: %v", holder, err)
	}
	return lease
}

// fencedAdd adds a word under a lease.
func (f *fixture) fencedAdd(lease atomic.Lease, word string) error {
	return atomic.Do(f.t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.Fence(ctx, tx, lease); err != nil {
			return err
		}
		return add(ctx, tx, word)
	}, nil)
}

// expire makes the time of the lease pass.
func (f *fixture) expire() { f.exec(`UPDATE atomic_lease SET expires = 1`) }

func TestALeaseHasOneHolder(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	first := f.acquire("a", time.Hour)
	if _, err := atomic.Acquire(t.Context(), f.DB, "leader", "b", time.Hour); !errors.Is(err, atomic.ErrHeld) {
		t.Errorf("Acquire for another = %v, want ErrHeld", err)
	}
	if err := errors.Join(atomic.Renew(t.Context(), f.DB, first), f.fencedAdd(first, "first")); err != nil {
		t.Errorf("the holder: %v", err)
	}
	if err := atomic.Release(t.Context(), f.DB, first); err != nil {
		t.Errorf("Release: %v", err)
	}
	second := f.acquire("b", time.Hour)
	if second.Token <= first.Token {
		t.Errorf("tokens %d, then %d, want them to rise", first.Token, second.Token)
	}
	for name, err := range map[string]error{
		"Renew":   atomic.Renew(t.Context(), f.DB, first),
		"Release": atomic.Release(t.Context(), f.DB, first),
		"Fence":   f.fencedAdd(first, "stale"),
	} {
		if !errors.Is(err, atomic.ErrFenced) {
			t.Errorf("%s of the old lease = %v, want ErrFenced", name, err)
		}
	}
	f.wantWords("first")
	f.wantIdle()
}

func TestAnExpiredLeaseIsGoodUntilItIsTaken(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	first := f.acquire("a", time.Hour)
	f.expire()
	if err := f.fencedAdd(first, "late"); err != nil {
		t.Errorf("nobody has taken the lease: %v", err)
	}
	if err := atomic.Renew(t.Context(), f.DB, first); err != nil {
		t.Errorf("Renew of what nobody has taken: %v", err)
	}
	f.expire()
	second := f.acquire("b", time.Hour)
	if err := f.fencedAdd(first, "stale"); !errors.Is(err, atomic.ErrFenced) {
		t.Errorf("the old holder writes: %v, want ErrFenced", err)
	}
	if err := f.fencedAdd(second, "new"); err != nil {
		t.Errorf("the new holder writes: %v", err)
	}
	f.wantWords("late", "new")
}

func TestAReleasedLeaseIsFencedOff(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	lease := f.acquire("a", time.Hour)
	if err := atomic.Release(t.Context(), f.DB, lease); err != nil {
		t.Fatalf("Release: %v", err)
	}
	if err := f.fencedAdd(lease, "stale"); !errors.Is(err, atomic.ErrFenced) {
		t.Errorf("Fence after Release = %v, want ErrFenced", err)
	}
}

func TestASwallowedFenceStillFails(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	stale := f.acquire("a", time.Hour)
	f.acquire("a", time.Hour) // The same process, started anew.
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "stale"); err != nil {
			return err
		}
		_ = tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error { return atomic.Fence(ctx, tx, stale) })
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, atomic.ErrFenced) {
		t.Errorf("Do = %v, want ErrBroken because of ErrFenced", err)
	}
	f.wantWords()
}

func TestAClockSetBackDoesNotKeepALeaseAlive(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	f.acquire("a", time.Minute)
	// As if the lease had been acquired before the clock was set back by an hour.
	f.exec(`UPDATE atomic_lease SET expires = expires + 3600000000`)
	f.acquire("b", time.Minute)
}

func TestLeasesNeedNamesAndTime(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	for _, l := range []atomic.Lease{
		{Holder: "a", TTL: time.Hour},
		{Name: "leader", TTL: time.Hour},
		{Name: "leader", Holder: "a"},
	} {
		if _, err := atomic.Acquire(t.Context(), f.DB, l.Name, l.Holder, l.TTL); err == nil {
			t.Errorf("Acquire of %+v succeeded", l)
		}
	}
}
