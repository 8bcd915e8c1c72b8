package atomictest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

var conflictBehaviours = []behaviour{
	{124, "a relative update waits for the one before it and adds to what that committed", func(f *fixture) {
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.run(ctx, tx, `UPDATE stock SET pieces = pieces + 5 WHERE item = 1`))
			c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
				return f.run(ctx, tx, `UPDATE stock SET pieces = pieces + 7 WHERE item = 1`)
			}, nil)
			c.untilBlocked()
			return nil
		}, nil))
		f.must(c.end())
		f.wantPieces(22, 20)
	}},
	{125, "an update that waited for a block which rolled back starts from the old value", func(f *fixture) {
		var c *client
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.run(ctx, tx, `UPDATE stock SET pieces = 0 WHERE item = 1`))
			c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
				return f.run(ctx, tx, `UPDATE stock SET pieces = pieces + 7 WHERE item = 1`)
			}, nil)
			c.untilBlocked()
			return errRefused
		}, nil), errRefused)
		f.must(c.end())
		f.wantPieces(17, 20)
	}},
	{126, "a plain read, then a write of what was computed from it, loses an update unless blocks are serializable",
		func(f *fixture) {
			f.readModifyWrite("")
			if f.Can.OneWriter || f.Can.SerializableDefault {
				f.lacks()
				f.wantPieces(22, 20)
				return
			}
			f.wantPieces(17, 20) // The five pieces are lost: this is why the next behaviour exists.
		}},
	{127, "a read that locks its row, then a write of what was computed from it, loses nothing", func(f *fixture) {
		f.readModifyWrite(f.Speech.ForUpdate)
		f.wantPieces(22, 20)
	}},
	{128, "a second insert of a key waits for the first, and is a duplicate once that is committed", func(f *fixture) {
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "key"))
			c = f.client(f.adding("key"), nil)
			c.untilBlocked()
			return nil
		}, nil))
		if kind := f.Dialect.Classify(c.end()).Kind; kind != atomic.KindUnique {
			f.Errorf("the second insert = %v, want a unique violation", c.err)
		}
		f.wantWords("key")
	}},
	{129, "a second insert of a key waits for the first, and succeeds once that is rolled back", func(f *fixture) {
		var c *client
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "key"))
			c = f.client(f.adding("key"), nil)
			c.untilBlocked()
			return errRefused
		}, nil), errRefused)
		f.must(c.end())
		f.wantWords("key")
	}},
	{130, "a deadlock makes one of the blocks run again, and both are committed", func(f *fixture) {
		runs, ends := f.deadlock(f.increment)
		f.must(errors.Join(ends[:]...))
		f.wantPieces(12, 22)
		if f.Can.OneWriter {
			f.lacks()
			f.same("runs", runs, 2)
			return
		}
		if runs < 3 { // more if the two meet again
			f.Errorf("runs = %d, want 3 at least", runs)
		}
	}},
	{131, "a deadlock that destroyed the savepoints surfaces as the deadlock, even if the savepoint's error is swallowed",
		func(f *fixture) { f.swallowedDeadlock() }},
	{132, "an update at REPEATABLE READ of a row that changed since the snapshot runs again, or takes the newest value",
		func(f *fixture) { f.staleUpdate() }},
	{133, "readers do not wait for a writer", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.run(ctx, tx, `UPDATE stock SET pieces = 0 WHERE item = 1`))
			c := f.client(func(ctx context.Context, tx *atomic.Tx) error {
				f.same("read beside the writer", f.pieces(ctx, tx, 1), 10)
				return nil
			}, &atomic.Options{ReadOnly: true})
			f.must(c.end())
			return nil
		}, nil))
		f.wantPieces(0, 20)
	}},
	{134, "writers of different rows do not wait for each other, or the engine has one writer", func(f *fixture) {
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.run(ctx, tx, `UPDATE stock SET pieces = 11 WHERE item = 1`))
			c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
				return f.run(ctx, tx, `UPDATE stock SET pieces = 21 WHERE item = 2`)
			}, nil)
			if f.Can.OneWriter {
				f.lacks()
				c.untilBlocked()
				return nil
			}
			return c.end()
		}, nil))
		f.must(c.end())
		f.wantPieces(11, 21)
	}},
}

