package atomictest

import (
	"context"

	"github.com/bursar-ledger/bursar/atomic"
)

var rowLockBehaviours = []behaviour{
	{151, "a row locked for update makes another locker wait until the commit, and then it reads what was committed",
		func(f *fixture) {
			var c *client
			f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
				f.same("pieces", f.locked(ctx, tx, atomic.RowLock{}), []int64{10})
				c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
					f.same("pieces after the wait", f.locked(ctx, tx, atomic.RowLock{}), []int64{11})
					return nil
				}, nil)
				c.untilBlocked()
				return f.run(ctx, tx, `UPDATE stock SET pieces = 11 WHERE item = 1`)
			}, nil))
			f.must(c.end())
		}},
	{152, "a row locked for update is read by others without a lock, as it was", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.locked(ctx, tx, atomic.RowLock{})
			f.same("pieces seen by another session", f.pieces(f.ctx, f.other, 1), 10)
			return nil
		}, nil))
	}},
	{153, "two may share a row and a writer waits for both; with one writer the lock is exclusive", func(f *fixture) {
		share := atomic.RowLock{Strength: atomic.Share}
		if !f.Can.Share {
			f.lacks()
			f.unsupported(share)
			return
		}
		var c *client
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.locked(ctx, tx, share)
			if !f.Can.OneWriter {
				second := f.client(func(ctx context.Context, tx *atomic.Tx) error {
					f.locked(ctx, tx, share)
					return nil
				}, nil)
				f.must(second.end())
			}
			c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
				return f.run(ctx, tx, `UPDATE stock SET pieces = 12 WHERE item = 1`)
			}, nil)
			c.untilBlocked()
			return nil
		}, nil))
		f.must(c.end())
		f.wantPieces(12, 20)
	}},
	{154, "NOWAIT on a locked row fails at once as a conflict, or is unsupported", func(f *fixture) {
		noWait := atomic.RowLock{Wait: atomic.NoWait}
		if !f.Can.NoWait {
			f.lacks()
			f.unsupported(noWait)
			return
		}
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.locked(ctx, tx, atomic.RowLock{})
			once := &atomic.Options{Retry: atomic.Budget{Attempts: 1}}
			c := f.client(func(ctx context.Context, tx *atomic.Tx) error {
				_, err := f.lock(ctx, tx, noWait, 1)
				return err
			}, once)
			f.is(c.end(), atomic.ErrBudget)
			f.same("kind", f.Dialect.Classify(c.err).Kind, atomic.KindRetry)
			return nil
		}, nil))
	}},
	{155, "NOWAIT inside a savepoint leaves the block whole to do something else", func(f *fixture) {
		noWait := atomic.RowLock{Wait: atomic.NoWait}
		if !f.Can.NoWait {
			f.lacks()
			f.unsupported(noWait)
			return
		}
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.locked(ctx, tx, atomic.RowLock{})
			c := f.client(func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "before"))
				err := tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
					_, err := f.lock(ctx, tx, noWait, 1)
					return err
				})
				f.same("refused", err != nil, true)
				return f.add(ctx, tx, "something else")
			}, nil)
			return c.end()
		}, nil))
		f.wantWords("before", "something else")
	}},
	{156, "SKIP LOCKED leaves the locked row out, or is unsupported", func(f *fixture) {
		skip := atomic.RowLock{Wait: atomic.SkipLocked}
		if !f.Can.SkipLocked {
			f.lacks()
			f.unsupported(skip)
			return
		}
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.locked(ctx, tx, atomic.RowLock{})
			c := f.client(func(ctx context.Context, tx *atomic.Tx) error {
				f.same("pieces of item 1", f.locked(ctx, tx, skip), []int64(nil))
				rows, err := f.lock(ctx, tx, skip, 2)
				f.same("pieces of item 2", rows, []int64{20})
				return err
			}, nil)
			return c.end()
		}, nil))
	}},
	{157, "two workers that skip what is locked take different jobs, and a job whose worker fails is free again",
		func(f *fixture) { f.queue() }},
	{158, "a lock without the key lets others refer to the row, or is unsupported", func(f *fixture) {
		f.noKey()
	}},
	{159, "OF locks the rows of the named table alone, or is unsupported", func(f *fixture) {
		of := atomic.RowLock{Of: []string{"a"}}
		if !f.Can.Of && !f.Can.OneWriter {
			f.lacks()
			f.unsupported(of)
			return
		}
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			clause, err := tx.LockClause(of)
			f.must(err)
			n, err := f.number(ctx, tx, `SELECT b.pieces FROM stock a, stock b WHERE a.item = 1 AND b.item = 2 `+clause)
			f.must(err)
			f.same("pieces", n, 20)
			c := f.client(func(ctx context.Context, tx *atomic.Tx) error {
				return f.run(ctx, tx, `UPDATE stock SET pieces = 21 WHERE item = 2`)
			}, nil)
			if f.Can.OneWriter {
				f.lacks()
				c.untilBlocked()
				return errRefused
			}
			return c.end()
		}, nil), errRefusedIf(f.Can.OneWriter))
	}},
	{160, "no lock is rendered in a read-only block", func(f *fixture) {
		f.must(f.do(func(_ context.Context, tx *atomic.Tx) error {
			for _, strength := range []atomic.Strength{atomic.Update, atomic.NoKeyUpdate, atomic.Share, atomic.KeyShare} {
				_, err := tx.LockClause(atomic.RowLock{Strength: strength})
				f.is(err, atomic.ErrUnsupported)
			}
			return nil
		}, &atomic.Options{ReadOnly: true}))
	}},
	{161, "a name in OF that is more than a name is refused, and a lock that does not exist", func(f *fixture) {
		f.must(f.do(func(_ context.Context, tx *atomic.Tx) error {
			for _, lock := range []atomic.RowLock{
				{Of: []string{"a; DROP TABLE words"}}, {Of: []string{""}}, {Of: []string{"a b"}}, {Strength: 9}, {Wait: 9},
			} {
				if clause, err := tx.LockClause(lock); err == nil {
					f.Errorf("%+v became %q", lock, clause)
				}
			}
			return nil
		}, nil))
	}},
	{162, "a row that is not there is not locked: two may look for it at once and both go on", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			rows, err := f.lock(ctx, tx, atomic.RowLock{}, 3)
			f.must(err)
			f.same("rows", len(rows), 0)
			c := f.client(func(ctx context.Context, tx *atomic.Tx) error {
				rows, err := f.lock(ctx, tx, atomic.RowLock{}, 3)
				f.same("rows", len(rows), 0)
				return err
			}, nil)
			if f.Can.OneWriter {
				f.lacks()
				c.untilBlocked()
				return nil
			}
			return c.end()
		}, nil))
	}},
}

