package postgres

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// TestCockroachBegins is one message, whatever the defaults of the session are.
func TestCockroachBegins(t *testing.T) {
	t.Parallel()
	const keep = "; SET LOCAL autocommit_before_ddl = off"
	for _, tt := range []struct {
		mode atomic.Mode
		want string
	}{
		{atomic.Mode{}, "BEGIN ISOLATION LEVEL SERIALIZABLE"},
		{atomic.Mode{ReadOnly: true}, "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"},
		{atomic.Mode{Isolation: sql.LevelReadCommitted}, "BEGIN ISOLATION LEVEL READ COMMITTED"},
		{atomic.Mode{Isolation: sql.LevelRepeatableRead}, "BEGIN ISOLATION LEVEL SERIALIZABLE"},
		{atomic.Mode{Isolation: sql.LevelSnapshot, ReadOnly: true}, "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"},
		{atomic.Mode{Isolation: sql.LevelSerializable}, "BEGIN ISOLATION LEVEL SERIALIZABLE"},
	} {
		if got, err := (Cockroach{}).beginning(tt.mode); got != tt.want+keep || err != nil {
			t.Errorf("%+v: %q, %v; want %q", tt.mode, got, err, tt.want+keep)
		}
	}
	if _, err := (Cockroach{}).beginning(atomic.Mode{Isolation: sql.LevelLinearizable}); err == nil {
		t.Error("a level that does not exist was begun")
	}
}

// TestCockroachSharesNoLocksAtSerializable: there FOR SHARE is taken for a comment.
func TestCockroachSharesNoLocksAtSerializable(t *testing.T) {
	t.Parallel()
	for strength, clause := range map[atomic.Strength]string{
		atomic.Share: "FOR SHARE", atomic.KeyShare: "FOR KEY SHARE",
		atomic.Update: "FOR UPDATE", atomic.NoKeyUpdate: "FOR NO KEY UPDATE",
	} {
		shared := strength == atomic.Share || strength == atomic.KeyShare
		lock := atomic.RowLock{Strength: strength}
		for level, locks := range map[sql.IsolationLevel]bool{
			sql.LevelDefault: !shared, sql.LevelSerializable: !shared, sql.LevelRepeatableRead: !shared,
			sql.LevelReadCommitted: true, sql.LevelReadUncommitted: true,
		} {
			got, err := Cockroach{}.LockClause(lock, atomic.Mode{Isolation: level})
			if locks && (got != clause || err != nil) || !locks && !errors.Is(err, atomic.ErrUnsupported) {
				t.Errorf("%s at %v: %q, %v; it locks is %v", clause, level, got, err, locks)
			}
		}
	}
}
