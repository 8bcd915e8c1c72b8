package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// stateError looks to a Dialect like an error of pgx or lib/pq.
type stateError string

func (e stateError) Error() string    { return "injected" }
func (e stateError) SQLState() string { return string(e) }

func TestCodesAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   string
		kind   atomic.Kind
		damage atomic.Damage
	}{
		{"40001", atomic.KindRetry, atomic.DamageAll},        // serialization_failure
		{"40P01", atomic.KindRetry, atomic.DamageBlock},      // deadlock_detected
		{"55P03", atomic.KindRetry, atomic.DamageBlock},      // lock_not_available
		{"53300", atomic.KindRetry, atomic.DamageAll},        // too_many_connections
		{"23505", atomic.KindUnique, atomic.DamageBlock},     // unique_violation
		{"23P01", atomic.KindConstraint, atomic.DamageBlock}, // exclusion_violation
		{"23503", atomic.KindConstraint, atomic.DamageBlock},
		{"57014", atomic.KindOther, atomic.DamageBlock}, // query_canceled
		{"25P01", atomic.KindOther, atomic.DamageUnsure},
		{"25P02", atomic.KindStatement, atomic.DamageBlock},
		{"25P03", atomic.KindLost, atomic.DamageAll}, // idle_in_transaction_session_timeout
		{"25P04", atomic.KindLost, atomic.DamageAll}, // transaction_timeout
		{"57P01", atomic.KindLost, atomic.DamageAll},
		{"57P02", atomic.KindLost, atomic.DamageAll},
		{"57P03", atomic.KindLost, atomic.DamageAll},
		{"57P05", atomic.KindLost, atomic.DamageAll},
		{"08000", atomic.KindLost, atomic.DamageAll},
		{"08003", atomic.KindLost, atomic.DamageAll},
		{"08006", atomic.KindLost, atomic.DamageAll},
		{"08P01", atomic.KindLost, atomic.DamageAll},
		{"08007", atomic.KindDoubt, atomic.DamageAll}, // transaction_resolution_unknown
		{"40003", atomic.KindDoubt, atomic.DamageAll}, // statement_completion_unknown
		{"40002", atomic.KindStatement, atomic.DamageAll},
		{"25006", atomic.KindReadOnly, atomic.DamageBlock},
		{"53200", atomic.KindDoubt, atomic.DamageAll},
		{"53100", atomic.KindDoubt, atomic.DamageAll},
		{"58030", atomic.KindDoubt, atomic.DamageAll},
		{"57P04", atomic.KindDoubt, atomic.DamageAll},
		{"XX000", atomic.KindOther, atomic.DamageBlock},
		{"42601", atomic.KindStatement, atomic.DamageBlock},
		{"22012", atomic.KindStatement, atomic.DamageBlock},
	}
	for _, tt := range tests {
		want := atomic.Class{Kind: tt.kind, Damage: tt.damage, Code: tt.code}
		err := fmt.Errorf("wrapped: %w", stateError(tt.code))
		if diff := cmp.Diff(want, postgres.Dialect{}.Classify(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.code, diff)
		}
	}
}

func TestCockroachCodesAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   string
		kind   atomic.Kind
		damage atomic.Damage
	}{
		{"40001", atomic.KindRetry, atomic.DamageAll},
		{"CR000", atomic.KindRetry, atomic.DamageAll},
		{"40P01", atomic.KindRetry, atomic.DamageAll},
		{"55P03", atomic.KindRetry, atomic.DamageBlock},
		{"40003", atomic.KindDoubt, atomic.DamageAll}, // the result is ambiguous
		{"57014", atomic.KindOther, atomic.DamageBlock},
		{"57P01", atomic.KindLost, atomic.DamageAll},
		{"08006", atomic.KindLost, atomic.DamageAll},
		{"23505", atomic.KindUnique, atomic.DamageBlock},
	}
	for _, tt := range tests {
		want := atomic.Class{Kind: tt.kind, Damage: tt.damage, Code: tt.code}
		if diff := cmp.Diff(want, postgres.Cockroach{}.Classify(stateError(tt.code))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.code, diff)
		}
	}
}

func TestErrorsWithoutACode(t *testing.T) {
	t.Parallel()
	lost := atomic.Class{Kind: atomic.KindLost, Damage: atomic.DamageAll}
	tests := []struct {
		err  error
		want atomic.Class
	}{
		{nil, atomic.Class{}},
		{errors.New("of the function itself"), atomic.Class{}},
		{stateError(""), atomic.Class{}},
		{driver.ErrBadConn, lost},
		{io.ErrUnexpectedEOF, lost},
		{fmt.Errorf("write: %w", &net.OpError{Op: "write", Err: errors.New("reset")}), lost},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, postgres.Dialect{}.Classify(tt.err)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.err, diff)
		}
	}
}

