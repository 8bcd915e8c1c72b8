package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// textbookSQL is how an application without a ledger moves money on an engine. A %s is the prefix of its tables.
type textbookSQL struct {
	accounts  string // makes the table of balances
	transfers string // makes the table of transfers
	purchases string // makes the application's table for In
	begin     string
	lock      string // reads one balance and locks it
	insert    string
	update    string
	purchase  string // the application's row for In
}

// mark is the placeholder of database/sql in the textbook's statements, which PostgreSQL numbers.
const mark = "?"

// textbook is the same statements for every engine but for types, locks and placeholders.
func textbook(id, begin, lock string, numbered bool) textbookSQL {
	t := textbookSQL{
		accounts: "CREATE TABLE %saccount (id BIGINT NOT NULL PRIMARY KEY, balance BIGINT NOT NULL)",
		transfers: "CREATE TABLE %stransfer (id " + id + ` NOT NULL PRIMARY KEY, from_account BIGINT NOT NULL,
			to_account BIGINT NOT NULL, amount BIGINT NOT NULL, created BIGINT NOT NULL)`,
		purchases: "CREATE TABLE %spurchase (id " + id + " NOT NULL PRIMARY KEY, amount BIGINT NOT NULL)",
		begin:     begin,
		lock:      "SELECT balance FROM %saccount WHERE id = ?" + lock,
		insert:    "INSERT INTO %stransfer (id, from_account, to_account, amount, created) VALUES (?, ?, ?, ?, ?)",
		update:    "UPDATE %saccount SET balance = balance + ? WHERE id = ?",
		purchase:  "INSERT INTO %spurchase (id, amount) VALUES (?, ?)",
	}
	if numbered {
		for _, statement := range []*string{&t.lock, &t.insert, &t.update, &t.purchase} {
			*statement = number(*statement)
		}
	}
	return t
}

// number turns the placeholders of a statement into $1, $2 and so on.
func number(statement string) string {
	for i := 1; strings.Contains(statement, mark); i++ {
		statement = strings.Replace(statement, mark, fmt.Sprintf("$%d", i), 1)
	}
	return statement
}

func sqliteEngine() *engine {
	return &engine{
		name: "SQLite", driver: "sqlite", version: "SELECT sqlite_version()",
		settings: []Setting{
			{"journal_mode", "PRAGMA journal_mode"}, {"synchronous", "PRAGMA synchronous"},
			{"page_size", "PRAGMA page_size"}, {"wal_autocheckpoint", "PRAGMA wal_autocheckpoint"},
		},
		textbook: textbook("BLOB", "BEGIN IMMEDIATE", "", false),
		size:     sqliteSize,
	}
}

// sqliteSize counts the pages in use, those that are still in the write-ahead log too.
func sqliteSize(ctx context.Context, db *sql.DB) (bytes int64, err error) {
	err = db.QueryRowContext(ctx, `SELECT (p.page_count - f.freelist_count) * s.page_size
		FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s`).Scan(&bytes)
	return bytes, err
}

func postgresEngine() *engine {
	e := &engine{
		name: "PostgreSQL", driver: "pgx", version: "SELECT current_setting('server_version')",
		textbook: textbook("uuid", "BEGIN", " FOR UPDATE", true),
		size: func(ctx context.Context, db *sql.DB) (bytes int64, err error) {
			err = db.QueryRowContext(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
				FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
				WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname LIKE 'bursar\_%'`).Scan(&bytes)
			return bytes, err
		},
		pid: "SELECT pg_backend_pid()",
	}
	for _, name := range []string{
		"fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "default_transaction_isolation",
	} {
		e.settings = append(e.settings, Setting{name, "SELECT current_setting('" + name + "')"})
	}
	return e
}

func mysqlEngine() *engine {
	e := &engine{
		name: "MariaDB", driver: "mysql", version: "SELECT version()",
		textbook: textbook("BINARY(16)", "START TRANSACTION", " FOR UPDATE", false),
		size:     mysqlSize,
		pid:      "SELECT @@pid_file",
	}
	for _, name := range []string{
		"innodb_flush_log_at_trx_commit", "innodb_doublewrite", "log_bin", "sync_binlog", "innodb_buffer_pool_size",
	} {
		e.settings = append(e.settings, Setting{name, "SELECT @@" + name})
	}
	return e
}

// mysqlSize has the server look at the tables first, because it does so by itself only now and then.
func mysqlSize(ctx context.Context, db *sql.DB) (bytes int64, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	const tables = "FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' " +
		"AND table_name LIKE 'bursar\\_%'"
	var names sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT GROUP_CONCAT(table_name) "+tables).Scan(&names); err != nil {
		return 0, err
	}
	if !names.Valid {
		return 0, nil
	}
	rows, err := conn.QueryContext(ctx, "ANALYZE NO_WRITE_TO_BINLOG TABLE "+names.String)
	if err != nil {
		return 0, err
	}
	for rows.Next() {
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	// MySQL remembers sizes for a day unless it is told not to. MariaDB takes the assignment for a comment.
	const fresh = "SET @bursar_bench = 0 /*!80000 , SESSION information_schema_stats_expiry = 0 */"
	if _, err := conn.ExecContext(ctx, fresh); err != nil {
		return 0, err
	}
	err = conn.QueryRowContext(ctx, "SELECT CAST(SUM(data_length + index_length) AS SIGNED) "+tables).Scan(&bytes)
	return bytes, err
}
