package atomictest

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

var brokenBehaviours = []behaviour{
	{41, "a duplicate that the block swallows never looks committed, whatever the engine would have kept",
		func(f *fixture) {
			var refusal error
			err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "once"))
				refusal = f.collide(ctx, tx, "once")
				return nil
			}, nil)
			f.is(err, atomic.ErrBroken, refusal)
			f.wantWords()
		}},
	{42, "after a statement's error the next statement fails with the first cause", func(f *fixture) {
		_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "once"))
			refusal := f.collide(ctx, tx, "once")
			f.is(f.add(ctx, tx, "more"), atomic.ErrBroken, refusal)
			return nil
		}, nil)
		f.wantWords()
	}},
	{43, "every way to run a statement is refused once the block is broken", func(f *fixture) {
		_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
			_ = f.inner(ctx, func(context.Context, *atomic.Tx) error { return errRefused }, atomic.Join)
			_, err := f.on(tx).QueryContext(ctx, `SELECT word FROM words`)
			f.is(err, atomic.ErrBroken, errRefused)
			f.is(rowError(f.on(tx).QueryRowContext(ctx, `SELECT 1`)), atomic.ErrBroken, errRefused)
			_, err = f.on(tx).PrepareContext(ctx, `SELECT 1`)
			f.is(err, atomic.ErrBroken, errRefused)
			f.is(f.add(ctx, tx, "more"), atomic.ErrBroken, errRefused)
			return nil
		}, nil)
	}},
	{44, "a duplicate inside a savepoint leaves the outer block whole on every engine", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "once"))
			var refusal error
			err := f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "gone"))
				refusal = f.collide(ctx, tx, "once")
				return refusal
			}, atomic.Nested)
			f.is(err, refusal)
			return f.add(ctx, tx, "more")
		}, nil))
		f.wantWords("once", "more")
	}},
	{45, "a savepoint that swallows a duplicate fails itself, and the outer block goes on",
		func(f *fixture) {
			f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
				f.must(f.add(ctx, tx, "once"))
				err := f.inner(ctx, func(ctx context.Context, tx *atomic.Tx) error {
					f.must(f.add(ctx, tx, "inner"))
					_ = f.collide(ctx, tx, "once")
					return nil
				}, atomic.Nested)
				f.is(err, atomic.ErrBroken)
				return f.add(ctx, tx, "more")
			}, nil))
			f.wantWords("once", "more")
		}},
	{46, "a statement that the engine cannot read breaks the block", func(f *fixture) {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "kept"))
			if err := f.run(ctx, tx, `SELEKT 1`); err == nil {
				f.Error("a misspelt statement was accepted")
			}
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken)
		f.wantWords()
	}},
	{47, "the error of the block is not shadowed by a rollback that fails", func(f *fixture) {
		rollback := errors.New("rollback")
		f.inject(&faultyDialect{rollback: failedRollback(rollback)})
		err := f.do(f.addingThen("gone", errRefused), nil)
		f.is(err, errRefused, rollback)
		f.db = f.open(f.Dialect)
		f.wantWords()
	}},
	{48, "the first error stays the cause when later ones follow", func(f *fixture) {
		second := errors.New("second")
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			_ = f.inner(ctx, func(context.Context, *atomic.Tx) error { return errRefused }, atomic.Join)
			_ = f.inner(ctx, func(context.Context, *atomic.Tx) error { return second }, atomic.Join)
			_ = f.add(ctx, tx, "more")
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken, errRefused)
		f.isNot(err, second)
	}},
	{49, "an error of the block's own outranks the broken state, and keeps its identity", func(f *fixture) {
		own := errors.New("own")
		err := f.do(func(ctx context.Context, _ *atomic.Tx) error {
			_ = f.inner(ctx, func(context.Context, *atomic.Tx) error { return errRefused }, atomic.Join)
			return own
		}, nil)
		if err != own {
			f.Errorf("Do = %v, want the very error", err)
		}
	}},
	{50, "hooks of a block that turned out broken are not run as after a commit", func(f *fixture) {
		var log eventLog
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("committed"))
			tx.BeforeCommit(log.commits("before"))
			tx.OnRollback(log.undoes("undone"))
			_ = f.inner(ctx, func(context.Context, *atomic.Tx) error { return errRefused }, atomic.Join)
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken)
		log.want(f, "before", "undone")
	}},
	{51, "a violated constraint that is checked late fails the commit, and nothing is committed", func(f *fixture) {
		f.deferred()
	}},
}
