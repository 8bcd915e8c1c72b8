package atomictest

import (
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

var codeBehaviours = []behaviour{
	{255, "every error of the package's own has a code, wrapped or not", func(f *fixture) {
		for err, want := range map[error]string{
			atomic.ErrOutcomeUnknown: "outcome_unknown", atomic.ErrBudget: "conflict", atomic.ErrStale: "conflict",
			atomic.ErrNoConnection: "unavailable", atomic.ErrLeftOpen: "unavailable", atomic.ErrNested: "in_transaction",
			atomic.ErrBroken: "unsafe_transaction", atomic.ErrEnded: "unsafe_transaction",
			atomic.ErrConcurrent: "unsafe_transaction", atomic.ErrRequired: "unsafe_transaction",
			atomic.ErrControl: "unsafe_transaction", atomic.ErrRowsOpen: "unsafe_transaction",
			atomic.ErrMode: "unsafe_transaction", atomic.ErrUnsupported: "unsupported", atomic.ErrNotOne: "condition_failed",
			atomic.ErrKeyReused: "id_reused", atomic.ErrHeld: "busy", atomic.ErrFenced: "version_changed",
			atomic.ErrHooksUnrun: "internal",
		} {
			f.wantCode(err, want)
			f.wantCode(fmt.Errorf("wrapped: %w", err), want)
		}
	}},
	{256, "what Do returns has the code of what happened", func(f *fixture) {
		f.inject(&faultyDialect{})
		f.wantCode(f.do(func(context.Context, *atomic.Tx) error { return errConflict }, nil), "conflict")
		f.wantCode(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			return f.inner(ctx, f.adding("never"), atomic.Outermost)
		}, nil), "in_transaction")
		f.wantCode(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "once"))
			_ = f.collide(ctx, tx, "once")
			return nil
		}, nil), "unsafe_transaction")
		f.wantCode(f.do(func(_ context.Context, tx *atomic.Tx) error {
			tx.OnCommit(failingHook)
			return nil
		}, nil), "hook_failed")
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		f.wantCode(atomic.Do(ctx, f.db, f.adding("never"), nil), "canceled")
		f.inject(&faultyDialect{commit: afterCommitting(f.Dialect, errStorage)})
		f.wantCode(f.do(f.adding("perhaps"), nil), "outcome_unknown")
		f.db = f.open(f.Dialect)
	}},
	{257, "a cancelled statement has the code of a cancellation, although the block is broken too", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		f.wantCode(atomic.Do(ctx, f.db, func(ctx context.Context, tx *atomic.Tx) error {
			cancel()
			return f.add(ctx, tx, "never")
		}, nil), "canceled")
		short, end := context.WithTimeout(f.ctx, shortly)
		defer end()
		f.wantCode(atomic.Do(short, f.db, f.slow()[0], nil), "canceled")
	}},
	{258, "an error of the engine or of the block itself comes back as it is, without a code", func(f *fixture) {
		f.wantCode(f.do(f.adding("twice", "twice"), nil), "")
		f.wantCode(f.do(f.addingThen("gone", errRefused), nil), "")
	}},
}

// wantCode finds the code as a program does that does not import package atomic.
func (f *fixture) wantCode(err error, want string) {
	f.Helper()
	got := ""
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		got = coded.ErrorCode()
	}
	f.same(fmt.Sprintf("the code of %v", err), got, want)
}