func TestLockClauses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lock atomic.RowLock
		want string
	}{
		{atomic.RowLock{}, "FOR UPDATE"},
		{atomic.RowLock{Strength: atomic.NoKeyUpdate, Wait: atomic.NoWait}, "FOR NO KEY UPDATE NOWAIT"},
		{atomic.RowLock{Strength: atomic.Share, Of: []string{"a", "b"}}, "FOR SHARE OF a, b"},
		{
			atomic.RowLock{Strength: atomic.KeyShare, Of: []string{"a"}, Wait: atomic.SkipLocked},
			"FOR KEY SHARE OF a SKIP LOCKED",
		},
	}
	for _, tt := range tests {
		for _, d := range []atomic.Dialect{postgres.Dialect{}, postgres.Cockroach{}} {
			mode := atomic.Mode{Isolation: sql.LevelReadCommitted} // above which CockroachDB shares nothing
			if got, err := d.LockClause(tt.lock, mode); err != nil || got != tt.want {
				t.Errorf("%T: LockClause(%+v) = %q, %v, want %q", d, tt.lock, got, err, tt.want)
			}
			if _, err := d.LockClause(tt.lock, atomic.Mode{ReadOnly: true}); !errors.Is(err, atomic.ErrUnsupported) {
				t.Errorf("%T: in a read-only database transaction: %v, want ErrUnsupported", d, err)
			}
		}
	}
}

func TestVariantsDeclareWhatTheyLack(t *testing.T) {
	t.Parallel()
	if s := (postgres.Dialect{}).Statements(); s.AdvisoryWait == "" || s.AdvisoryTry == "" {
		t.Error("PostgreSQL has advisory locks")
	}
	if s := (postgres.Cockroach{}).Statements(); s.AdvisoryWait != "" || s.AdvisoryTry != "" || s.GuardTry == "" {
		t.Error("CockroachDB's advisory locks do nothing, rows must stand in")
	}
	if !(postgres.Cockroach{}).Traits().DeadlockEndsAll || (postgres.Dialect{}).Traits().DeadlockEndsAll {
		t.Error("savepoints survive a deadlock on PostgreSQL and not on CockroachDB")
	}
}

func TestLevelsThatDoNotExistAreRefused(t *testing.T) {
	t.Parallel()
	for _, d := range []atomic.Dialect{postgres.Dialect{}, postgres.Cockroach{}} {
		for _, level := range []sql.IsolationLevel{sql.LevelWriteCommitted, sql.LevelLinearizable} {
			if _, err := d.Begin(t.Context(), nil, atomic.Mode{Isolation: level}); !errors.Is(err, atomic.ErrUnsupported) {
				t.Errorf("%T: Begin at %v = %v, want ErrUnsupported", d, level, err)
			}
		}
	}
}

// TestAnUndoneSavepointGivesItsAdvisoryLockBack is what the documentation of atomic.Advisory says of PostgreSQL.
func TestAnUndoneSavepointGivesItsAdvisoryLockBack(t *testing.T) {
	t.Parallel()
	server := sqltest.Postgres(t)
	db, other := atomic.Open(server.Open(t), postgres.Dialect{}, nil), atomic.Open(server.Open(t), postgres.Dialect{}, nil)
	free := func() bool {
		got, err := atomic.DoValue(t.Context(), other, func(ctx context.Context, tx *atomic.Tx) (bool, error) {
			return atomic.TryAdvisory(ctx, tx, "lock")
		}, nil)
		if err != nil {
			t.Error(err)
		}
		return got
	}
	undo := errors.New("undo")
	err := atomic.Do(t.Context(), db, func(ctx context.Context, tx *atomic.Tx) error {
		err := tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
			if err := atomic.Advisory(ctx, tx, "lock"); err != nil {
				return err
			}
			if free() {
				t.Error("the lock is free while the savepoint holds it")
			}
			return undo
		})
		if !errors.Is(err, undo) || !free() {
			t.Errorf("Savepoint = %v, and then the lock is held", err)
		}
		return nil
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

// TestAViolatedConstraintHasItsName reads the errors of pgx and lib/pq by the field that each has.
func TestAViolatedConstraintHasItsName(t *testing.T) {
	t.Parallel()
	class := postgres.Dialect{}.Classify(fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: "23505", ConstraintName: "once"}))
	if class.Kind != atomic.KindUnique || class.Constraint != "once" {
		t.Errorf("pgx: %+v", class)
	}
	for _, err := range []error{stateError("23505"), &pgconn.PgError{Code: "40001", ConstraintName: "once"}} {
		if class := (postgres.Dialect{}).Classify(err); class.Constraint != "" {
			t.Errorf("%T: %+v, want no name", err, class)
		}
	}
}
