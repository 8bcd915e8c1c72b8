package atomic_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

func newKeyedFixture(t testing.TB) *fixture {
	f := newFixture(t, pragmasUsual)
	for range 2 { // The second time everything is there.
		if err := atomic.Setup(t.Context(), f.DB); err != nil {
			t.Fatalf("Setup: %v", err)
		}
	}
	return f
}

// keyedAdd adds a word under a key and returns how often it ran.
func (f *fixture) keyedAdd(
	key, word string, o *atomic.KeyedOptions,
) (result string, replayed bool, runs int, err error) {
	fn := func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
		runs++
		return []byte("added " + word), add(ctx, tx, word)
	}
	bytes, replayed, err := atomic.DoKeyed(f.t.Context(), f.DB, key, fn, o)
	return string(bytes), replayed, runs, err
}

func TestAKeyIsDoneOnce(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	digest := &atomic.KeyedOptions{Digest: []byte("of the request")}
	for i := range 3 {
		result, replayed, runs, err := f.keyedAdd("key", "once", digest)
		if err != nil || result != "added once" || replayed != (i > 0) || runs != 1-min(i, 1) {
			t.Errorf("call %d = %q, %v, %d runs, %v", i, result, replayed, runs, err)
		}
	}
	for _, o := range []*atomic.KeyedOptions{nil, {Digest: []byte("of another")}} {
		if _, _, runs, err := f.keyedAdd("key", "twice", o); !errors.Is(err, atomic.ErrKeyReused) || runs != 0 {
			t.Errorf("the key for another request: %d runs, %v, want ErrKeyReused", runs, err)
		}
	}
	f.wantWords("once")
	f.wantIdle()
}

func TestAFailureLeavesTheKeyFree(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	_, _, err := atomic.DoKeyed(t.Context(), f.DB, "key", func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
		return []byte("never"), failing("refused")(ctx, tx)
	}, nil)
	if !errors.Is(err, errRefused) {
		t.Errorf("DoKeyed = %v, want the function's error", err)
	}
	if _, replayed, _, err := f.keyedAdd("key", "second", nil); err != nil || replayed {
		t.Errorf("the second call: replayed %v, %v", replayed, err)
	}
	f.wantWords("second")
}

func TestANilResultIsReplayedAsNil(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	for i := range 2 {
		result, replayed, err := atomic.DoKeyed(t.Context(), f.DB, "key",
			func(ctx context.Context, tx *atomic.Tx) ([]byte, error) { return nil, add(ctx, tx, "once") }, nil)
		if err != nil || result != nil || replayed != (i == 1) {
			t.Errorf("call %d = %v, %v, %v", i, result, replayed, err)
		}
	}
}

func TestCallersWithOneKeyAgree(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	db := atomic.Open(f.pool, f.dialect(), nil)
	var wait sync.WaitGroup
	var mu sync.Mutex
	runs, fresh := 0, 0
	for range 8 {
		wait.Go(func() {
			_, replayed, err := atomic.DoKeyed(t.Context(), db, "key", func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
				mu.Lock()
				runs++
				mu.Unlock()
				return nil, add(ctx, tx, "once")
			}, &atomic.KeyedOptions{Options: atomic.Options{Retry: atomic.Budget{Time: time.Minute}}})
			mu.Lock()
			defer mu.Unlock()
			if !replayed {
				fresh++
			}
			if err != nil {
				t.Errorf("DoKeyed: %v", err)
			}
		})
	}
	wait.Wait()
	if runs != 1 || fresh != 1 {
		t.Errorf("fn ran %d times, %d callers saw a fresh result, want 1 and 1", runs, fresh)
	}
	f.wantWords("once")
}

// lossy makes the answers to some COMMITs get lost, before or after they took effect.
func (f *fixture) lossy(after bool, times int) {
	lose := func(query string) error {
		if query == "COMMIT" && times > 0 {
			times--
			return errAnswerLost
		}
		return nil
	}
	if after {
		f.faults.set(nil, lose)
		return
	}
	f.faults.set(lose, nil)
}

var errAnswerLost = sqliteError(10) // SQLITE_IOERR

