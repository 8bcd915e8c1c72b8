package atomic_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/atomic"
)

// An eventLog notes what hooks did, in order.
type eventLog []string

func (log *eventLog) commits(line string) func(context.Context) error {
	return func(context.Context) error {
		*log = append(*log, line)
		return nil
	}
}

func (log *eventLog) undoes(line string) func() {
	return func() { *log = append(*log, line) }
}

func (log *eventLog) want(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(eventLog(want), *log); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
}

func TestOnCommitRunsInOrderAfterTheRealCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.pool.SetMaxOpenConns(1) // So the hook can read only when the connection is back.
	var log eventLog
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(log.commits("first"))
		err := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("second, inner"))
			return add(ctx, tx, "kept")
		}, nil)
		if len(log) != 0 {
			t.Errorf("hooks %q ran before the commit", log)
		}
		tx.OnCommit(func(ctx context.Context) error {
			f.wantWords("kept")
			return atomic.Do(ctx, f.DB, adding("from the hook"), nil)
		})
		tx.OnCommit(log.commits("last"))
		return err
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	log.want(t, "first", "second, inner", "last")
	f.wantWords("from the hook", "kept")
}

func TestHooksOfAnUndoneBlockAreDropped(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(log.commits("outer"))
		tx.OnRollback(log.undoes("outer undone"))
		_ = atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("inner"))
			tx.BeforeCommit(log.commits("before, inner"))
			tx.OnRollback(log.undoes("inner undone 1"))
			tx.OnRollback(log.undoes("inner undone 2"))
			return errRefused
		}, nil)
		log = append(log, "between")
		tx.OnCommit(log.commits("after"))
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	log.want(t, "inner undone 2", "inner undone 1", "between", "outer", "after")
}

func TestOnRollbackOfAReleasedBlockFollowsTheOuter(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(log.commits("committed"))
		tx.OnRollback(log.undoes("outer"))
		_ = atomic.Do(ctx, f.DB, func(_ context.Context, tx *atomic.Tx) error {
			tx.OnRollback(log.undoes("inner"))
			return nil
		}, nil)
		return errRefused
	}, nil)
	if err != errRefused {
		t.Errorf("Do = %v", err)
	}
	log.want(t, "inner", "outer")
}

func TestOnRollbackRunsOnceForABlockUndoneBeforeTheOuter(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnRollback(log.undoes("outer"))
		return atomic.Do(ctx, f.DB, func(_ context.Context, tx *atomic.Tx) error {
			tx.OnRollback(log.undoes("inner"))
			return errRefused
		}, nil)
	}, nil)
	if err != errRefused {
		t.Errorf("Do = %v", err)
	}
	log.want(t, "inner", "outer")
}

func TestAFailingHookDoesNotStopTheOthersAndIsNoFailedCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	second := errors.New("second hook")
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(func(context.Context) error { return sqliteError(5) })
		tx.OnCommit(log.commits("between"))
		tx.OnCommit(func(context.Context) error { return second })
		tx.OnCommit(log.commits("last"))
		tx.OnRollback(log.undoes("undone"))
		return add(ctx, tx, "kept")
	}, nil)
	var hook *atomic.HookError
	if !errors.As(err, &hook) {
		t.Fatalf("Do = %v, want a HookError", err)
	}
	if len(hook.Errs) != 2 || hook.Errs[0] != sqliteError(5) || hook.Errs[1] != second {
		t.Errorf("Errs = %v", hook.Errs)
	}
	const place = " (registered at atomic/hook_test.go:"
	for i, want := range []string{"func1.1" + place, "func1.2" + place} {
		if !strings.Contains(hook.Hooks[i], want) || !strings.Contains(err.Error(), hook.Hooks[i]+": "+hook.Errs[i].Error()) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
	if errors.Is(err, second) {
		t.Error("the HookError unwraps to the hook's error, so the committed work could be mistaken for failed")
	}
	log.want(t, "between", "last")
	f.wantWords("kept")
	f.wantRetried()
}

func TestAHookErrorOfAnotherDatabaseIsNotRetried(t *testing.T) {
	t.Parallel()
	f, other := newFixture(t, pragmasUsual), newFixture(t, pragmasUsual)
	runs := 0
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
		runs++
		return atomic.Do(ctx, other.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(context.Context) error { return sqliteError(5) })
			return add(ctx, tx, "kept")
		}, nil)
	}, nil)
	var hook *atomic.HookError
	if !errors.As(err, &hook) || runs != 1 {
		t.Errorf("Do = %v after %d runs, want a HookError after 1", err, runs)
	}
	other.wantWords("kept")
}

func TestAPanickingHookLetsTheOthersRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	func() {
		defer func() {
			if got := recover(); got != "hook" {
				t.Errorf("recovered %v", got)
			}
		}()
		_ = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("first"))
			tx.OnCommit(func(context.Context) error { panic("hook") })
			tx.OnCommit(log.commits("last"))
			return add(ctx, tx, "kept")
		}, nil)
	}()
	log.want(t, "first", "last")
	f.wantWords("kept")
	f.wantIdle()
}

func TestHooksAreResetForEachAttempt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	runs := 0
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		runs++
		tx.BeforeCommit(log.commits("before"))
		tx.OnCommit(log.commits("committed"))
		tx.OnRollback(log.undoes("undone"))
		if runs < 3 {
			return sqliteError(5)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	log.want(t, "undone", "undone", "before", "committed")
}

func TestBeforeCommitRunsLastInsideAndCanRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		refusal error
		words   []string
	}{
		{nil, []string{"first", "kept", "second"}},
		{errRefused, nil},
	}
	for _, tt := range tests {
		f := newFixture(t, pragmasUsual)
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.BeforeCommit(func(ctx context.Context) error {
				if inside, ok := atomic.From(ctx, f.DB); !ok || inside != tx {
					t.Error("the context of BeforeCommit does not carry the Tx")
				}
				tx.BeforeCommit(func(ctx context.Context) error {
					return errors.Join(add(ctx, tx, "second"), tt.refusal)
				})
				return add(ctx, tx, "first")
			})
			return add(ctx, tx, "kept")
		}, nil)
		if !errors.Is(err, tt.refusal) {
			t.Errorf("Do = %v, want %v", err, tt.refusal)
		}
		f.wantWords(tt.words...)
		f.wantIdle()
	}
}

func TestALateHookPanics(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var kept *atomic.Tx
	if err := atomic.Do(t.Context(), f.DB, func(_ context.Context, tx *atomic.Tx) error {
		kept = tx
		return nil
	}, nil); err != nil {
		t.Fatalf("Do: %v", err)
	}
	for name, register := range map[string]func(){
		"OnCommit":     func() { kept.OnCommit(func(context.Context) error { return nil }) },
		"OnRollback":   func() { kept.OnRollback(func() {}) },
		"BeforeCommit": func() { kept.BeforeCommit(func(context.Context) error { return nil }) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s on an ended block did not panic", name)
				}
			}()
			register()
		}()
	}
}
