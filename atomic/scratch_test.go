package atomic_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/atomic"
)

// notesKey finds the notes of a test.
type notesKey struct{ name string }

// notes are what the runs of a block tell each other.
type notes struct{ runs []int }

func note(tx *atomic.Tx, name string) *notes {
	kept, run := tx.AcrossRuns(notesKey{name}, func() any { return &notes{} })
	n := kept.(*notes)
	n.runs = append(n.runs, run)
	return n
}

func TestRunsOfOneBlockShareWhatIsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	var ours, theirs *notes
	work := func(ctx context.Context, tx *atomic.Tx) error {
		ours = note(tx, "ours")
		err := tx.Savepoint(ctx, func(_ context.Context, inner *atomic.Tx) error {
			if note(inner, "ours") != ours {
				t.Error("a nested block has notes of its own")
			}
			theirs = note(inner, "theirs")
			return errRefused // which takes nothing of it back
		})
		if err != errRefused {
			t.Errorf("Savepoint = %v", err)
		}
		if len(theirs.runs) < 3 {
			return sqliteError(517)
		}
		return nil
	}
	for range 2 { // of which the second begins anew
		if err := atomic.Do(t.Context(), f.DB, work, nil); err != nil {
			t.Fatal(err)
		}
		got := [][]int{ours.runs, theirs.runs}
		if diff := cmp.Diff([][]int{{1, 1, 2, 2, 3, 3}, {1, 2, 3}}, got); diff != "" {
			t.Errorf("the runs that took notes (-want +got):\n%s", diff)
		}
	}
}

// TestARehearsedBlockHasRunsOfItsOwn begins a block again inside a block that counts as outside of any.
func TestARehearsedBlockHasRunsOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		_ = atomic.Record(tx, &atomic.RecordOptions{Outside: true})
		outer := note(tx, "n")
		var inner *notes
		err := atomic.Do(ctx, f.DB, func(_ context.Context, tx *atomic.Tx) error {
			if inner = note(tx, "n"); len(inner.runs) == 1 {
				return sqliteError(517)
			}
			return nil
		}, nil)
		if diff := cmp.Diff([][]int{{1}, {1, 2}}, [][]int{outer.runs, inner.runs}); diff != "" {
			t.Errorf("the runs that took notes (-want +got):\n%s", diff)
		}
		return err
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}
