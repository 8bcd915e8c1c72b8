package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// TestWritersOfOneHandleTakeTurns begins a second writer while the first is open. Without a turn it would meet BUSY at
// once, since the file has no busy timeout.
func TestWritersOfOneHandleTakeTurns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	second := make(chan error, 1)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		go func() {
			second <- atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				return add(ctx, tx, "second")
			}, nil)
		}()
		select {
		case err := <-second:
			t.Errorf("the second writer did not wait: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		return add(ctx, tx, "first")
	}, nil)
	if err := errors.Join(err, <-second); err != nil {
		t.Fatal(err)
	}
	f.wantWords("first", "second")
	f.wantRetried()
	f.wantIdle()
}

func TestReadersDoNotWaitForTheWritersTurn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	err := atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error {
		return atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			var n int
			return tx.QueryRowContext(ctx, `SELECT count(*) FROM words`).Scan(&n)
		}, &atomic.Options{ReadOnly: true})
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.wantIdle()
}

// TestABlockThatWaitsForItselfEnds starts a writer inside a writer with a context that does not carry it.
func TestABlockThatWaitsForItselfEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	err := atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error {
		return atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error {
			t.Error("two writers at once")
			return nil
		}, &atomic.Options{Retry: atomic.Budget{Time: time.Millisecond}})
	}, nil)
	if !errors.Is(err, atomic.ErrBudget) {
		t.Errorf("got %v, want ErrBudget", err)
	}
	f.wantIdle()
	err = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		return add(ctx, tx, "after")
	}, nil)
	if err != nil {
		t.Errorf("the turn was lost: %v", err)
	}
}

func TestACallThatEndsWhileItWaitsIsNotBegun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	err := atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the caller has left")
		cancelled := make(chan error, 1)
		go func() {
			cancelled <- atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error { return nil }, nil)
		}()
		cancel(cause)
		if err := <-cancelled; !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Errorf("got %v, want the cancellation and its cause", err)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.wantIdle()
}

// TestWritersOfHandlesBesideEachOtherTakeTurns is the law of one handle for two, each over connections of its own.
func TestWritersOfHandlesBesideEachOtherTakeTurns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	pool, err := sql.Open("sqlite", f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	beside := atomic.Open(pool, f.dialect(), &atomic.OpenOptions{Beside: f.DB})
	second := make(chan error, 1)
	err = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "first"); err != nil {
			return err
		}
		go func() {
			second <- atomic.Do(t.Context(), beside, func(ctx context.Context, tx *atomic.Tx) error {
				return add(ctx, tx, "second")
			}, nil)
		}()
		err := atomic.Do(t.Context(), beside, func(context.Context, *atomic.Tx) error {
			t.Error("two writers at once")
			return nil
		}, &atomic.Options{Retry: atomic.Budget{Time: time.Millisecond}})
		if !errors.Is(err, atomic.ErrBudget) {
			t.Errorf("a writer beside an open one: %v, want ErrBudget", err)
		}
		return nil
	}, nil)
	if err := errors.Join(err, <-second); err != nil {
		t.Fatal(err)
	}
	f.wantWords("first", "second")
	f.wantRetried()
	f.wantIdle()
}
