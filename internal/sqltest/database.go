package sqltest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// dropTimeout is how long DROP DATABASE may take. It needs locks that a test may have left behind.
const dropTimeout = 30 * time.Second

// newDatabase makes an empty database and returns its name, which is unique and needs no quotes. TiDB ignores CHECK
// constraints unless the whole server is told not to.
func newDatabase(ctx context.Context, e Engine, admin *sql.DB) (string, error) {
	if e == TiDBEngine {
		if _, err := admin.ExecContext(ctx, "SET GLOBAL tidb_enable_check_constraint = ON"); err != nil {
			return "", fmt.Errorf("have the server enforce CHECK constraints: %w", err)
		}
	}
	name := "bursar_" + strings.ToLower(rand.Text())
	create := "CREATE DATABASE " + name
	if e == PostgresEngine {
		create += " TEMPLATE template0"
	}
	if _, err := admin.ExecContext(ctx, create); err != nil {
		return "", fmt.Errorf("make a database for the test: %w", err)
	}
	return name, nil
}

// dropDatabase drops a database and ends the connections to it.
func dropDatabase(e Engine, admin *sql.DB, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	drop := "DROP DATABASE " + name
	switch e {
	case PostgresEngine:
		drop += " WITH (FORCE)"
	case CockroachEngine:
		drop += " CASCADE"
	default:
		if err := endSessions(ctx, e, admin, name); err != nil {
			return err
		}
	}
	if _, err := admin.ExecContext(ctx, drop); err != nil {
		return fmt.Errorf("drop the database of the test: %w", err)
	}
	return nil
}

// sessions lists the connections to a database. In MySQL, information_schema.processlist fails while another session's
// statement has bytes in it that are no text.
func (e Engine) sessions() string {
	if e == MySQLEngine {
		return "SELECT processlist_id FROM performance_schema.threads WHERE processlist_db = ? AND type = 'FOREGROUND'"
	}
	return "SELECT id FROM information_schema.processlist WHERE db = ?"
}

// endSessions ends the connections to a database over MySQL's protocol. An open database transaction in one of them
// would keep the database from being dropped.
func endSessions(ctx context.Context, e Engine, admin *sql.DB, database string) (err error) {
	rows, err := admin.QueryContext(ctx, e.sessions(), database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		// An error means that the connection has just ended by itself.
		_, _ = admin.ExecContext(ctx, fmt.Sprintf("KILL %d", id))
	}
	return rows.Err()
}

// give makes a database for a test and drops it when the test ends.
func give(t testing.TB, server Endpoint, admin *sql.DB) Endpoint {
	t.Helper()
	name, err := newDatabase(t.Context(), server.engine, admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dropDatabase(server.engine, admin, name); err != nil {
			t.Error(err)
		}
	})
	return server.With(name)
}
