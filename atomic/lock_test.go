package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// writeBeside tries to write beside an open database transaction, without waiting.
func (f *fixture) writeBeside(conn *sql.Conn) error {
	_, err := conn.ExecContext(f.t.Context(), `INSERT INTO words VALUES ('beside')`)
	return err
}

func TestLockClauseOnSQLite(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	do := func(o *atomic.Options, fn func(tx *atomic.Tx)) {
		t.Helper()
		err := atomic.Do(t.Context(), f.DB, func(_ context.Context, tx *atomic.Tx) error {
			fn(tx)
			return nil
		}, o)
		if err != nil {
			t.Fatalf("Do: %v", err)
		}
	}
	do(nil, func(tx *atomic.Tx) {
		for _, strength := range []atomic.Strength{atomic.Update, atomic.NoKeyUpdate, atomic.Share, atomic.KeyShare} {
			if clause, err := tx.LockClause(atomic.RowLock{Strength: strength, Of: []string{"w"}}); clause != "" || err != nil {
				t.Errorf("strength %d: %q, %v, want nothing to be needed", strength, clause, err)
			}
		}
		for _, lock := range []atomic.RowLock{{Wait: atomic.NoWait}, {Wait: atomic.SkipLocked}, {Strength: 4}, {Wait: 3}} {
			if _, err := tx.LockClause(lock); !errors.Is(err, atomic.ErrUnsupported) {
				t.Errorf("%+v: %v, want ErrUnsupported", lock, err)
			}
		}
		for _, name := range []string{"", "a; COMMIT", "a b", `"a"`} {
			if clause, err := tx.LockClause(atomic.RowLock{Of: []string{name}}); err == nil {
				t.Errorf("OF %q gave %q", name, clause)
			}
		}
	})
	do(&atomic.Options{ReadOnly: true}, func(tx *atomic.Tx) {
		if _, err := tx.LockClause(atomic.RowLock{Strength: atomic.Share}); !errors.Is(err, atomic.ErrUnsupported) {
			t.Errorf("in a read-only block: %v, want ErrUnsupported", err)
		}
	})
}

func TestAdvisoryLocksLastToTheEnd(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.Advisory(ctx, tx, "month end"); err != nil {
			return err
		}
		for _, name := range []string{"month end", "another"} {
			if got, err := atomic.TryAdvisory(ctx, tx, name); !got || err != nil {
				t.Errorf("TryAdvisory of %q = %v, %v", name, got, err)
			}
		}
		return add(ctx, tx, "locked")
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("locked")
}

func TestTryAdvisoryDoesNotWait(t *testing.T) {
	t.Parallel()
	f := newFixtureOf(t, pragmasNoWait, deferred{})
	if err := atomic.Setup(t.Context(), f.DB); err != nil {
		t.Fatalf("Setup: %v", err)
	}
	holder := f.other()
	execOn(t, holder, `BEGIN IMMEDIATE`)
	err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
		if got, err := atomic.TryAdvisory(ctx, tx, "taken"); got || err != nil {
			t.Errorf("TryAdvisory beside a holder = %v, %v, want false", got, err)
		}
		execOn(t, holder, `COMMIT`)
		return add(ctx, tx, "after") // Nothing is broken.
	}, nil)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	f.wantWords("after")
}

func TestAGuardCountsItsCommits(t *testing.T) {
	t.Parallel()
	f := newKeyedFixture(t)
	client := f.other()
	execOn(t, client, `PRAGMA busy_timeout = 0`)
	guard := func(want int64, end error) {
		t.Helper()
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			before, err := atomic.GuardCount(ctx, tx, "range")
			if err != nil || before != want {
				t.Errorf("GuardCount = %d, %v, want %d", before, err, want)
			}
			if before, err = atomic.Guard(ctx, tx, "range"); err != nil || before != want {
				t.Errorf("Guard = %d, %v, want %d", before, err, want)
			}
			if err := f.writeBeside(client); err == nil {
				t.Error("another client wrote into the guarded range")
			}
			return end
		}, nil)
		if !errors.Is(err, end) {
			t.Errorf("Do = %v, want %v", err, end)
		}
	}
	guard(0, nil)
	guard(1, errRefused)
	guard(1, nil)
	guard(2, nil)
}
