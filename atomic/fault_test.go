package atomic_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

const (
	codeIOErr      = 10
	codeIOErrFsync = 1034
	codeFull       = 13
	codeError      = 1
)

// wantClosed checks how many connections were closed rather than kept.
func (f *fixture) wantClosed(want int) {
	f.t.Helper()
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	if f.faults.closed != want {
		f.t.Errorf("%d connections were closed, want %d", f.faults.closed, want)
	}
}

func TestACommitWithoutATrustworthyAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before error
		after  error
		words  []string
	}{
		{"an I/O error before the write", sqliteError(codeIOErr), nil, nil},
		{"an I/O error after the write", nil, sqliteError(codeIOErrFsync), []string{"word"}},
		{"a full disk", nil, sqliteError(codeFull), []string{"word"}},
		{"an error that is not the engine's", nil, errors.New("broken pipe"), []string{"word"}},
		{"a lost connection", nil, driver.ErrBadConn, []string{"word"}},
		{"the deadline of COMMIT itself", nil, context.DeadlineExceeded, []string{"word"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, pragmasUsual)
			f.faults.set(on("COMMIT", tt.before), on("COMMIT", tt.after))
			runs, hooks := 0, 0
			err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
				runs++
				tx.OnCommit(func(context.Context) error { hooks++; return nil })
				tx.OnRollback(func() { hooks++ })
				return add(ctx, tx, "word")
			}, nil)
			if !errors.Is(err, atomic.ErrOutcomeUnknown) {
				t.Errorf("Do = %v, want ErrOutcomeUnknown", err)
			}
			if !errors.Is(err, tt.before) && !errors.Is(err, tt.after) {
				t.Errorf("Do = %v does not match the injected error", err)
			}
			if runs != 1 || hooks != 0 {
				t.Errorf("fn ran %d times and %d hooks ran, want 1 and 0", runs, hooks)
			}
			f.faults.set(nil, nil)
			f.wantClosed(1)
			f.wantWords(tt.words...)
			f.wantIdle()
		})
	}
}

func TestWhatMayHaveHappenedElsewhereIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault error
		hook  error
	}{
		{"an unknown outcome", driver.ErrBadConn, nil},
		{"a hook that failed after the commit", nil, errors.New("hook")},
	}
	for _, tt := range tests {
		f, other := newFixture(t, pragmasUsual), newFixture(t, pragmasUsual)
		other.faults.set(nil, on("COMMIT", tt.fault))
		runs := 0
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, _ *atomic.Tx) error {
			runs++
			err := atomic.Do(ctx, other.DB, func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnCommit(func(context.Context) error { return tt.hook })
				return add(ctx, tx, "once")
			}, nil)
			// Even beside a conflict, which alone would be retried.
			return errors.Join(err, sqliteError(5))
		}, nil)
		var hook *atomic.HookError
		if !errors.Is(err, atomic.ErrOutcomeUnknown) && !errors.As(err, &hook) || runs != 1 {
			t.Errorf("%s: Do = %v after %d runs, want 1", tt.name, err, runs)
		}
		other.faults.set(nil, nil)
		other.wantWords("once")
	}
}

func TestACommitThatDidNotHappenIsNotUnknown(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{context.DeadlineExceeded, sqliteError(codeError)} {
		f := newFixture(t, pragmasUsual)
		f.faults.set(on("COMMIT", fault), nil)
		undone := 0
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnRollback(func() { undone++ })
			return add(ctx, tx, "gone")
		}, nil)
		if !errors.Is(err, fault) || errors.Is(err, atomic.ErrOutcomeUnknown) {
			t.Errorf("Do = %v, want %v and a known outcome, as the database transaction is still open", err, fault)
		}
		if undone != 1 {
			t.Errorf("OnRollback ran %d times", undone)
		}
		f.faults.set(nil, nil)
		f.wantClosed(0)
		f.wantWords()
		f.wantIdle()
	}
}

func TestADeferredConstraintFailsAtCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.exec(`CREATE TABLE uses (word TEXT NOT NULL REFERENCES words DEFERRABLE INITIALLY DEFERRED) STRICT`)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO uses VALUES ('absent')`)
		return errors.Join(err, add(ctx, tx, "gone"))
	}, nil)
	var code interface{ Code() int }
	if !errors.As(err, &code) || code.Code() != 787 || errors.Is(err, atomic.ErrOutcomeUnknown) {
		t.Errorf("Do = %v, want the violated foreign key (787) and a known outcome", err)
	}
	f.wantWords()
	f.wantIdle()
}

func TestAFailedRollbackDoesNotHideTheErrorAndClosesTheConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	broken := errors.New("rollback is broken")
	f.faults.set(on("ROLLBACK", broken), nil)
	err := atomic.Do(t.Context(), f.DB, failing("gone"), nil)
	if !errors.Is(err, errRefused) || !errors.Is(err, broken) {
		t.Errorf("Do = %v, want the error of fn and that of the rollback", err)
	}
	f.faults.set(nil, nil)
	f.wantClosed(1)
	f.wantWords()
	f.wantIdle()
}

func TestAFailedRollbackToASavepointBreaksEverything(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	broken := errors.New("rollback to is broken")
	f.faults.set(on("ROLLBACK TO SAVEPOINT atomic_1", broken), nil)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.Do(ctx, f.DB, failing("gone"), nil); !errors.Is(err, errRefused) || !errors.Is(err, broken) {
			t.Errorf("the inner Do = %v, want both errors", err)
		}
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, broken) {
		t.Errorf("Do = %v, want ErrBroken because of the rollback", err)
	}
	f.wantWords()
	f.wantIdle()
}

func TestAFailedReleaseUndoesTheInnerBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	once := true
	f.faults.set(func(query string) error {
		if query == "RELEASE SAVEPOINT atomic_1" && once {
			once = false
			return sqliteError(codeError)
		}
		return nil
	}, nil)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.Do(ctx, f.DB, adding("gone"), nil); !errors.Is(err, sqliteError(codeError)) {
			t.Errorf("the inner Do = %v, want the failed release", err)
		}
		return add(ctx, tx, "kept")
	}, nil)
	if err != nil {
		t.Errorf("Do: %v", err)
	}
	f.wantWords("kept")
}

func TestAStorageErrorBreaksTheRest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := add(ctx, tx, "gone"); err != nil {
			return err
		}
		f.faults.set(on(`SELECT 1`, sqliteError(codeIOErr)), nil)
		_, _ = tx.ExecContext(ctx, `SELECT 1`)
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, sqliteError(codeIOErr)) {
		t.Errorf("Do = %v, want ErrBroken because of the I/O error", err)
	}
	f.wantWords()
	f.wantIdle()
}

func TestARollbackSeenOnlyByTheReaderOfRowsIsNoticed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.exec(`INSERT INTO words VALUES ('old'), ('older')`)
	for _, swallow := range []func(context.Context, *atomic.Tx) error{
		func(ctx context.Context, tx *atomic.Tx) error { return add(ctx, tx, "stray") },
		func(ctx context.Context, _ *atomic.Tx) error {
			return atomic.Do(ctx, f.DB, adding("stray"), nil)
		},
	} {
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			if err := add(ctx, tx, "gone"); err != nil {
				return err
			}
			rows, err := tx.QueryContext(ctx, `SELECT word FROM words`)
			if err != nil {
				return err
			}
			if !rows.Next() {
				t.Errorf("no rows: %v", rows.Err())
			}
			if err := add(ctx, tx, "gone too"); err != nil {
				t.Errorf("a statement inside open rows: %v", err)
			}
			// What SQLite does by itself on an I/O error under Next.
			if err := rollBackBehind(f, rows.Close); err != nil {
				return err
			}
			return swallow(ctx, tx)
		}, nil)
		if !errors.Is(err, atomic.ErrBroken) {
			t.Errorf("Do = %v, want ErrBroken", err)
		}
		f.wantWords("old", "older")
		f.wantIdle()
	}
}

// rollBackBehind ends the database transaction without the Tx seeing a statement: by the driver's connection, when
// the rows are closed.
func rollBackBehind(f *fixture, closeRows func() error) error {
	f.faults.mu.Lock()
	f.faults.onClose = func(c *faultyConn) error {
		_, err := c.moderncConn.ExecContext(context.Background(), "ROLLBACK", nil)
		return err
	}
	f.faults.mu.Unlock()
	return closeRows()
}

func TestAConnectionLostBeforeCommitIsReplaced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, statement string
		runs            int
	}{
		{"at BEGIN", "BEGIN IMMEDIATE", 1},
		{"at a statement", "INSERT INTO words VALUES (?)", 2},
	}
	for _, tt := range tests {
		f := newFixture(t, pragmasUsual)
		lost := false
		f.faults.set(func(query string) error {
			if query == tt.statement && !lost {
				lost = true
				return driver.ErrBadConn
			}
			return nil
		}, nil)
		runs := 0
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			runs++
			return add(ctx, tx, "kept")
		}, nil)
		if err != nil || runs != tt.runs {
			t.Errorf("%s: Do = %v after %d runs, want success after %d", tt.name, err, runs, tt.runs)
		}
		f.wantRetried(" bad_conn 1")
		f.wantClosed(1)
		f.wantWords("kept")
		f.wantIdle()
	}
}

func TestABeginReportedAsCutShortLeavesNoTransactionBehind(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.pool.SetMaxOpenConns(1)
	f.faults.set(nil, on("BEGIN IMMEDIATE", context.Canceled))
	if err := atomic.Do(t.Context(), f.DB, nothing, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want context.Canceled", err)
	}
	f.faults.set(nil, nil)
	f.wantClosed(0)
	f.wantIdle()
}

func TestAReadOnlyConnectionThatCannotBeRestoredIsClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	f.faults.set(on("PRAGMA query_only = 0", sqliteError(codeIOErr)), nil)
	if err := atomic.Do(t.Context(), f.DB, nothing, &atomic.Options{ReadOnly: true}); err != nil {
		t.Errorf("Do: %v", err)
	}
	f.wantClosed(1)
	f.wantIdle()
}
