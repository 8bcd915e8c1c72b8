package atomic_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// undone runs fn in a block with a recorder and rolls the block back.
func undone(t *testing.T, f *fixture, fn func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder)) {
	t.Helper()
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		fn(ctx, tx, atomic.Record(tx, nil))
		return errRefused
	}, nil)
	if !errors.Is(err, errRefused) {
		t.Errorf("Do = %v, want the test's own rollback", err)
	}
}

// within is a block that leaves a line in an event log when it is committed.
func within(log *eventLog, line string, end error) func(context.Context, *atomic.Tx) error {
	return func(_ context.Context, tx *atomic.Tx) error {
		tx.OnCommit(log.commits(line))
		return end
	}
}

func depths(rec *atomic.Recorder) (depths []int) {
	for _, h := range rec.Hooks() {
		depths = append(depths, h.Depth)
	}
	return depths
}

func TestARecorderKeepsWhatWouldRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	var rec *atomic.Recorder
	undone(t, f, func(ctx context.Context, tx *atomic.Tx, r *atomic.Recorder) {
		rec = r
		tx.OnCommit(log.commits("the test's own"))
		_ = atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(log.commits("one inside"))
			_ = atomic.Do(ctx, f.DB, within(&log, "dropped", errRefused), nil)
			return atomic.Do(ctx, f.DB, within(&log, "two inside", nil), &atomic.Options{Nesting: atomic.Join})
		}, nil)
		_ = atomic.Do(ctx, f.DB, func(ctx context.Context, _ *atomic.Tx) error {
			_ = atomic.Do(ctx, f.DB, within(&log, "dropped with the block around it", nil), nil)
			return errRefused
		}, nil)
		if diff := cmp.Diff([]int{0, 1, 2}, depths(r)); diff != "" {
			t.Errorf("depths (-want +got):\n%s", diff)
		}
	})
	log.want(t)
	if rec.Len() != 3 {
		t.Errorf("%d hooks after the rollback, want the 3 that were there before", rec.Len())
	}
	if err := rec.Run(t.Context()); err != nil {
		t.Errorf("Run: %v", err)
	}
	log.want(t, "the test's own", "one inside", "two inside")
	if err := rec.Run(t.Context()); err != nil || rec.Len() != 0 {
		t.Errorf("Run again = %v with %d hooks left, want nothing", err, rec.Len())
	}
	log.want(t, "the test's own", "one inside", "two inside")
}

func TestARecordedHookDoesNotRunAtTheCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	var rec *atomic.Recorder
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(log.commits("before the recorder"))
		return atomic.Do(ctx, f.DB, func(_ context.Context, inner *atomic.Tx) error {
			rec = atomic.Record(inner, nil)
			inner.OnCommit(log.commits("recorded"))
			tx.OnCommit(log.commits("of the block around it"))
			return nil
		}, nil)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	log.want(t, "before the recorder", "of the block around it")
	if rec.Len() != 1 {
		t.Errorf("%d hooks, want 1", rec.Len())
	}
}

func TestTheInnermostRecorderKeepsAHook(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	undone(t, f, func(ctx context.Context, tx *atomic.Tx, outer *atomic.Recorder) {
		if atomic.Record(tx, nil) != outer {
			t.Error("a second Record of one block made another recorder")
		}
		var inner *atomic.Recorder
		_ = atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			inner = atomic.Record(tx, nil)
			_ = atomic.Do(ctx, f.DB, within(&log, "inner", nil), nil)
			return errRefused
		}, nil)
		if diff := cmp.Diff([]int{1}, depths(inner)); diff != "" || outer.Len() != 0 {
			t.Errorf("outer has %d; depths of inner (-want +got):\n%s", outer.Len(), diff)
		}
	})
}

