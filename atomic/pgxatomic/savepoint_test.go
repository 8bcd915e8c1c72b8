package pgxatomic_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
)

func TestBeginFuncIsABlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var hooks []string
	noting := func(tx pgx.Tx, hook string) {
		tx.(*pgxatomic.Tx).Atomic().OnCommit(func(context.Context) error {
			hooks = append(hooks, hook)
			return nil
		})
	}
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		hooks = nil
		f.must(pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
			noting(inner, "kept")
			return pgx.BeginFunc(ctx, inner, func(tx pgx.Tx) error { return add(ctx, tx, "kept") })
		}))
		f.is(pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
			noting(inner, "gone")
			return errors.Join(add(ctx, inner, "gone"), errRefused)
		}), errRefused)
		swallowed := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
			_ = add(ctx, inner, "kept")
			return nil
		})
		f.is(swallowed, atomic.ErrBroken, pgx.ErrTxCommitRollback)
		return add(ctx, tx, "kept too")
	}))
	if len(hooks) != 1 || hooks[0] != "kept" {
		t.Errorf("hooks = %q", hooks)
	}
	f.wantWords("kept", "kept too")
}

func TestTheTxOfABlockIsNotEndedByItsFunction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		f.is(tx.Commit(ctx), atomic.ErrControl)
		f.is(tx.Rollback(ctx), atomic.ErrControl)
		return errors.Join(add(ctx, tx, "kept"), pgxatomic.Do(ctx, f.db, func(ctx context.Context, tx *pgxatomic.Tx) error {
			f.is(tx.Rollback(ctx), atomic.ErrControl)
			return add(ctx, tx, "inner")
		}, nil))
	}))
	f.wantWords("kept", "inner")
}

func TestASavepointEndsOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		for _, end := range []func(pgx.Tx) error{
			func(tx pgx.Tx) error { return tx.Commit(ctx) }, func(tx pgx.Tx) error { return tx.Rollback(ctx) },
		} {
			inner, err := tx.Begin(ctx)
			f.must(err)
			f.must(end(inner))
			f.is(inner.Commit(ctx), atomic.ErrEnded, pgx.ErrTxClosed)
			f.is(inner.Rollback(ctx), atomic.ErrEnded, pgx.ErrTxClosed)
			f.is(add(ctx, inner, "late"), atomic.ErrEnded, pgx.ErrTxClosed)
			_, err = inner.Begin(ctx)
			f.is(err, atomic.ErrEnded, pgx.ErrTxClosed)
		}
		return nil
	}))
	f.wantWords()
}

func TestASavepointLeftOpenIsNoSuccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var left pgx.Tx
	forget := func(ctx context.Context, tx *pgxatomic.Tx) (err error) {
		left, err = tx.Begin(ctx)
		f.must(err)
		return add(ctx, left, "forgotten")
	}
	f.is(f.do(forget), atomic.ErrConcurrent)
	f.is(left.Rollback(f.ctx()), atomic.ErrEnded)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		f.is(pgxatomic.Do(ctx, f.db, forget, nil), atomic.ErrConcurrent)
		f.is(pgxatomic.Do(ctx, f.db, func(ctx context.Context, tx *pgxatomic.Tx) error {
			return errors.Join(forget(ctx, tx), errRefused)
		}, nil), errRefused)
		return add(ctx, tx, "kept")
	}))
	f.wantWords("kept")
}

func TestTheRollbackOfASavepointTakesThoseInsideAlong(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		outer, err := tx.Begin(ctx)
		f.must(err)
		inner, err := outer.Begin(ctx)
		f.must(err)
		f.must(add(ctx, inner, "gone"))
		f.must(outer.Rollback(ctx))
		f.is(inner.Commit(ctx), atomic.ErrEnded)

		outer, err = tx.Begin(ctx)
		f.must(err)
		_, err = outer.Begin(ctx)
		f.must(err)
		f.is(outer.Commit(ctx), atomic.ErrConcurrent)
		f.is(outer.Rollback(ctx), atomic.ErrEnded)
		return add(ctx, tx, "kept")
	}))
	f.wantWords("kept")
}

func TestASavepointOfACancelledContextEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		short, cancel := context.WithCancel(ctx)
		inner, err := tx.Begin(short)
		f.must(err)
		f.must(add(short, inner, "gone"))
		cancel()
		f.must(inner.Rollback(short))
		_, err = tx.Begin(short)
		f.is(err, context.Canceled)
		return add(ctx, tx, "kept")
	}))
	f.wantWords("kept")
}

func TestARollbackThatCannotHelpSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		inner, err := tx.Begin(ctx)
		f.must(err)
		f.must(inner.Conn().Close(ctx))
		if err := add(ctx, inner, "lost"); err == nil {
			t.Error("a closed connection took a word")
		}
		f.is(inner.Rollback(ctx), atomic.ErrBroken)
		return errRefused
	}), errRefused)
	f.wantWords()
}
