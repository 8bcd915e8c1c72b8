package atomic_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/internal/native"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// session is a block on its driver's side.
func session(t *testing.T, tx *atomic.Tx) native.Session[*atomic.Tx] {
	t.Helper()
	s, err := tx.Native(native.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A cursor is what a statement has left open.
type cursor struct {
	closed int
	err    error
}

// Open implements native.Cursor.
func (c *cursor) Open() bool { return c.closed == 0 }

// Err implements native.Cursor.
func (c *cursor) Err() error { return c.err }

// Close implements native.Cursor.
func (c *cursor) Close() error {
	c.closed++
	return c.err
}

func (c *cursor) run() (native.Cursor, error) { return c, nil }

func TestACursorIsClosedWithItsBlock(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var inner, outer cursor
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		err := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			return errors.Join(session(t, tx).Run(ctx, inner.run), errRefused)
		}, nil)
		if !errors.Is(err, errRefused) || inner.closed != 1 {
			t.Errorf("the inner block = %v, closed %d times", err, inner.closed)
		}
		return errors.Join(session(t, tx).Run(ctx, outer.run), add(ctx, tx, "kept"))
	}, nil)
	if err != nil || outer.closed == 0 {
		t.Errorf("Do = %v, closed %d times", err, outer.closed)
	}
	f.wantWords("kept")
	f.wantIdle()
}

func TestTheErrorOfACursorBreaksItsBlockAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		err := tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
			ended := &cursor{err: context.Canceled, closed: 1}
			s := session(t, tx)
			err := s.Run(ctx, ended.run)
			s.Settle(ctx)
			if late := add(ctx, tx, "gone"); !errors.Is(late, atomic.ErrBroken) || !errors.Is(late, context.Canceled) {
				t.Errorf("after the cursor's error: %v", late)
			}
			return err
		})
		if !errors.Is(err, atomic.ErrBroken) {
			t.Errorf("the savepoint = %v", err)
		}
		return add(ctx, tx, "kept")
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.wantWords("kept")
	f.wantIdle()
}

func TestAPanicInsideRunTravelsOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	func() {
		defer func() {
			if p := recover(); p != "in run" {
				t.Errorf("recovered %v", p)
			}
		}()
		_ = atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			return session(t, tx).Run(ctx, func() (native.Cursor, error) { panic("in run") })
		}, nil)
	}()
	f.wantWords()
	f.wantIdle()
}

func TestAStatementPastDoThatMayHaveCommittedIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnRollback(func() { t.Error("a hook says that it is undone") })
		s := session(t, tx)
		_ = s.Run(ctx, func() (native.Cursor, error) {
			_, err := s.Conn().(driver.ExecerContext).ExecContext(ctx, `COMMIT`, nil)
			return nil, errors.Join(err, native.ErrPast, atomic.ErrOutcomeUnknown)
		})
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrOutcomeUnknown) {
		t.Errorf("Do = %v, want ErrOutcomeUnknown", err)
	}
	f.wantIdle()
}

func TestAnotherDatabasesUnknownOutcomeIsNotItsOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	undone := false
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnRollback(func() { undone = true })
		_ = atomic.Do(ctx, f.DB, func(context.Context, *atomic.Tx) error {
			return errors.Join(native.ErrPast, atomic.ErrOutcomeUnknown) // of a block elsewhere
		}, &atomic.Options{Nesting: atomic.Join})
		return nil
	}, nil)
	if !errors.Is(err, atomic.ErrBroken) || !undone {
		t.Errorf("Do = %v, hooks after the rollback: %t", err, undone)
	}
	f.wantIdle()
}

func TestOnlyASavepointOfItsOwnIsEndedByACall(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var kept native.Session[*atomic.Tx]
	var block *atomic.Tx
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		kept, block = session(t, tx), tx
		for _, end := range []error{kept.Commit(ctx), kept.Rollback(ctx)} {
			if !errors.Is(end, atomic.ErrControl) {
				t.Errorf("ended: %v, want ErrControl", end)
			}
		}
		inner, err := kept.Begin(ctx)
		if err != nil {
			return err
		}
		return errors.Join(add(ctx, inner, "kept"), session(t, inner).Commit(ctx))
	}, nil)
	if err != nil {
		t.Error(err)
	}
	if _, err := kept.Begin(t.Context()); !errors.Is(err, atomic.ErrEnded) {
		t.Errorf("Begin after the end = %v", err)
	}
	if _, err := block.Native(native.Key{}); !errors.Is(err, atomic.ErrEnded) {
		t.Errorf("Native after the end = %v", err)
	}
	_, a := f.adopt()
	if _, err := a.Tx().Native(native.Key{}); !errors.Is(err, atomic.ErrUnsupported) {
		t.Errorf("Native of an adopted block = %v", err)
	}
	f.wantWords("kept")
}

// lossyCommit loses the answer to COMMIT.
type lossyCommit struct{ sqlite.Dialect }

// Commit commits, and cannot tell.
func (d lossyCommit) Commit(ctx context.Context, conn *sql.Conn) error {
	return errors.Join(d.Dialect.Commit(ctx, conn), errRefused)
}

func TestAConnectionInDoubtIsDiscarded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	discarded := 0
	options := &atomic.OpenOptions{Discard: func(conn any) {
		if conn == nil {
			t.Error("no connection was given")
		}
		discarded++
	}}
	work := func(ctx context.Context, tx *atomic.Tx) error { return nil }
	err := atomic.Do(t.Context(), atomic.Open(f.pool, sqlite.Dialect{}, options), work, nil)
	if err != nil || discarded != 0 {
		t.Errorf("Do = %v, discarded %d connections", err, discarded)
	}
	err = atomic.Do(t.Context(), atomic.Open(f.pool, lossyCommit{}, options), work, nil)
	if !errors.Is(err, atomic.ErrOutcomeUnknown) || discarded != 1 {
		t.Errorf("Do = %v, discarded %d connections", err, discarded)
	}
	f.wantIdle()
}