func TestARunsHooksAreRunToo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	undone(t, f, func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder) {
		tx.OnCommit(func(ctx context.Context) error {
			return atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnCommit(log.commits("registered by a hook"))
				return add(ctx, tx, "gone")
			}, nil)
		})
		tx.OnCommit(func(context.Context) error { return errors.New("mail is down") })
		tx.OnCommit(log.commits("last"))
		err := rec.Run(ctx)
		var hook *atomic.HookError
		if !errors.As(err, &hook) || len(hook.Errs) != 1 || hook.Errs[0].Error() != "mail is down" {
			t.Errorf("Run = %v, want a HookError of the second hook", err)
		}
	})
	log.want(t, "last", "registered by a hook")
	f.wantWords()
}

func TestNothingOfABrokenBlockWouldRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var log eventLog
	undone(t, f, func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder) {
		tx.OnCommit(log.commits("doomed"))
		join := &atomic.Options{Nesting: atomic.Join}
		if err := atomic.Do(ctx, f.DB, within(&log, "doomed too", errRefused), join); !errors.Is(err, errRefused) {
			t.Errorf("Do = %v", err)
		}
		if hooks := rec.Hooks(); len(hooks) != 0 {
			t.Errorf("hooks of a broken block: %v", hooks)
		}
		if err := rec.Run(ctx); !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, errRefused) {
			t.Errorf("Run = %v, want ErrBroken and its cause", err)
		}
	})
	log.want(t)
}

func TestARunThatBreaksTheBlockSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	undone(t, f, func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder) {
		tx.OnCommit(func(ctx context.Context) error {
			_ = atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
				return errRefused
			}, &atomic.Options{Nesting: atomic.Join})
			return nil
		})
		var hook *atomic.HookError
		if err := rec.Run(ctx); !errors.As(err, &hook) || len(hook.Errs) != 1 || !errors.Is(hook.Errs[0], atomic.ErrBroken) {
			t.Errorf("Run = %v, want a HookError with ErrBroken", err)
		}
	})
}

func TestAHookHasItsFunctionsName(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	undone(t, f, func(_ context.Context, tx *atomic.Tx, rec *atomic.Recorder) {
		tx.OnCommit(sendReceipt)
		hooks := rec.Hooks()
		if len(hooks) != 1 || !strings.HasSuffix(hooks[0].Name, ".sendReceipt") || hooks[0].Func == nil {
			t.Errorf("hooks = %v, want sendReceipt", hooks)
		}
	})
}

func sendReceipt(context.Context) error { return nil }

func TestRecordOfAnEndedBlockPanics(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var kept *atomic.Tx
	undone(t, f, func(_ context.Context, tx *atomic.Tx, _ *atomic.Recorder) { kept = tx })
	defer func() {
		if recover() == nil {
			t.Error("Record of an ended block did not panic")
		}
	}()
	atomic.Record(kept, nil)
}

func TestAnAdoptedDatabaseTransactionIsRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	for name, end := range map[string]func(*testing.T, *atomic.Adopted){
		"committed": func(t *testing.T, a *atomic.Adopted) {
			if err := errors.Join(a.Ready(t.Context()), a.Committed(t.Context())); err != nil {
				t.Error(err)
			}
		},
		"rolled back": func(_ *testing.T, a *atomic.Adopted) { a.RolledBack() },
	} {
		var log eventLog
		theirs, err := f.pool.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := atomic.Adopt(t.Context(), theirs, sqlite.Dialect{}, &atomic.AdoptOptions{DB: f.DB})
		if err != nil {
			t.Fatal(err)
		}
		rec := atomic.Record(a.Tx(), nil)
		if err := atomic.Do(a.Context(t.Context()), f.DB, within(&log, "recorded", nil), nil); err != nil {
			t.Error(err)
		}
		end(t, a)
		log.want(t)
		if rec.Len() != 1 {
			t.Errorf("%s: %d hooks, want 1", name, rec.Len())
		}
		if err := theirs.Rollback(); err != nil {
			t.Error(err)
		}
	}
}
