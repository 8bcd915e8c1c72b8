package postgres

import (
	"context"
	"database/sql"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar"
	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
)

// SQLSTATEs of a prepared statement that is there already, and of one that is not. No driver that has a server to
// itself meets them.
const (
	preparedAlready = "42P05"
	preparedNowhere = "26000"
)

const (
	unprepared = "the pooler before the server gives each database transaction another session and knows nothing of " +
		"prepared statements: set max_prepared_statements in PgBouncer 1.21 or later, or open the pool with " +
		"default_query_exec_mode=exec"
	noBlocks = "the pooler before the server takes no database transactions: set its pool_mode to transaction or session"
	noSuch   = "the pooler before the server refuses a setting that the connection asks for: set it for the role or the " +
		"database with ALTER ROLE or ALTER DATABASE, and not in the URL"
)

// told is the code and the remedy of what a pooler such as PgBouncer says, or of what the server says because of it.
func told(err error) (bursar.Code, string) {
	switch (atomicpostgres.Dialect{}).Classify(err).Code {
	case preparedAlready, preparedNowhere:
		return bursar.CodeUnsupported, unprepared
	case protocolViolation:
		switch text := err.Error(); {
		case strings.Contains(text, "statement pooling mode"):
			return bursar.CodeUnsupported, noBlocks
		case strings.Contains(text, "unsupported startup parameter"):
			return bursar.CodeUnsupported, noSuch
		}
	}
	return "", ""
}

// protocolViolation is the SQLSTATE of whatever PgBouncer says itself.
const protocolViolation = "08P01"

// keepsStatements refuses a pooler under which prepared statements get lost. A pooler shows itself by telling the
// driver of another backend than the one that answers. Then a second connection prepares what the first one has
// prepared: if both are lent one session, and the pooler knows nothing of names, that fails. Where many clients keep
// the pooler busy it may not show; then a later statement fails, and told has the remedy.
//
// Whatever else goes wrong here is nothing to it, and shows itself.
func keepsStatements(ctx context.Context, pool *sql.DB) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	var refused error
	_ = conn.Raw(func(driverConn any) error {
		if c, ok := driverConn.(*stdlib.Conn); ok && pooled(ctx, c.Conn()) {
			refused = prepareTwice(ctx, c.Conn())
		}
		return nil
	})
	if code, _ := told(refused); code != "" {
		return refused
	}
	return nil
}

// pooled reports whether something stands between the driver and the server that answers in its place.
func pooled(ctx context.Context, conn *pgx.Conn) bool {
	var backend uint32
	err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&backend)
	return err == nil && backend != conn.PgConn().PID()
}

// prepareTwice runs one statement over a connection and over another one that is opened like it, in the way in which
// the driver runs statements there.
func prepareTwice(ctx context.Context, conn *pgx.Conn) error {
	const statement = "SELECT $1::bigint -- two connections prepare this" // without an argument it would not be prepared
	if _, err := conn.Exec(ctx, statement, 1); err != nil {
		return err
	}
	other, err := pgx.ConnectConfig(ctx, conn.Config())
	if err != nil {
		return err
	}
	defer func() { _ = other.Close(ctx) }()
	_, err = other.Exec(ctx, statement, 1)
	return err
}
