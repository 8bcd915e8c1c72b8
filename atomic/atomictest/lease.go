package atomictest

import (
	"context"
	"errors"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/clock"
)

var leaseBehaviours = []behaviour{
	{171, "a lease that is held is refused to another", func(f *fixture) {
		f.setup()
		f.acquire("one", time.Hour)
		_, err := atomic.Acquire(f.ctx, f.db, "leader", "two", time.Hour)
		f.is(err, atomic.ErrHeld)
	}},
	{172, "the same holder gets a newer token, which fences its older one off", func(f *fixture) {
		f.setup()
		old, now := f.acquire("one", time.Hour), f.acquire("one", time.Hour)
		f.same("the token rose", now.Token > old.Token, true)
		f.is(f.do(f.fenced(old, "old"), nil), atomic.ErrFenced)
		f.must(f.do(f.fenced(now, "now"), nil))
		f.wantWords("now")
	}},
	{173, "a lease whose time is over may be taken by another, with a greater token", func(f *fixture) {
		f.setup()
		old := f.acquire("one", time.Millisecond)
		now := f.acquireSoon("two")
		f.same("the token rose", now.Token > old.Token, true)
		f.is(atomic.Renew(f.ctx, f.db, old), atomic.ErrFenced)
		f.is(atomic.Release(f.ctx, f.db, old), atomic.ErrFenced)
		f.must(atomic.Renew(f.ctx, f.db, now))
	}},
	{174, "the clock of the process does not matter", func(f *fixture) {
		f.setup()
		f.acquire("one", time.Hour)
		for _, off := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
			wrong := atomic.Open(f.pool, f.Dialect, &atomic.OpenOptions{Clock: clock.NewFake(startTime.Add(off))})
			_, err := atomic.Acquire(f.ctx, wrong, "leader", "two", time.Hour)
			f.is(err, atomic.ErrHeld)
		}
	}},
	{175, "a released lease may be taken at once, and the released token is fenced off", func(f *fixture) {
		f.setup()
		old := f.acquire("one", time.Hour)
		f.must(atomic.Release(f.ctx, f.db, old))
		f.is(f.do(f.fenced(old, "old"), nil), atomic.ErrFenced)
		now := f.acquire("two", time.Hour)
		f.same("the token rose", now.Token > old.Token, true)
	}},
	{176, "a stale fence rolls the block back even if its error is swallowed", func(f *fixture) {
		f.setup()
		old := f.acquire("one", time.Hour)
		f.acquire("one", time.Hour)
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			f.is(atomic.Fence(ctx, tx, old), atomic.ErrFenced)
			f.is(f.add(ctx, tx, "gone too"), atomic.ErrBroken, atomic.ErrFenced)
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken, atomic.ErrFenced)
		f.wantWords()
	}},
	{177, "a stale fence swallowed by a savepoint is not healed by it", func(f *fixture) {
		f.setup()
		old := f.acquire("one", time.Hour)
		f.acquire("one", time.Hour)
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			_ = f.inner(ctx, f.fenced(old, "gone too"), atomic.Nested)
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken, atomic.ErrFenced)
		f.wantWords()
	}},
	{178, "a fence that passed keeps others from taking the lease until the commit", func(f *fixture) {
		f.setup()
		old := f.acquire("one", time.Millisecond)
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.fenced(old, "in time")(ctx, tx))
			c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
				// What an acquisition does first: it waits for the row, whatever the clock says.
				return f.run(ctx, tx, `UPDATE atomic_lease SET uses = uses + 1 WHERE name = ?`, "leader")
			}, nil)
			c.untilBlocked()
			return nil
		}, nil))
		f.must(c.end())
		now := f.acquireSoon("two")
		f.same("the token rose", now.Token > old.Token, true)
		f.is(f.do(f.fenced(old, "too late"), nil), atomic.ErrFenced)
		f.wantWords("in time")
	}},
	{179, "a lease cannot be taken inside a block, which could still be undone", func(f *fixture) {
		f.setup()
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			_, err := atomic.Acquire(ctx, f.db, "leader", "one", time.Hour)
			f.is(err, atomic.ErrNested)
			return nil
		}, nil))
	}},
	{180, "leases of different names do not know each other", func(f *fixture) {
		f.setup()
		f.acquire("one", time.Hour)
		_, err := atomic.Acquire(f.ctx, f.db, "another", "two", time.Hour)
		f.must(err)
	}},
}

func (f *fixture) acquire(holder string, ttl time.Duration) atomic.Lease {
	f.Helper()
	lease, err := atomic.Acquire(f.ctx, f.db, "leader", holder, ttl)
	f.must(err)
	return lease
}

// acquireSoon takes a lease that is about to end by the clock of the database.
func (f *fixture) acquireSoon(holder string) atomic.Lease {
	f.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		lease, err := atomic.Acquire(f.ctx, f.db, "leader", holder, time.Hour)
		if !errors.Is(err, atomic.ErrHeld) {
			f.must(err)
			return lease
		}
		<-tick.C
	}
}

// fenced is a block that adds a word under a lease.
func (f *fixture) fenced(lease atomic.Lease, word string) block {
	return func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.Fence(ctx, tx, lease); err != nil {
			return err
		}
		return f.add(ctx, tx, word)
	}
}
