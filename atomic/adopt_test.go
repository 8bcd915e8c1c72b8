package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// adopt begins a database transaction as an application would and adopts it.
func (f *fixture) adopt() (*sql.Tx, *atomic.Adopted) {
	f.t.Helper()
	tx, err := f.pool.BeginTx(f.t.Context(), nil)
	if err != nil {
		f.t.Fatalf("BeginTx: %v", err)
	}
	f.t.Cleanup(func() { _ = tx.Rollback() })
	a, err := atomic.Adopt(f.t.Context(), tx, f.dialect(), &atomic.AdoptOptions{DB: f.DB, Name: "theirs"})
	if err != nil {
		f.t.Fatalf("Adopt: %v", err)
	}
	return tx, a
}

func TestAnAdoptedTransactionTakesBlocks(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	own, a := f.adopt()
	var events []string
	a.Tx().OnCommit(func(context.Context) error { events = append(events, "outer committed"); return nil })
	a.Tx().BeforeCommit(func(ctx context.Context) error {
		events = append(events, "before")
		return add(ctx, a.Tx(), "before")
	})
	ctx := a.Context(t.Context())
	err := atomic.Do(ctx, f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(func(context.Context) error { events = append(events, "undone"); return nil })
		return failing("undone")(ctx, tx)
	}, nil)
	if !errors.Is(err, errRefused) {
		t.Errorf("the failing block = %v", err)
	}
	if err := atomic.Do(ctx, f.DB, adding("inner"), &atomic.Options{Nesting: atomic.Required}); err != nil {
		t.Errorf("the joined block = %v", err)
	}
	err = errors.Join(a.Ready(t.Context()), own.Commit(), a.Committed(t.Context()), a.Committed(t.Context()))
	if err != nil {
		t.Fatalf("the end: %v", err)
	}
	a.RolledBack()
	if want := []string{"before", "outer committed"}; !slices.Equal(events, want) {
		t.Errorf("events = %q, want %q", events, want)
	}
	if err := add(t.Context(), a.Tx(), "late"); !errors.Is(err, atomic.ErrEnded) {
		t.Errorf("the Tx after Ready = %v, want ErrEnded", err)
	}
	f.wantWords("before", "inner")
	f.wantIdle()
}

func TestReadyFindsASwallowedError(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	own, a := f.adopt()
	rolledBack := 0
	a.Tx().OnRollback(func() { rolledBack++ })
	_ = atomic.Do(a.Context(t.Context()), f.DB, failing("joined"), &atomic.Options{Nesting: atomic.Join})
	err := a.Ready(t.Context())
	if !errors.Is(err, atomic.ErrBroken) || !errors.Is(err, errRefused) {
		t.Errorf("Ready = %v, want ErrBroken because of the joined block", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Committed without Ready did not panic")
			}
		}()
		_ = a.Committed(t.Context())
	}()
	if err := own.Rollback(); err != nil {
		t.Fatalf("Rollback: %v", err)
	}
	a.RolledBack()
	a.RolledBack()
	if rolledBack != 1 {
		t.Errorf("the rollback hook ran %d times, want once", rolledBack)
	}
	f.wantWords()
	f.wantIdle()
}

func TestReadyFindsARollbackPastTheTx(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	own, a := f.adopt()
	if _, err := own.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatalf("ROLLBACK: %v", err)
	}
	if err := a.Ready(t.Context()); !errors.Is(err, atomic.ErrBroken) {
		t.Errorf("Ready = %v, want ErrBroken", err)
	}
}

func TestAdoptRefusesWhatIsNoTransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	if _, err := atomic.Adopt(t.Context(), f.pool, f.dialect(), nil); !errors.Is(err, atomic.ErrUnsupported) {
		t.Errorf("a pool: %v, want ErrUnsupported", err)
	}
	conn := f.other()
	if _, err := atomic.Adopt(t.Context(), conn, f.dialect(), nil); !errors.Is(err, atomic.ErrRequired) {
		t.Errorf("a connection without BEGIN: %v, want ErrRequired", err)
	}
	execOn(t, conn, `BEGIN IMMEDIATE`)
	a, err := atomic.Adopt(t.Context(), conn, f.dialect(), nil)
	if err != nil {
		t.Fatalf("a connection after BEGIN: %v", err)
	}
	if _, err := atomic.Adopt(t.Context(), a.Tx(), f.dialect(), nil); !errors.Is(err, atomic.ErrUnsupported) {
		t.Errorf("a Tx: %v, want ErrUnsupported", err)
	}
	if err := a.Tx().Savepoint(t.Context(), adding("kept")); err != nil {
		t.Errorf("Savepoint: %v", err)
	}
	if err := a.Ready(t.Context()); err != nil {
		t.Fatalf("Ready: %v", err)
	}
	execOn(t, conn, `COMMIT`)
	f.wantWords("kept")
}
