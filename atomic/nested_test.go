package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// failing adds a word and fails.
func failing(word string) func(context.Context, *atomic.Tx) error {
	return func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, word); err != nil {
			return err
		}
		return errRefused
	}
}

func TestNestedBlocksCommitAndRollBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		nesting      atomic.Nesting
		inner        func(context.Context, *atomic.Tx) error
		swallow      bool
		outer        error
		want         error
		words        []string
		innerRefused error
	}{
		{name: "both succeed", inner: adding("inner"), words: []string{"inner", "outer"}},
		{name: "the inner fails alone", inner: failing("inner"), swallow: true,
			words: []string{"outer"}, innerRefused: errRefused},
		{name: "the inner fails and takes the outer along", inner: failing("inner"),
			want: errRefused, innerRefused: errRefused},
		{name: "the outer fails and takes the inner along", inner: adding("inner"), outer: errRefused, want: errRefused},
		{name: "joined, both succeed", nesting: atomic.Join, inner: adding("inner"), words: []string{"inner", "outer"}},
		{name: "joined, the inner fails and is swallowed", nesting: atomic.Join, inner: failing("inner"), swallow: true,
			want: atomic.ErrBroken, innerRefused: errRefused},
		{name: "outermost inside", nesting: atomic.Outermost, inner: adding("inner"), swallow: true,
			words: []string{"outer"}, innerRefused: atomic.ErrNested},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, pragmasUsual)
			err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				if err := add(ctx, tx, "outer"); err != nil {
					return err
				}
				err := atomic.Do(ctx, f.DB, tt.inner, &atomic.Options{Nesting: tt.nesting})
				if !errors.Is(err, tt.innerRefused) {
					t.Errorf("the inner Do = %v, want %v", err, tt.innerRefused)
				}
				if err != nil && !tt.swallow {
					return err
				}
				return tt.outer
			}, nil)
			if !errors.Is(err, tt.want) {
				t.Errorf("Do = %v, want %v", err, tt.want)
			}
			f.wantWords(tt.words...)
			f.wantIdle()
		})
	}
}

func TestOutermostRunsOutside(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	if err := atomic.Do(t.Context(), f.DB, adding("kept"), &atomic.Options{Nesting: atomic.Outermost}); err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("kept")
}

func TestAJoinedFailureIsHealedByTheSavepointAroundIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "outer"); err != nil {
			return err
		}
		err := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			_ = atomic.Do(ctx, f.DB, failing("joined"), &atomic.Options{Nesting: atomic.Join})
			return nil
		}, nil)
		if !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, errRefused) {
			t.Errorf("the savepoint = %v, want ErrBroken because of the joined block", err)
		}
		return add(ctx, tx, "after")
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("after", "outer")
}

func TestBlocksNestDeeply(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var nest func(ctx context.Context, depth int) error
	nest = func(ctx context.Context, depth int) error {
		if depth == 0 {
			return nil
		}
		return atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			if err := add(ctx, tx, string(rune('a'+depth))); err != nil {
				return err
			}
			err := nest(ctx, depth-1)
			if depth == 3 {
				return errRefused // Undoes itself and the two inside it.
			}
			if depth == 4 && errors.Is(err, errRefused) {
				return nil
			}
			return err
		}, nil)
	}
	if err := nest(t.Context(), 6); err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("e", "f", "g")
}

func TestARollbackInsideASavepointIsNoticed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.exec(`INSERT INTO words VALUES ('old')`)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		_ = atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT OR ROLLBACK INTO words VALUES ('old')`)
			return err
		}, nil)
		if err := atomic.Do(ctx, f.DB, nothing, nil); !errors.Is(err, atomic.ErrBroken) {
			t.Errorf("the next inner block = %v, want ErrBroken", err)
		}
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) {
		t.Errorf("Do = %v, want ErrBroken", err)
	}
	f.wantWords("old")
	f.wantIdle()
}

func TestTheOuterTxWorksInsideTheInnerBlockAndBelongsToIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		_ = atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
			if err := add(ctx, tx, "inner"); err != nil {
				t.Errorf("add through the outer Tx: %v", err)
			}
			// The outer context names the outer block, yet the new block stands inside the innermost.
			if err := atomic.Do(ctx, f.DB, adding("innermost"), nil); err != nil {
				t.Errorf("Do with the outer context: %v", err)
			}
			return errRefused
		}, nil)
		return add(ctx, tx, "outer")
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("outer")
}

func TestANestedBlockCannotChangeTheMode(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	tests := []struct {
		outer, inner atomic.Options
		want         error
	}{
		{atomic.Options{}, atomic.Options{ReadOnly: true}, atomic.ErrMode},
		{atomic.Options{}, atomic.Options{Isolation: sql.LevelSerializable}, atomic.ErrMode},
		{atomic.Options{ReadOnly: true}, atomic.Options{ReadOnly: true}, nil},
		{atomic.Options{ReadOnly: true}, atomic.Options{}, nil},
		{atomic.Options{Isolation: sql.LevelSerializable}, atomic.Options{Isolation: sql.LevelSerializable}, nil},
	}
	for _, tt := range tests {
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
			return atomic.Do(ctx, f.DB, nothing, &tt.inner)
		}, &tt.outer)
		if !errors.Is(err, tt.want) {
			t.Errorf("%+v in %+v = %v, want %v", tt.inner, tt.outer, err, tt.want)
		}
	}
}

func TestBlocksThatCrossInTwoGoroutinesAreBroken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	opened, release, done := make(chan struct{}), make(chan struct{}), make(chan error)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
		first := atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
			go func() {
				done <- atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
					close(opened)
					<-release
					return nil
				}, nil)
			}()
			<-opened
			return nil
		}, nil)
		if !errors.Is(first, atomic.ErrConcurrent) {
			t.Errorf("the block that ended first = %v, want ErrConcurrent", first)
		}
		close(release)
		if second := <-done; second == nil {
			t.Error("the block that ended last succeeded")
		}
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, atomic.ErrConcurrent) {
		t.Errorf("Do = %v, want ErrBroken because of ErrConcurrent", err)
	}
	f.wantIdle()
}
