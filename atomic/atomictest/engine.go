package atomictest

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
)

// SQLite is the harness for SQLite. Its pools should have a busy timeout of zero, so that a conflict is seen at once.
func SQLite(d atomic.Dialect, open func(t *testing.T) (pool, other *sql.DB)) Harness {
	return Harness{
		Name: "sqlite", Dialect: d, Open: open,
		Can: Capabilities{OneWriter: true, Deferred: true, Share: true},
		Speech: Speech{
			Slow: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000000) SELECT count(*) FROM n",
		},
	}
}

// Postgres is the harness for PostgreSQL.
func Postgres(d atomic.Dialect, open func(t *testing.T) (pool, other *sql.DB)) Harness {
	return Harness{
		Name: "postgres", Dialect: d, Open: open,
		Can: Capabilities{
			BreaksOnError: true, Snapshots: true, UpdateConflicts: true, Deferred: true,
			Share: true, NoKey: true, NoWait: true, SkipLocked: true, Of: true, Kill: true,
			Named: true,
		},
		Speech: Speech{
			Dollar: true, Slow: "SELECT count(*) FROM pg_sleep(10)", SessionID: "SELECT pg_backend_pid()",
			Blocked: "SELECT cardinality(pg_blocking_pids($1))",
			Alive:   "SELECT count(*) FROM pg_stat_activity WHERE pid = $1",
			Kill:    "SELECT pg_terminate_backend(%d)", ForUpdate: " FOR UPDATE",
		},
	}
}

// Cockroach is the harness for CockroachDB.
func Cockroach(d atomic.Dialect, open func(t *testing.T) (pool, other *sql.DB)) Harness {
	h := Postgres(d, open)
	h.Name = "cockroach"
	h.Can.Deferred, h.Can.Share, h.Can.Kill, h.Can.DeadlockEndsAll = false, false, false, true
	h.Can.SerializableDefault, h.Speech.Kill = true, ""
	h.Speech.SessionID = "SELECT pg_backend_pid()"
	h.Speech.Blocked = "SELECT count(*) FROM crdb_internal.cluster_locks WHERE NOT granted AND $1 = $1"
	return h
}

// MariaDB is the harness for MariaDB.
func MariaDB(d atomic.Dialect, open func(t *testing.T) (pool, other *sql.DB)) Harness {
	return Harness{
		Name: "mariadb", Dialect: d, Open: open,
		Can: Capabilities{
			DDLCommits: true, DeadlockEndsAll: true, Snapshots: true, Share: true, NoWait: true, SkipLocked: true, Kill: true,
		},
		Speech: Speech{
			Slow: "SELECT SLEEP(10)", SessionID: "SELECT CONNECTION_ID()", Waits: innodbWaits, ForUpdate: " FOR UPDATE",
			Alive: "SELECT count(*) FROM information_schema.processlist WHERE id = ?", Kill: "KILL CONNECTION %d",
		},
	}
}

// MySQL is the harness for MySQL 8.
func MySQL(d atomic.Dialect, open func(t *testing.T) (pool, other *sql.DB)) Harness {
	h := MariaDB(d, open)
	h.Name = "mysql"
	h.Can.Of = true
	// The processlist fails while another session's statement has bytes in it that are no text.
	h.Speech.Alive = "SELECT count(*) FROM performance_schema.threads WHERE processlist_id = ?"
	return h
}

// TiDB is the harness for TiDB.
func TiDB(d atomic.Dialect, open func(t *testing.T) (pool, other *sql.DB)) Harness {
	h := MySQL(d, open)
	h.Name, h.Speech.Alive = "tidb", MariaDB(d, open).Speech.Alive
	h.Can.Share, h.Can.SkipLocked, h.Can.Of, h.Can.NoSerializable = false, false, false, true
	// The locks of a session that was killed last for about 20 seconds.
	h.Can.Kill, h.Speech.Kill = false, ""
	h.Speech.Waits = nil
	h.Speech.Blocked = "SELECT count(*) FROM information_schema.data_lock_waits WHERE ? IS NOT NULL"
	return h
}

var innodbThread = regexp.MustCompile(`thread id (\d+),`)

// innodbWaits reads the engine's report. information_schema.innodb_trx would answer from a cache, which is renewed
// only after a tenth of a second without a reader.
func innodbWaits(ctx context.Context, db *sql.DB, id int64) (bool, error) {
	var kind, name, report string
	if err := db.QueryRowContext(ctx, "SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &report); err != nil {
		return false, err
	}
	for _, trx := range strings.Split(report, "---TRANSACTION ")[1:] {
		thread := innodbThread.FindStringSubmatch(trx)
		if thread != nil && thread[1] == strconv.FormatInt(id, 10) {
			return strings.Contains(trx, "\nLOCK WAIT "), nil
		}
	}
	return false, nil
}

// sql writes the parameters of a query as the engine wants them.
func (s *Speech) sql(query string) string {
	if !s.Dollar {
		return query
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
