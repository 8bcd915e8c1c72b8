package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	gomysql "github.com/go-sql-driver/mysql"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestABinaryLogMustBeSynced is of the setting that a server without a binary log does not need.
func TestABinaryLogMustBeSynced(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		binlog bool
		sync   uint64
		safe   bool
	}{{false, 0, true}, {true, 1, true}, {true, 0, false}, {true, 100, false}} {
		s := session{
			version: "10.11.6-MariaDB", mode: "STRICT_TRANS_TABLES", client: charset, connection: charset, results: charset,
			flush: 1, binlog: test.binlog, syncBinlog: test.sync, uniqueChecks: true, checks: true,
			selectLimit: noSelectLimit, readOnly: "OFF", cluster: cluster{replicated: true, syncWait: true},
		}
		err := s.check()
		if (err == nil) != test.safe || err != nil && !strings.Contains(err.Error(), "set it to 1") {
			t.Errorf("binary log %t, sync_binlog %d: %v", test.binlog, test.sync, err)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"10.6.0-MariaDB": true, "10.11.19-MariaDB-0+deb12u1": true, "11.8.2-MariaDB-log": true,
		"10.5.29-MariaDB": false, "5.5.5-10.4.1-MariaDB": false,
		"8.0.19": true, "8.0.36-0ubuntu0.22.04.1": true, "8.4.3": true, "9.1.0": true,
		"8.0.18": false, "5.7.44-log": false,
		"": false, "unknown": false,
	} {
		s := session{version: version}
		if got := s.modern(); got != want {
			t.Errorf("%q: %v, want %v", version, got, want)
		}
	}
}

// executor runs statements on one connection.
type executor struct{ conn *sql.Conn }

func (e executor) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := e.conn.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (e executor) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	return e.conn.QueryContext(ctx, query, args...)
}

// TestASavepointTells is how a server without a variable for it is asked whether a database transaction is open.
func TestASavepointTells(t *testing.T) {
	t.Parallel()
	conn, err := sqltest.MariaDB(t).Open(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, step := range []struct {
		statement string
		want      bool
	}{{"DO 0", false}, {"START TRANSACTION", true}, {"SAVEPOINT bursar_join", true}, {"COMMIT", false}, {"BEGIN", true},
		{"ROLLBACK", false}} {
		if _, err := conn.ExecContext(t.Context(), step.statement); err != nil {
			t.Fatal(err)
		}
		if got, err := insideTransaction(t.Context(), executor{conn}); err != nil || got != step.want {
			t.Errorf("after %s: %v, %v; want %v", step.statement, got, err, step.want)
		}
	}
}

// TestATxOfAtomicIsNotProbed: atomic refuses statements that end or begin savepoints, and tells itself when the
// database transaction is over.
func TestATxOfAtomicIsNotProbed(t *testing.T) {
	t.Parallel()
	silent := session{} // of a server that does not say whether a database transaction is open
	if err := silent.checkOpen(t.Context(), nil, (*atomic.Tx)(nil)); err != nil {
		t.Error(err)
	}
	closed := session{open: sql.NullBool{Valid: true}}
	err := closed.checkOpen(t.Context(), nil, (*atomic.Tx)(nil))
	if bursar.CodeOf(err) != bursar.CodeUnsafeTransaction {
		t.Errorf("no database transaction is open: %v", err)
	}
}

func TestALostConnectionIsLost(t *testing.T) {
	t.Parallel()
	unknown := &gomysql.MySQLError{Number: 1105}
	for _, d := range []atomic.Dialect{dialect(mariaDB).Atomic, tiDBDialect().Atomic} {
		for err, want := range map[error]atomic.Kind{
			fmt.Errorf("write: %w", gomysql.ErrInvalidConn):       atomic.KindLost,
			&gomysql.MySQLError{Number: 1213}:                     atomic.KindRetry,
			fmt.Errorf("%w: %w", gomysql.ErrInvalidConn, unknown): d.Classify(unknown).Kind,
			context.Canceled: atomic.KindOther,
		} {
			if got := d.Classify(err).Kind; got != want {
				t.Errorf("%s: %v is of kind %d, want %d", d.Traits().Name, err, got, want)
			}
		}
	}
}
