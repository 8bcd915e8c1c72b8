package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// A Replica is a server that follows another one, and takes no writes. Its database is the one of the server that it
// follows. Its methods may be called from any goroutine.
type Replica struct {
	Endpoint
	words       words
	source, own *sql.DB
}

// words are the statements that one engine has for replication.
type words struct {
	follow   []string // host, port, user and password of the source: makes an empty server follow it
	position string   // asks a source for its position
	reached  string   // asks a replica whether it has come to a position, which it may wait for
	hold     string
	held     string // asks whether it is held; empty where hold waits for that
	release  string
	promote  []string
}

func wordsOf(e Engine) words {
	switch e {
	case MariaDBEngine:
		return words{
			follow: []string{"SET GLOBAL gtid_slave_pos = ''", "CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %d, " +
				"MASTER_USER = '%s', MASTER_PASSWORD = '%s', MASTER_USE_GTID = slave_pos", "START SLAVE"},
			position: "SELECT @@gtid_binlog_pos", reached: "SELECT MASTER_GTID_WAIT('%s', 1) = 0",
			hold: "STOP SLAVE SQL_THREAD", release: "START SLAVE SQL_THREAD",
			promote: []string{"STOP SLAVE", "SET GLOBAL read_only = OFF"},
		}
	case MySQLEngine:
		return words{
			follow: []string{"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '%s', SOURCE_PORT = %d, SOURCE_USER = '%s', " +
				"SOURCE_PASSWORD = '%s', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1", "START REPLICA"},
			position: "SELECT @@global.gtid_executed", reached: "SELECT WAIT_FOR_EXECUTED_GTID_SET('%s', 1) = 0",
			hold: "STOP REPLICA SQL_THREAD", release: "START REPLICA SQL_THREAD",
			promote: []string{"STOP REPLICA", "SET GLOBAL read_only = OFF"},
		}
	default:
		return words{
			position: "SELECT pg_current_wal_flush_lsn()::text", reached: "SELECT pg_last_wal_replay_lsn() >= '%s'",
			hold: "SELECT pg_wal_replay_pause()", held: "SELECT pg_get_wal_replay_pause_state() = 'paused'",
			release: "SELECT pg_wal_replay_resume()",
			promote: []string{"SELECT pg_promote()"}, // returns when it is done
		}
	}
}

// ReplicatedPostgres starts a PostgreSQL server for this test alone, with an empty database, and a hot standby of it.
func ReplicatedPostgres(t testing.TB) (*Server, *Replica) {
	t.Helper()
	return replicated(t, PostgresEngine, server.Postgres)
}

// ReplicatedMariaDB does for MariaDB, or for MySQL in its place, what [ReplicatedPostgres] does for PostgreSQL. The
// replica has read_only set, and its user may write all the same, because it has every right.
func ReplicatedMariaDB(t testing.TB) (*Server, *Replica) {
	t.Helper()
	return replicated(t, MariaDBEngine, server.MariaDB)
}

func replicated(t testing.TB, e Engine, kind server.Engine) (*Server, *Replica) {
	t.Helper()
	chosen, err := server.InPlaceOf(kind)
	if err != nil {
		t.Fatal(err)
	}
	source, err := server.StartSource(t.Context(), chosen)
	if err != nil {
		refuse(t, e, err)
	}
	s := owned(t, e, source)
	follower, err := server.Follow(t.Context(), source)
	if err != nil {
		refuse(t, e, err)
	}
	closes(t, e, follower)
	at, err := parse(e, follower.URL().String())
	if err != nil {
		t.Fatal(err)
	}
	at.engine = s.engine
	r := &Replica{at.With(s.Database()), wordsOf(s.engine), s.Open(t), at.Open(t)}
	r.follow(t, s.Endpoint)
	r.CatchUp(t)
	return s, r
}

// follow makes an empty server follow another one from the beginning of its binary log. A standby does already.
func (r *Replica) follow(t testing.TB, source Endpoint) {
	t.Helper()
	password, _ := source.url.User.Password()
	for _, statement := range r.words.follow {
		if strings.Contains(statement, "%s") {
			statement = fmt.Sprintf(statement, source.Host(), source.Port(), source.url.User.Username(), password)
		}
		must(t, r.own, statement)
	}
}

// CatchUp waits until the replica has all that is committed on the server that it follows.
func (r *Replica) CatchUp(t testing.TB) {
	t.Helper()
	r.await(t, fmt.Sprintf(r.words.reached, ask[string](t, r.source, r.words.position)))
}

// Hold keeps the replica from applying anything, until Release. What it has applied is there.
func (r *Replica) Hold(t testing.TB) {
	t.Helper()
	must(t, r.own, r.words.hold)
	if r.words.held != "" {
		r.await(t, r.words.held)
	}
}

// Release lets the replica apply what it has received, and all that comes.
func (r *Replica) Release(t testing.TB) {
	t.Helper()
	must(t, r.own, r.words.release)
}

// Promote makes the replica a server that takes writes and follows nobody.
func (r *Replica) Promote(t testing.TB) {
	t.Helper()
	for _, statement := range r.words.promote {
		must(t, r.own, statement)
	}
}

// patience is how long a replica may take to come to a position.
const patience = time.Minute

// await asks until the answer is true.
func (r *Replica) await(t testing.TB, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !ask[bool](t, r.own, query) {
		if ctx.Err() != nil {
			t.Fatalf("not true in %v: %s", patience, query)
		}
	}
}

func must(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// ask is the only value that a query gives.
func ask[T any](t testing.TB, db *sql.DB, query string) (answer T) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}
