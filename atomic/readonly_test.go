package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// lax is an engine that has neither read-only database transactions nor a fresh snapshot after a lock: SQLite, made to
// be so.
type lax struct{ sqlite.Dialect }

func (d lax) Traits() atomic.Traits {
	t := d.Dialect.Traits()
	t.WritesReadOnly, t.BeginSnapshots = true, true
	return t
}

func (d lax) Begin(ctx context.Context, conn *sql.Conn, m atomic.Mode) (restore string, err error) {
	return d.Dialect.Begin(ctx, conn, atomic.Mode{Isolation: m.Isolation})
}

func TestReadOnlyBlocksWriteNothingWhereTheEngineWouldLetThem(t *testing.T) {
	t.Parallel()
	f := newFixtureOf(t, pragmasUsual, lax{})
	insert := func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO words VALUES ('never')`)
		return err
	}
	prepare := func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.PrepareContext(ctx, `INSERT INTO words VALUES ('never')`)
		return err
	}
	for _, write := range []func(context.Context, *atomic.Tx) error{insert, prepare} {
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			if err := write(ctx, tx); !errors.Is(err, atomic.ErrReadOnly) {
				t.Errorf("%v, want ErrReadOnly", err)
			}
			count, err := atomic.QueryOne(ctx, tx, atomic.Value[int], `SELECT count(*) FROM words`)
			if count != 0 {
				t.Errorf("%d words, want none", count)
			}
			return err
		}, &atomic.Options{ReadOnly: true})
		if err != nil {
			t.Error(err)
		}
	}
	if err := atomic.Do(t.Context(), f.DB, insert, nil); err != nil {
		t.Errorf("a block that may write: %v", err)
	}
}

func TestGuardsAreRefusedWhereTheyWouldNotGuard(t *testing.T) {
	t.Parallel()
	f := newFixtureOf(t, pragmasUsual, lax{})
	if err := atomic.Setup(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
	for level, refused := range map[sql.IsolationLevel]bool{
		sql.LevelDefault: false, sql.LevelReadCommitted: false, sql.LevelRepeatableRead: true, sql.LevelSnapshot: true,
	} {
		err := atomic.Do(t.Context(), f.DB, func(ctx context.Context, tx *atomic.Tx) error {
			_, guard := atomic.Guard(ctx, tx, "a")
			_, try := atomic.TryAdvisory(ctx, tx, "a")
			for _, err := range []error{guard, try, atomic.Advisory(ctx, tx, "a")} {
				if errors.Is(err, atomic.ErrUnsupported) != refused || !refused && err != nil {
					t.Errorf("at %v: %v, refused is %v", level, err, refused)
				}
			}
			return nil
		}, &atomic.Options{Isolation: level})
		if err != nil {
			t.Errorf("at %v: %v", level, err)
		}
	}
}
