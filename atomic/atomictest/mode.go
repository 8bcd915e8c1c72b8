package atomictest

import (
	"context"
	"database/sql"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

var modeBehaviours = []behaviour{
	{107, "the engine refuses writes in a read-only block", func(f *fixture) {
		readOnly := &atomic.Options{ReadOnly: true}
		if err := f.do(f.adding("never"), readOnly); err == nil {
			f.Error("a read-only block wrote")
		}
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.same("words", f.count(ctx, tx), 0)
			return nil
		}, readOnly))
		f.wantWords()
	}},
	{108, "a connection that served a read-only block may write afterwards", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		for _, end := range []error{nil, errRefused} {
			f.is(f.do(func(context.Context, *atomic.Tx) error { return end }, &atomic.Options{ReadOnly: true}), end)
		}
		f.must(f.do(f.adding("kept"), nil))
		f.wantWords("kept")
	}},
	{109, "every standard isolation level is granted, or a stronger one, or unsupported", func(f *fixture) {
		granted := []string{"Default", "Read Committed", "Repeatable Read"}
		for _, level := range []sql.IsolationLevel{sql.LevelDefault, sql.LevelReadCommitted, sql.LevelRepeatableRead} {
			f.must(f.do(f.adding(level.String()), &atomic.Options{Isolation: level}))
		}
		err := f.do(f.adding("Serializable"), &atomic.Options{Isolation: sql.LevelSerializable})
		if f.Can.NoSerializable {
			f.lacks()
			f.is(err, atomic.ErrUnsupported)
		} else {
			f.must(err)
			granted = append(granted, "Serializable")
		}
		f.wantWords(granted...)
	}},
	{110, "an isolation level that does not exist is refused before anything is sent", func(f *fixture) {
		if err := f.do(f.adding("never"), &atomic.Options{Isolation: 99}); err == nil {
			f.Error("isolation level 99 was accepted")
		}
		f.wantWords()
	}},
	{111, "at REPEATABLE READ a block reads one moment, whatever others commit", func(f *fixture) {
		f.readTwice(sql.LevelRepeatableRead, 10)
	}},
	{112, "at READ COMMITTED a second read sees what others have committed, or the engine gives more than was asked",
		func(f *fixture) {
			if !f.Can.Snapshots {
				f.lacks()
				f.readTwice(sql.LevelReadCommitted, 10)
				return
			}
			f.readTwice(sql.LevelReadCommitted, 15)
		}},
	{113, "an isolation level does not stick to the connection", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		for _, end := range []error{nil, errRefused} {
			f.is(f.do(func(context.Context, *atomic.Tx) error { return end },
				&atomic.Options{Isolation: sql.LevelRepeatableRead}), end)
		}
		if f.Can.Snapshots {
			f.readTwice(sql.LevelReadCommitted, 15)
			return
		}
		f.lacks()
		f.readTwice(sql.LevelReadCommitted, 10)
	}},
	{114, "SERIALIZABLE does not let two blocks each spend what both have counted", func(f *fixture) {
		if f.Can.NoSerializable {
			f.lacks()
			f.is(f.do(f.adding("never"), &atomic.Options{Isolation: sql.LevelSerializable}), atomic.ErrUnsupported)
			return
		}
		f.writeSkew()
	}},
}

// readTwice reads item 1 twice in a read-only block, with a commit of another session in between.
func (f *fixture) readTwice(level sql.IsolationLevel, want int64) {
	f.Helper()
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		f.same("the first read", f.pieces(ctx, tx, 1), 10)
		f.must(f.run(f.ctx, f.other, `UPDATE stock SET pieces = 15 WHERE item = 1`))
		f.same("the second read", f.pieces(ctx, tx, 1), want)
		return nil
	}, &atomic.Options{Isolation: level, ReadOnly: true}))
	f.must(f.run(f.ctx, f.other, `UPDATE stock SET pieces = 10 WHERE item = 1`))
}

// writeSkew has two blocks take 25 pieces each from another item, if both items together have as many: there are 30.
func (f *fixture) writeSkew() {
	f.Helper()
	serializable := &atomic.Options{Isolation: sql.LevelSerializable}
	var first, second gate
	take := func(item int, mine, others *gate) block {
		return func(ctx context.Context, tx *atomic.Tx) error {
			all, err := f.number(ctx, tx, `SELECT sum(pieces) FROM stock`)
			mine.open()
			if err != nil {
				return err
			}
			if !f.Can.OneWriter {
				others.wait(f)
			}
			if all < 25 {
				return errRefused
			}
			return f.run(ctx, tx, `UPDATE stock SET pieces = pieces - 25 WHERE item = ?`, item)
		}
	}
	first.init()
	second.init()
	c := f.client(take(2, &second, &first), serializable)
	db := atomic.Open(f.pool, f.Dialect, nil) // Its clock waits, so that the other client may come first.
	err := atomic.Do(f.ctx, db, take(1, &first, &second), serializable)
	if other := c.end(); errors.Is(err, errRefused) == errors.Is(other, errRefused) {
		f.Errorf("the blocks ended with %v and %v, want one of them refused", err, other)
	}
	f.same("pieces left", f.pieces(f.ctx, f.other, 1)+f.pieces(f.ctx, f.other, 2), 5)
}