func TestAnUnknownCommitIsResolved(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		after    bool
		times    int
		replayed bool
		runs     int
	}{
		{"it had happened", true, 1, true, 1},
		{"it had not happened", false, 1, false, 2},
		{"it had not happened three times", false, 3, false, 4},
		{"it had happened, and the answer to the replay is lost too", true, 3, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newKeyedFixture(t)
			f.lossy(tt.after, tt.times)
			result, replayed, runs, err := f.keyedAdd("key", "once", nil)
			if err != nil || result != "added once" || replayed != tt.replayed || runs != tt.runs {
				t.Errorf("DoKeyed = %q, %v, %d runs, %v, want replayed %v, %d runs",
					result, replayed, runs, err, tt.replayed, tt.runs)
			}
			f.faults.set(nil, nil)
			f.wantWords("once")
			f.wantIdle()
		})
	}
}

func TestAnUnknownCommitStaysUnknown(t *testing.T) {
	t.Parallel()
	errDown := errors.New("the database is down")
	tests := []struct {
		name  string
		fault func(f *fixture)
		cause error
	}{
		{"when no answer ever comes", func(f *fixture) { f.lossy(true, 1000) }, errAnswerLost},
		{"when nothing can be begun any more", func(f *fixture) {
			lost := false
			f.faults.set(func(query string) error {
				if lost && strings.HasPrefix(query, "BEGIN") {
					return errDown
				}
				return nil
			}, func(query string) error {
				if query == "COMMIT" && !lost {
					lost = true
					return errAnswerLost
				}
				return nil
			})
		}, errDown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newKeyedFixture(t)
			tt.fault(f)
			_, _, _, err := f.keyedAdd("key", "once", nil)
			if !errors.Is(err, atomic.ErrOutcomeUnknown) || !errors.Is(err, tt.cause) {
				t.Errorf("DoKeyed = %v, want ErrOutcomeUnknown because of %v", err, tt.cause)
			}
			f.faults.set(nil, nil)
			if _, replayed, _, err := f.keyedAdd("key", "once", nil); err != nil || !replayed {
				t.Errorf("asked again: replayed %v, %v", replayed, err)
			}
			f.wantWords("once")
		})
	}
}

func TestAnUnknownCommitThatFailsTheSecondTimeHasFailed(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	f.lossy(false, 1)
	runs := 0
	_, _, err := atomic.DoKeyed(t.Context(), f.DB, "key", func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
		if runs++; runs == 2 {
			return nil, errRefused
		}
		return nil, add(ctx, tx, "lost")
	}, nil)
	if !errors.Is(err, errRefused) || errors.Is(err, atomic.ErrOutcomeUnknown) {
		t.Errorf("DoKeyed = %v, want a known refusal: the key was free", err)
	}
	f.faults.set(nil, nil)
	f.wantWords()
}

func TestDoKeyedRefusesWhatItCannotPromise(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	for _, key := range []string{"", strings.Repeat("k", 256), "\xff", "a\x00b"} {
		if _, _, runs, err := f.keyedAdd(key, "never", nil); err == nil || runs != 0 {
			t.Errorf("key %q: %d runs, %v, want a refusal", key, runs, err)
		}
	}
	readOnly := &atomic.KeyedOptions{Options: atomic.Options{ReadOnly: true}}
	if _, _, _, err := f.keyedAdd("key", "never", readOnly); !errors.Is(err, atomic.ErrMode) {
		t.Errorf("read-only: %v, want ErrMode", err)
	}
	if _, _, _, err := f.keyedAdd("key", "never", &atomic.KeyedOptions{Digest: make([]byte, 65)}); err == nil {
		t.Error("a digest of 65 bytes was accepted")
	}
	nothing := func(context.Context, *atomic.Tx) ([]byte, error) { return nil, nil }
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
		_, _, err := atomic.DoKeyed(ctx, f.DB, "key", nothing, nil)
		if !errors.Is(err, atomic.ErrNested) {
			t.Errorf("inside a block: %v, want ErrNested", err)
		}
		if err := atomic.Setup(ctx, f.DB); !errors.Is(err, atomic.ErrNested) {
			t.Errorf("Setup inside a block: %v, want ErrNested", err)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords()
}

func TestSchemaIsWhatSetupRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.exec(atomic.Schema(f.dialect()))
	if _, _, _, err := f.keyedAdd("key", "once", nil); err != nil {
		t.Errorf("DoKeyed on the printed schema: %v", err)
	}
}
