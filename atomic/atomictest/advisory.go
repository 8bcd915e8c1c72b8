package atomictest

import (
	"context"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

var advisoryBehaviours = []behaviour{
	{163, "an advisory lock makes the next one wait until the commit, not only until a function ends", func(f *fixture) {
		f.advisory(nil)
	}},
	{164, "an advisory lock is given back by a rollback", func(f *fixture) {
		f.advisory(errRefused)
	}},
	{165, "taking an advisory lock again in the same block is free, and so is another name", func(f *fixture) {
		f.setup()
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			for _, name := range []string{"a", "b", "a", "", "a"} {
				f.must(atomic.Advisory(ctx, tx, name))
			}
			got, err := atomic.TryAdvisory(ctx, tx, "a")
			f.same("got it again", got, true)
			return err
		}, nil))
	}},
	{166, "names that collide in 32 bits do not wait for each other", func(f *fixture) {
		f.setup()
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(atomic.Advisory(ctx, tx, "plumless")) // crc32 gives both 4ddb0c25.
			c := f.client(func(ctx context.Context, tx *atomic.Tx) error { return atomic.Advisory(ctx, tx, "buckeroo") }, nil)
			if f.Can.OneWriter {
				f.lacks()
				c.untilBlocked()
				return nil
			}
			return c.end()
		}, nil))
	}},
	{167, "trying a lock that is held says so at once, and the block goes on", func(f *fixture) {
		f.setup()
		take := func(ctx context.Context, tx *atomic.Tx) error { return atomic.Advisory(ctx, tx, "tried") }
		f.must(f.do(take, nil)) // Where the lock is a row, it is there now.
		try := func(want bool) block {
			return func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, fmt.Sprint("before ", want)))
				got, err := atomic.TryAdvisory(ctx, tx, "tried")
				f.must(err)
				f.same("got it", got, want)
				return f.add(ctx, tx, fmt.Sprint("after ", want))
			}
		}
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(take(ctx, tx))
			c = f.client(try(f.Can.OneWriter), nil) // With one writer it waits before its block begins.
			if f.Can.OneWriter {
				f.lacks()
				c.untilBlocked()
				return nil
			}
			return c.end()
		}, nil))
		f.must(c.end())
		if f.Can.OneWriter {
			f.wantWords("before true", "after true")
			return
		}
		f.must(f.do(try(true), nil))
		f.wantWords("before false", "after false", "before true", "after true")
	}},
	{168, "a guard keeps a limit on a count of rows, of which none is there to lock", func(f *fixture) {
		f.setup()
		join := func(word string) block {
			return func(ctx context.Context, tx *atomic.Tx) error {
				if _, err := atomic.Guard(ctx, tx, "table 1"); err != nil {
					return err
				}
				if f.count(ctx, tx) >= 1 {
					return errRefused
				}
				return f.add(ctx, tx, word)
			}
		}
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(join("first")(ctx, tx))
			c = f.client(join("second"), nil)
			c.untilBlocked()
			return nil
		}, nil))
		f.is(c.end(), errRefused)
		f.wantWords("first")
	}},
	{169, "a guard counts what was committed under it, and not what was rolled back", func(f *fixture) {
		f.setup()
		for i, end := range []error{nil, errRefused, nil} {
			f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
				before, err := atomic.Guard(ctx, tx, "range")
				f.must(err)
				f.same("commits before", before, min(i, 1))
				return end
			}, nil), end)
		}
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			n, err := atomic.GuardCount(ctx, tx, "range")
			f.same("commits", n, 2)
			f.must(err)
			n, err = atomic.GuardCount(ctx, tx, "another range")
			f.same("commits of another", n, 0)
			return err
		}, &atomic.Options{ReadOnly: true}))
	}},
	{170, "the package's tables may be made again, but not inside a block", func(f *fixture) {
		f.setup()
		f.setup()
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			f.is(atomic.Setup(ctx, f.db), atomic.ErrNested)
			return nil
		}, nil))
	}},
}

// setup makes the package's tables.
func (f *fixture) setup() {
	f.Helper()
	f.must(atomic.Setup(f.ctx, f.db))
}

// advisory has another client wait for a lock whose holder ends as told.
func (f *fixture) advisory(end error) {
	f.Helper()
	f.setup()
	name := fmt.Sprint("ends with ", end) // a name is one for all schemas
	var c *client
	f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		f.must(f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
			return atomic.Advisory(ctx, tx, name)
		}, atomic.Nested))
		f.must(f.add(ctx, tx, "holder"))
		c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
			if err := atomic.Advisory(ctx, tx, name); err != nil {
				return err
			}
			want := 0
			if end == nil {
				want = 1
			}
			f.same("words of the holder, seen by the next", f.count(ctx, tx), want)
			return nil
		}, nil)
		c.untilBlocked()
		return end
	}, nil), end)
	f.must(c.end())
}
