package atomic_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

func execOn(t *testing.T, conn *sql.Conn, query string) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), query); err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

func TestBusyIsRetriedUntilTheOtherWriterIsDone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasNoWait)
	writer := f.other()
	execOn(t, writer, `BEGIN IMMEDIATE`)
	execOn(t, writer, `INSERT INTO words VALUES ('theirs')`)
	waits := 0
	f.clock.onSleep = func() {
		if waits++; waits == 2 {
			execOn(t, writer, `COMMIT`)
		}
	}
	runs := 0
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		runs++
		return add(ctx, tx, "ours")
	}, &atomic.Options{Name: "post"})
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	if runs != 1 {
		t.Errorf("fn ran %d times, want once, because BEGIN met the conflict", runs)
	}
	f.wantWords("ours", "theirs")
	f.wantRetried("post SQLITE_BUSY 1", "post SQLITE_BUSY 2")
	f.wantIdle()
}

// deferred begins writers without taking the write lock, as an application's own transactions may.
type deferred struct{ sqlite.Dialect }

func (deferred) Begin(ctx context.Context, conn *sql.Conn, _ atomic.Mode) (string, error) {
	_, err := conn.ExecContext(ctx, "BEGIN")
	return "", err
}

func TestAStaleSnapshotIsRedoneFromTheFirstRead(t *testing.T) {
	t.Parallel()
	f := newFixtureOf(t, pragmasNoWait, deferred{})
	writer := f.other()
	var counts []int
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		var count int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM words`).Scan(&count); err != nil {
			return err
		}
		if counts = append(counts, count); len(counts) == 1 {
			execOn(t, writer, `INSERT INTO words VALUES ('theirs')`)
		}
		if err := add(ctx, tx, "ours"); err != nil {
			if again := add(ctx, tx, "never"); !errors.Is(again, atomic.ErrBroken) {
				t.Errorf("a statement on the stale snapshot = %v, want ErrBroken", again)
			}
			return fmt.Errorf("add: %w", err)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	if diff := cmp.Diff([]int{0, 1}, counts); diff != "" {
		t.Errorf("words seen by each run (-want +got):\n%s", diff)
	}
	f.wantRetried(" SQLITE_BUSY_SNAPSHOT 1")
	f.wantWords("ours", "theirs")
}

func TestASwallowedConflictIsRedoneToo(t *testing.T) {
	t.Parallel()
	f := newFixtureOf(t, pragmasNoWait, deferred{})
	writer := f.other()
	runs := 0
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		runs++
		var count int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM words`).Scan(&count); err != nil {
			return err
		}
		if runs == 1 {
			execOn(t, writer, `INSERT INTO words VALUES ('theirs')`)
		}
		_ = add(ctx, tx, "ours")
		return nil
	}, nil)
	if err != nil || runs != 2 {
		t.Errorf("Do = %v after %d runs, want success after 2", err, runs)
	}
	f.wantWords("ours", "theirs")
}

func TestOnlyTheOutermostBlockIsRetried(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	outer, inner := 0, 0
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
		outer++
		err := atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
			if inner++; inner == 1 {
				return sqliteError(517)
			}
			return nil
		}, nil)
		if outer == 1 && err != sqliteError(517) {
			t.Errorf("the inner Do = %v, want the conflict itself", err)
		}
		return err
	}, nil)
	if err != nil || outer != 2 || inner != 2 {
		t.Errorf("Do = %v, outer ran %d times and inner %d, want both twice", err, outer, inner)
	}
}

func TestTheBudgetBoundsAttempts(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{1, 3, 0} {
		f := newFixture(t, pragmasUsual)
		runs := 0
		err := atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error {
			runs++
			return sqliteError(5)
		}, &atomic.Options{Name: "post", Retry: atomic.Budget{Attempts: attempts}})
		if !errors.Is(err, atomic.ErrBudget) || !errors.Is(err, sqliteError(5)) {
			t.Errorf("Do = %v, want ErrBudget and the last conflict", err)
		}
		want := attempts
		if want == 0 {
			want = 20
		}
		if runs != want {
			t.Errorf("with Attempts %d fn ran %d times, want %d", attempts, runs, want)
		}
	}
}

func TestTheBudgetBoundsTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	runs := 0
	err := atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error {
		runs++
		f.clock.Advance(400 * time.Millisecond)
		return sqliteError(5)
	}, &atomic.Options{Retry: atomic.Budget{Time: time.Second}})
	if !errors.Is(err, atomic.ErrBudget) || runs != 3 {
		t.Errorf("Do = %v after %d runs, want ErrBudget after 3", err, runs)
	}
}

func TestTheDelayDoublesUpToABound(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual) // Its random source always gives the most.
	_ = atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error { return sqliteError(5) }, nil)
	ms := time.Millisecond
	want := []time.Duration{2 * ms, 4 * ms, 8 * ms, 16 * ms, 32 * ms, 64 * ms, 128 * ms}
	want = append(want, slices.Repeat([]time.Duration{200 * ms}, 12)...)
	if diff := cmp.Diff(want, f.clock.slept); diff != "" {
		t.Errorf("delays (-want +got):\n%s", diff)
	}
}

func TestABudgetSpentInsideIsNotMultiplied(t *testing.T) {
	t.Parallel()
	f, other := newFixture(t, pragmasUsual), newFixture(t, pragmasUsual)
	outer, inner := 0, 0
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
		outer++
		return atomic.Do(ctx, other.DB, func(context.Context, *atomic.Tx) error {
			inner++
			return sqliteError(5)
		}, &atomic.Options{Retry: atomic.Budget{Attempts: 2}})
	}, nil)
	if !errors.Is(err, atomic.ErrBudget) || outer != 1 || inner != 2 {
		t.Errorf("Do = %v, outer ran %d times, inner %d, want 1 and 2", err, outer, inner)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	ctx, cancel := context.WithCancelCause(t.Context())
	f.clock.onSleep = func() { cancel(errRefused) }
	runs := 0
	err := atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
		runs++
		return sqliteError(5)
	}, nil)
	for _, want := range []error{context.Canceled, errRefused, sqliteError(5)} {
		if !errors.Is(err, want) {
			t.Errorf("Do = %v, want it to match %v", err, want)
		}
	}
	if runs != 1 {
		t.Errorf("fn ran %d times, want once", runs)
	}
}

// Without a write-ahead log, readers keep COMMIT from taking its lock, and the database transaction stays open.
const pragmasRollbackJournal = "?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=busy_timeout(0)"

func TestABusyCommitIsTriedAgainWithoutRunningFnAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasRollbackJournal)
	reader := f.other()
	execOn(t, reader, `BEGIN`)
	execOn(t, reader, `SELECT count(*) FROM words`)
	f.clock.onSleep = func() { execOn(t, reader, `COMMIT`) }
	runs := 0
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		runs++
		return add(ctx, tx, "kept")
	}, nil)
	if err != nil || runs != 1 {
		t.Errorf("Do = %v after %d runs, want success after 1", err, runs)
	}
	f.wantRetried(" SQLITE_BUSY 1")
	f.wantWords("kept")
}

func TestACommitBusyBeyondTheBudgetRollsBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasRollbackJournal)
	reader := f.other()
	execOn(t, reader, `BEGIN`)
	execOn(t, reader, `SELECT count(*) FROM words`)
	err := atomic.Do(t.Context(), f.DB, adding("gone"), &atomic.Options{Retry: atomic.Budget{Attempts: 4}})
	if !errors.Is(err, atomic.ErrBudget) || errors.Is(err, atomic.ErrOutcomeUnknown) {
		t.Errorf("Do = %v, want ErrBudget and a known outcome", err)
	}
	execOn(t, reader, `COMMIT`)
	f.wantWords()
	f.wantIdle()
}

func TestACommitBusyIsGivenUpWithTheContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasRollbackJournal)
	reader := f.other()
	execOn(t, reader, `BEGIN`)
	execOn(t, reader, `SELECT count(*) FROM words`)
	ctx, cancel := context.WithCancel(t.Context())
	f.clock.onSleep = cancel
	err := atomic.Do(ctx, f.DB, adding("gone"), nil)
	if !errors.Is(err, context.Canceled) || errors.Is(err, atomic.ErrOutcomeUnknown) {
		t.Errorf("Do = %v, want context.Canceled and a known outcome", err)
	}
	if len(f.clock.slept) != 1 {
		t.Errorf("waited %d times, want once", len(f.clock.slept))
	}
	execOn(t, reader, `COMMIT`)
	f.wantWords()
	f.wantIdle()
}

func TestCancelledWhileWaitingForTheWriteLock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.pool.SetMaxOpenConns(1)
	writer := f.other()
	execOn(t, writer, `BEGIN IMMEDIATE`)
	ctx, cancel := context.WithCancel(t.Context())
	f.faults.set(func(query string) error {
		if query == "BEGIN IMMEDIATE" {
			cancel()
		}
		return nil
	}, nil)
	err := atomic.Do(ctx, f.DB, adding("gone"), nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want context.Canceled", err)
	}
	execOn(t, writer, `ROLLBACK`)
	f.wantWords()
	f.wantIdle()
}

// beginning fails each BEGIN with the error that its function gives, until that is nil.
type beginning struct {
	sqlite.Dialect
	fail func() error
}

func (b beginning) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (string, error) {
	if err := b.fail(); err != nil {
		return "", err
	}
	return b.Dialect.Begin(ctx, conn, m)
}

func (b beginning) Classify(err error) atomic.Class {
	if errors.Is(err, errTooLate) {
		return atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageAll, Code: "too late"}
	}
	return b.Dialect.Classify(err)
}

var errTooLate = errors.New("another was faster")

func TestABudgetForConflictsIsNotSpentOnADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		budget   atomic.Budget
		attempts int // 10 conflicts come first
		code     string
	}{
		"a bound of its own":   {atomic.Budget{Attempts: 100, Lost: 3}, 13, "unavailable"},
		"none means the other": {atomic.Budget{Attempts: 30}, 30, "unavailable"},
		"the smaller counts":   {atomic.Budget{Attempts: 5, Lost: 20}, 5, "conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempts := 0
			f := newFixtureOf(t, pragmasNoWait, beginning{fail: func() error {
				if attempts++; attempts <= 10 {
					return errTooLate
				}
				return driver.ErrBadConn
			}})
			err := atomic.Do(t.Context(), f.DB, func(context.Context, *atomic.Tx) error { return nil },
				&atomic.Options{Retry: test.budget})
			var coded interface{ ErrorCode() string }
			if !errors.Is(err, atomic.ErrBudget) || !errors.As(err, &coded) || coded.ErrorCode() != test.code {
				t.Errorf("Do: %v, want the budget to be spent with code %s", err, test.code)
			}
			if attempts != test.attempts {
				t.Errorf("%d attempts, want %d", attempts, test.attempts)
			}
		})
	}
}

// A context may end while an attempt waits for an answer. Then the attempt before it says what is wrong.
func TestAnAttemptThatIsCutShortTellsOfTheOneBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	attempts := 0
	f := newFixtureOf(t, pragmasNoWait, beginning{fail: func() error {
		if attempts++; attempts == 2 {
			cancel()
			return ctx.Err()
		}
		return errTooLate
	}})
	err := atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error { return nil }, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errTooLate) || errors.Is(err, atomic.ErrBudget) {
		t.Errorf("Do: %v, want the cancellation and the conflict", err)
	}
	if attempts != 2 {
		t.Errorf("%d attempts, want 2", attempts)
	}
}
