package mysql

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// TestTiDBBegins is what TiDB takes: no READ ONLY, no snapshot of the past where something is decided.
func TestTiDBBegins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode         atomic.Mode
		level, begin string // empty if refused
	}{
		{atomic.Mode{}, "READ COMMITTED", "BEGIN PESSIMISTIC"},
		{atomic.Mode{ReadOnly: true}, "READ COMMITTED", "BEGIN PESSIMISTIC"},
		{atomic.Mode{Isolation: sql.LevelReadUncommitted}, "READ COMMITTED", "BEGIN PESSIMISTIC"},
		{atomic.Mode{Isolation: sql.LevelReadCommitted}, "READ COMMITTED", "BEGIN PESSIMISTIC"},
		{atomic.Mode{Isolation: sql.LevelRepeatableRead}, "REPEATABLE READ", "BEGIN PESSIMISTIC"},
		{
			atomic.Mode{Isolation: sql.LevelSnapshot, ReadOnly: true},
			"REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT",
		},
		{atomic.Mode{Isolation: sql.LevelSnapshot}, "", ""},
		{atomic.Mode{Isolation: sql.LevelSerializable}, "", ""},
		{atomic.Mode{Isolation: sql.LevelSerializable, ReadOnly: true}, "", ""},
		{atomic.Mode{Isolation: sql.LevelLinearizable}, "", ""},
	} {
		level, begin, err := TiDB{}.beginning(tt.mode)
		if level != tt.level || begin != tt.begin || errors.Is(err, atomic.ErrUnsupported) != (tt.begin == "") {
			t.Errorf("%+v: %q, %q, %v; want %q, %q", tt.mode, level, begin, err, tt.level, tt.begin)
		}
		if tt.mode.Isolation == sql.LevelSerializable && !strings.Contains(err.Error(), "use READ COMMITTED") {
			t.Errorf("the error tells no remedy: %v", err)
		}
	}
}
