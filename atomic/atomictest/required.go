package atomictest

import (
	"context"

	"github.com/bursar-ledger/bursar/atomic"
)

var requiredBehaviours = []behaviour{
	{135, "Required outside any block is refused before it runs", func(f *fixture) {
		f.is(f.do(f.adding("never"), &atomic.Options{Nesting: atomic.Required}), atomic.ErrRequired)
		f.wantWords()
	}},
	{136, "Required inside a block joins it: committed together, and broken together", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			return f.inner(ctx, f.adding("kept"), atomic.Required)
		}, nil))
		f.is(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			_ = f.inner(ctx, f.addingThen("gone", errRefused), atomic.Required)
			return nil
		}, nil), atomic.ErrBroken, errRefused)
		f.wantWords("kept")
	}},
	{137, "the intent Savepoint outside any block is refused before it runs", func(f *fixture) {
		f.is(f.do(f.adding("never"), &atomic.Options{Nesting: atomic.Savepoint}), atomic.ErrRequired)
		f.wantWords()
	}},
	{138, "the intent Savepoint inside a block is undone alone", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.is(f.inner(ctx, f.addingThen("gone", errRefused), atomic.Savepoint), errRefused)
			return f.inner(ctx, f.adding("kept"), atomic.Savepoint)
		}, nil))
		f.wantWords("kept")
	}},
	{139, "Tx.Savepoint undoes its writes and hooks alone, and runs its function once", func(f *fixture) {
		var log eventLog
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.is(tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
				log.note("ran")
				tx.OnCommit(log.commits("dropped"))
				tx.OnRollback(log.undoes("undone"))
				return f.addingThen("gone", errRefused)(ctx, tx)
			}), errRefused)
			return tx.Savepoint(ctx, f.adding("kept"))
		}, nil))
		log.want(f, "ran", "undone")
		f.wantWords("kept")
	}},
	{140, "Tx.Savepoint after the end of the block says so", func(f *fixture) {
		var kept *atomic.Tx
		f.must(f.do(func(_ context.Context, tx *atomic.Tx) error {
			kept = tx
			return nil
		}, nil))
		f.is(kept.Savepoint(f.ctx, f.adding("never")), atomic.ErrEnded)
		f.wantWords()
	}},
}
