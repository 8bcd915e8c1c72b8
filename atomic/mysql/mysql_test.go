package mysql_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"

	driverpkg "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/mysql"
)

type code struct {
	number uint16
	kind   atomic.Kind
	damage atomic.Damage
}

// common holds for MySQL, MariaDB and TiDB.
var common = []code{
	{1213, atomic.KindRetry, atomic.DamageAll}, // deadlock; Galera: certification
	{1205, atomic.KindRetry, atomic.DamageBlock},
	{3572, atomic.KindRetry, atomic.DamageBlock}, // NOWAIT
	{3101, atomic.KindRetry, atomic.DamageAll},   // group replication
	{1020, atomic.KindRetry, atomic.DamageAll},   // MariaDB: record has changed
	{1040, atomic.KindRetry, atomic.DamageAll},
	{1203, atomic.KindRetry, atomic.DamageAll},
	{1180, atomic.KindDoubt, atomic.DamageAll}, // error during COMMIT
	{1021, atomic.KindDoubt, atomic.DamageAll},
	{1114, atomic.KindDoubt, atomic.DamageAll},
	{1062, atomic.KindUnique, atomic.DamageNone},
	{1452, atomic.KindConstraint, atomic.DamageNone},
	{3819, atomic.KindConstraint, atomic.DamageNone},
	{4025, atomic.KindConstraint, atomic.DamageNone},
	{1317, atomic.KindOther, atomic.DamageUnsure},     // interrupted
	{3024, atomic.KindStatement, atomic.DamageUnsure}, // max_execution_time
	{1290, atomic.KindReadOnly, atomic.DamageUnsure},
	{1792, atomic.KindReadOnly, atomic.DamageUnsure},
	{1836, atomic.KindReadOnly, atomic.DamageUnsure},
	{1053, atomic.KindLost, atomic.DamageAll},
	{2006, atomic.KindLost, atomic.DamageAll},
	{2013, atomic.KindLost, atomic.DamageAll},
	{2055, atomic.KindLost, atomic.DamageAll},
	{1927, atomic.KindLost, atomic.DamageAll}, // MariaDB: killed
	{1047, atomic.KindLost, atomic.DamageAll}, // Galera: node not ready
	{1064, atomic.KindStatement, atomic.DamageNone},
	{1305, atomic.KindStatement, atomic.DamageUnsure},
}

func TestCodesAreClassified(t *testing.T) {
	t.Parallel()
	tidb := []code{
		{9007, atomic.KindRetry, atomic.DamageAll}, // write conflict
		{8022, atomic.KindRetry, atomic.DamageAll}, // commit failed and was rolled back
		{8002, atomic.KindRetry, atomic.DamageAll},
		{8005, atomic.KindRetry, atomic.DamageAll},
		{8028, atomic.KindRetry, atomic.DamageAll}, // schema changed
		{8147, atomic.KindRetry, atomic.DamageAll},
		{8229, atomic.KindStatement, atomic.DamageAll},
		{9001, atomic.KindLost, atomic.DamageAll},
		{9002, atomic.KindLost, atomic.DamageAll},
		{9003, atomic.KindLost, atomic.DamageAll},
		{9004, atomic.KindLost, atomic.DamageAll},
		{9005, atomic.KindLost, atomic.DamageAll},
		{1105, atomic.KindOther, atomic.DamageUnsure},
	}
	mysqlOnly := []code{
		{9007, atomic.KindStatement, atomic.DamageUnsure},
		{1105, atomic.KindStatement, atomic.DamageUnsure},
	}
	for _, tt := range []struct {
		dialect atomic.Dialect
		codes   []code
	}{
		{mysql.Dialect{}, common}, {mysql.Dialect{}, mysqlOnly},
		{mysql.MariaDB{}, common},
		{mysql.TiDB{}, common}, {mysql.TiDB{}, tidb},
	} {
		for _, c := range tt.codes {
			want := atomic.Class{Kind: c.kind, Damage: c.damage, Code: strconv.Itoa(int(c.number))}
			err := fmt.Errorf("wrapped: %w", &driverpkg.MySQLError{Number: c.number, Message: "injected"})
			if diff := cmp.Diff(want, tt.dialect.Classify(err)); diff != "" {
				t.Errorf("%T, %d (-want +got):\n%s", tt.dialect, c.number, diff)
			}
		}
	}
}