// readModifyWrite has two blocks read item 1, and add 5 and 7 to what they read. The second one reads before the
// first has written, unless a lock prevents that. It writes when the first is committed.
func (f *fixture) readModifyWrite(clause string) {
	f.Helper()
	var read, committed gate
	read.init()
	committed.init()
	add := func(ctx context.Context, tx *atomic.Tx, n int64, wait func()) error {
		pieces, err := f.number(ctx, tx, `SELECT pieces FROM stock WHERE item = 1`+clause)
		if err != nil {
			return err
		}
		wait()
		return f.run(ctx, tx, `UPDATE stock SET pieces = ? WHERE item = 1`, pieces+n)
	}
	var c *client
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		return add(ctx, tx, 5, func() {
			c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
				return add(ctx, tx, 7, func() {
					read.open()
					committed.wait(f)
				})
			}, nil)
			if clause != "" || f.Can.OneWriter {
				c.untilBlocked()
				return
			}
			read.wait(f)
		})
	}, nil))
	committed.open()
	f.must(c.end())
}

// deadlock has two blocks add 1 to one item each, and then run second for the other item. It returns how often the
// blocks ran and how they ended.
func (f *fixture) deadlock(second func(ctx context.Context, tx *atomic.Tx, item int) error) (runs int, ends [2]error) {
	f.Helper()
	var gates [2]gate
	gates[0].init()
	gates[1].init()
	var counts [2]int
	both := func(one, two int) block {
		return func(ctx context.Context, tx *atomic.Tx) error {
			counts[one-1]++
			if err := f.increment(ctx, tx, one); err != nil {
				return err
			}
			gates[one-1].open()
			if !f.Can.OneWriter {
				gates[two-1].wait(f)
			}
			return second(ctx, tx, two)
		}
	}
	c := f.client(both(2, 1), nil)
	waiting := atomic.Open(f.pool, f.Dialect, nil) // Its clock waits, so that the other client may come first.
	ends[0] = atomic.Do(f.ctx, waiting, both(1, 2), nil)
	ends[1] = c.end()
	return counts[0] + counts[1], ends
}

func (f *fixture) increment(ctx context.Context, tx *atomic.Tx, item int) error {
	return f.run(ctx, tx, `UPDATE stock SET pieces = pieces + 1 WHERE item = ?`, item)
}

// swallowedDeadlock meets a deadlock in a savepoint, ignores it and goes on. Where the savepoint survives, only its
// own update is missing. Where the engine has rolled everything back, the next statement returns the deadlock and
// everything is done again.
func (f *fixture) swallowedDeadlock() {
	f.Helper()
	runs, ends := f.deadlock(func(ctx context.Context, tx *atomic.Tx, item int) error {
		swallowed := tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error { return f.increment(ctx, tx, item) })
		err := f.add(ctx, tx, fmt.Sprint("swallowed before ", item))
		if swallowed != nil && f.Can.DeadlockEndsAll {
			f.is(err, atomic.ErrBroken)
			f.same("kind of what the next statement surfaces", f.Dialect.Classify(err).Kind, atomic.KindRetry)
		}
		return err
	})
	f.must(errors.Join(ends[:]...))
	all := f.pieces(f.ctx, f.other, 1) + f.pieces(f.ctx, f.other, 2)
	f.wantWords("swallowed before 1", "swallowed before 2")
	switch {
	case f.Can.OneWriter:
		f.lacks()
		f.same("runs, all pieces", []int64{int64(runs), all}, []int64{2, 34})
	case f.Can.DeadlockEndsAll:
		f.same("runs, all pieces", []int64{int64(runs), all}, []int64{3, 34})
	default:
		f.same("runs, all pieces", []int64{int64(runs), all}, []int64{2, 33})
	}
}

// staleUpdate updates a row that another session has changed after the snapshot was taken.
func (f *fixture) staleUpdate() {
	f.Helper()
	runs := 0
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		runs++
		f.same("pieces of item 2", f.pieces(ctx, tx, 2), 20) // Takes the snapshot.
		if runs == 1 && !f.Can.OneWriter {
			f.must(f.run(f.ctx, f.other, `UPDATE stock SET pieces = pieces + 5 WHERE item = 1`))
		}
		return f.run(ctx, tx, `UPDATE stock SET pieces = pieces + 7 WHERE item = 1`)
	}, &atomic.Options{Isolation: sql.LevelRepeatableRead}))
	if f.Can.OneWriter {
		f.lacks()
		f.wantPieces(17, 20)
		return
	}
	want := 1
	if f.Can.UpdateConflicts {
		want = 2
	}
	f.same("runs", runs, want)
	f.wantPieces(22, 20)
}