// errRefusedIf is errRefused or nil.
func errRefusedIf(refused bool) error {
	if refused {
		return errRefused
	}
	return nil
}

// lock reads the pieces of an item under a lock.
func (f *fixture) lock(ctx context.Context, tx *atomic.Tx, l atomic.RowLock, item int) ([]int64, error) {
	clause, err := tx.LockClause(l)
	if err != nil {
		return nil, err
	}
	query := f.Speech.sql(`SELECT pieces FROM stock WHERE item = ? ` + clause)
	return atomic.QueryAll(ctx, tx, atomic.Value[int64], query, item)
}

// locked reads item 1 under a lock that it must get.
func (f *fixture) locked(ctx context.Context, tx *atomic.Tx, l atomic.RowLock) []int64 {
	f.Helper()
	rows, err := f.lock(ctx, tx, l, 1)
	if err != nil {
		f.Errorf("%v: %v", l, err)
	}
	return rows
}

// unsupported checks that a clause is refused, that nothing weaker is rendered, and that the block goes on.
func (f *fixture) unsupported(l atomic.RowLock) {
	f.Helper()
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		clause, err := tx.LockClause(l)
		f.is(err, atomic.ErrUnsupported)
		f.same("clause", clause, "")
		return f.add(ctx, tx, "kept")
	}, nil))
	f.wantWords("kept")
}

// take takes the first job from words, under a lock.
func (f *fixture) take(ctx context.Context, tx *atomic.Tx, lock atomic.RowLock) (job string, err error) {
	clause, err := tx.LockClause(lock)
	if err != nil {
		return "", err
	}
	job, err = atomic.QueryOne(ctx, tx, atomic.Value[string], `SELECT word FROM words ORDER BY word LIMIT 1 `+clause)
	if err != nil {
		return "", err
	}
	return job, atomic.ExecOne(ctx, tx, f.Speech.sql(`DELETE FROM words WHERE word = ?`), job)
}

// queue has two workers take jobs from words, the second while the first still works.
func (f *fixture) queue() {
	f.Helper()
	f.exec(`INSERT INTO words VALUES ('job 1'), ('job 2')`)
	skip := atomic.RowLock{Wait: atomic.SkipLocked}
	if !f.Can.SkipLocked {
		skip = atomic.RowLock{} // One worker at a time, then.
		f.lacks()
	}
	second := func(want string) block {
		return func(ctx context.Context, tx *atomic.Tx) error {
			job, err := f.take(ctx, tx, skip)
			f.same("the second worker's job", job, want)
			return err
		}
	}
	var c *client
	f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		job, err := f.take(ctx, tx, skip)
		f.must(err)
		f.same("the first worker's job", job, "job 1")
		if !f.Can.SkipLocked {
			c = f.client(second("job 1"), nil)
			c.untilBlocked()
			return errRefused
		}
		c = f.client(second("job 2"), nil)
		f.must(c.end())
		return errRefused // The first worker fails.
	}, nil), errRefused)
	f.must(c.end())
	if f.Can.SkipLocked {
		f.wantWords("job 1")
		return
	}
	f.wantWords("job 2")
}

// noKey locks a row that another session then refers to.
func (f *fixture) noKey() {
	f.Helper()
	f.exec(`CREATE TABLE sales (item INTEGER NOT NULL, FOREIGN KEY (item) REFERENCES stock (item))`)
	noKey := atomic.RowLock{Strength: atomic.NoKeyUpdate}
	if !f.Can.NoKey && !f.Can.OneWriter {
		f.lacks()
		f.unsupported(noKey)
		return
	}
	sell := func(ctx context.Context, tx *atomic.Tx) error { return f.run(ctx, tx, `INSERT INTO sales VALUES (1)`) }
	var c *client
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		f.locked(ctx, tx, noKey)
		c = f.client(sell, nil)
		if f.Can.OneWriter {
			f.lacks()
			c.untilBlocked()
			return nil
		}
		return c.end()
	}, nil))
	f.must(c.end())
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		f.locked(ctx, tx, atomic.RowLock{}) // The stronger lock does keep them out.
		c = f.client(sell, nil)
		c.untilBlocked()
		return nil
	}, nil))
	f.must(c.end())
}