// TestATriggerThatTheServerFailedToReadIsReadAgain tells it from a statement that is wrong, which has the same number.
func TestATriggerThatTheServerFailedToReadIsReadAgain(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("write: %w", &driverpkg.MySQLError{
		Number: 1064, Message: "Unknown trigger has an error in its body: 'Query was empty'",
	})
	want := atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageNone, Code: "1064"}
	if diff := cmp.Diff(want, mysql.MariaDB{}.Classify(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestErrorsOfTiDBThatGoByTheirText have no number of their own, and the same work may succeed.
func TestErrorsOfTiDBThatGoByTheirText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"pessimistic lock retry limit reached", "lock wait timeout"} {
		err := fmt.Errorf("lock: %w", &driverpkg.MySQLError{Number: 1105, Message: text})
		want := atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageBlock, Code: "1105"}
		if diff := cmp.Diff(want, mysql.TiDB{}.Classify(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		want = atomic.Class{Kind: atomic.KindStatement, Damage: atomic.DamageUnsure, Code: "1105"}
		if diff := cmp.Diff(want, mysql.Dialect{}.Classify(err)); diff != "" {
			t.Errorf("MySQL, %s (-want +got):\n%s", text, diff)
		}
	}
}

// TestTheTraitsOfTiDB are what its harness and package atomic go by: no read-only database transactions, no gap locks,
// a snapshot as old as the begin. A session that was killed keeps its locks for a while.
func TestTheTraitsOfTiDB(t *testing.T) {
	t.Parallel()
	want := mysql.Dialect{}.Traits()
	want.Name, want.GapLocks, want.WritesReadOnly, want.BeginSnapshots = "tidb", false, true, true
	if diff := cmp.Diff(want, mysql.TiDB{}.Traits()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	can := atomictest.TiDB(mysql.TiDB{}, nil).Can
	if can.Kill || can.SkipLocked || can.Share || can.Of || !can.NoWait || !can.NoSerializable {
		t.Errorf("the harness: %+v", can)
	}
}

type otherError struct{ Errno uint16 }

func (otherError) Error() string { return "another driver's" }

// MySQLError has the name but not the shape.
type MySQLError struct{ Number string }

func (MySQLError) Error() string { return "not the driver's" }

func TestTheNumberIsFoundInTheTreeOfAnError(t *testing.T) {
	t.Parallel()
	deadlock := &driverpkg.MySQLError{Number: 1213}
	lost := atomic.Class{Kind: atomic.KindLost, Damage: atomic.DamageAll}
	retry := atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageAll, Code: "1213"}
	other := mysql.Dialect{Number: func(err error) (uint16, bool) {
		var e otherError
		ok := errors.As(err, &e)
		return e.Errno, ok
	}}
	var none *driverpkg.MySQLError
	tests := []struct {
		name    string
		dialect mysql.Dialect
		err     error
		want    atomic.Class
	}{
		{
			"joined after another", mysql.Dialect{},
			errors.Join(errors.New("first"), fmt.Errorf("second: %w", deadlock)), retry,
		},
		{"the first of two", mysql.Dialect{}, errors.Join(deadlock, &driverpkg.MySQLError{Number: 1305}), retry},
		{"injected", other, fmt.Errorf("wrapped: %w", otherError{1213}), retry},
		{"the injected function does not know it", other, deadlock, retry},
		{"nothing injected", mysql.Dialect{}, otherError{1213}, atomic.Class{}},
		{"another shape", mysql.Dialect{}, MySQLError{"1213"}, atomic.Class{}},
		{"a nil pointer", mysql.Dialect{}, none, atomic.Class{}},
		{"nil", mysql.Dialect{}, nil, atomic.Class{}},
		{"bad connection", mysql.Dialect{}, driver.ErrBadConn, lost},
		{"network", mysql.Dialect{}, &net.OpError{Op: "read", Err: errors.New("reset")}, lost},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.dialect.Classify(tt.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestLockClauses(t *testing.T) {
	t.Parallel()
	my, maria, ti := mysql.Dialect{}, mysql.MariaDB{}, mysql.TiDB{}
	tests := []struct {
		dialect atomic.Dialect
		lock    atomic.RowLock
		want    string // empty if refused
	}{
		{my, atomic.RowLock{}, "FOR UPDATE"},
		{
			my, atomic.RowLock{Strength: atomic.Share, Of: []string{"a"}, Wait: atomic.SkipLocked},
			"FOR SHARE OF a SKIP LOCKED",
		},
		{my, atomic.RowLock{Strength: atomic.NoKeyUpdate}, ""},
		{my, atomic.RowLock{Strength: atomic.KeyShare}, ""},
		{maria, atomic.RowLock{Wait: atomic.SkipLocked}, "FOR UPDATE SKIP LOCKED"},
		{maria, atomic.RowLock{Strength: atomic.Share, Wait: atomic.NoWait}, "LOCK IN SHARE MODE NOWAIT"},
		{maria, atomic.RowLock{Of: []string{"a"}}, ""},
		{maria, atomic.RowLock{Strength: atomic.NoKeyUpdate}, ""},
		{ti, atomic.RowLock{Wait: atomic.NoWait}, "FOR UPDATE NOWAIT"},
		{ti, atomic.RowLock{Of: []string{"a"}}, ""}, // It fails on an alias, and takes a name that is none.
		{ti, atomic.RowLock{Wait: atomic.SkipLocked}, ""},
		{ti, atomic.RowLock{Strength: atomic.Share}, ""},
	}
	for _, tt := range tests {
		got, err := tt.dialect.LockClause(tt.lock, atomic.Mode{})
		if got != tt.want || errors.Is(err, atomic.ErrUnsupported) != (tt.want == "") {
			t.Errorf("%T: LockClause(%+v) = %q, %v, want %q", tt.dialect, tt.lock, got, err, tt.want)
		}
		if _, err := tt.dialect.LockClause(tt.lock, atomic.Mode{ReadOnly: true}); !errors.Is(err, atomic.ErrUnsupported) {
			t.Errorf("%T: in a read-only database transaction: %v, want ErrUnsupported", tt.dialect, err)
		}
	}
}

func TestStatementsThatCommitByThemselves(t *testing.T) {
	t.Parallel()
	tests := []struct {
		words []string
		want  bool
	}{
		{[]string{"CREATE", "TABLE", "T"}, true},
		{[]string{"CREATE", "TEMPORARY", "TABLE", "T"}, false},
		{[]string{"DROP", "TEMPORARY", "TABLE", "T"}, false},
		{[]string{"TRUNCATE", "T"}, true},
		{[]string{"LOCK", "TABLES"}, true},
		{[]string{"UNLOCK", "TABLES"}, true},
		{[]string{"GRANT", "ALL"}, true},
		{[]string{"SET", "PASSWORD"}, true},
		{[]string{"SET", "NAMES"}, false},
		{[]string{"LOAD", "INDEX", "INTO", "CACHE"}, true},
		{[]string{"LOAD", "DATA"}, false},
		{[]string{"REPLACE", "INTO"}, false},
		{[]string{"CALL", "P"}, false},
	}
	for _, tt := range tests {
		if got := (mysql.MariaDB{}).Commits(tt.words); got != tt.want {
			t.Errorf("Commits(%q) = %v, want %v", tt.words, got, tt.want)
		}
	}
}

func TestLevelsThatDoNotExistAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		dialect atomic.Dialect
		mode    atomic.Mode
	}{
		{mysql.Dialect{}, atomic.Mode{Isolation: sql.LevelLinearizable}},
		{mysql.Dialect{}, atomic.Mode{Isolation: sql.LevelWriteCommitted}},
		{mysql.TiDB{}, atomic.Mode{Isolation: sql.LevelSerializable}},
		{mysql.TiDB{}, atomic.Mode{Isolation: sql.LevelSnapshot}}, // It would lose updates that it did not lock.
	}
	for _, tt := range tests {
		if _, err := tt.dialect.Begin(t.Context(), nil, tt.mode); !errors.Is(err, atomic.ErrUnsupported) {
			t.Errorf("%T: Begin at %v = %v, want ErrUnsupported", tt.dialect, tt.mode.Isolation, err)
		}
	}
}
