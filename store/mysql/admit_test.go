package mysql_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// unsafeSettings are sessions that would lose money, or the ledger's sight.
var unsafeSettings = []struct{ name, set, remedy string }{
	{"no strict mode", "sql_mode = ''", "add STRICT_TRANS_TABLES"},
	{"another strictness", "sql_mode = 'NO_ZERO_DATE'", "add STRICT_TRANS_TABLES"},
	{"narrow characters", "NAMES utf8mb3", "collation=utf8mb4_bin"},
	{"narrow results", "character_set_results = latin1", "collation=utf8mb4_bin"},
	{"no unique checks", "unique_checks = 0", "turn it on"},
	{"no checks", "check_constraint_checks = 0", "turn it on"},
	{"safe updates", "sql_safe_updates = 1", "turn it off"},
	{"a limit for every query", "sql_select_limit = 1", "SET sql_select_limit = DEFAULT"},
}

func TestUnsafeSettingsAreRefused(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	l := startLedger(t, mysql.New(openDB(t, server.URL())), nil)
	for _, test := range unsafeSettings {
		t.Run(test.name, func(t *testing.T) {
			if server.Engine() == sqltest.MySQLEngine && strings.HasPrefix(test.set, "check_constraint_checks") {
				t.Skip("MySQL has no session without CHECK constraints")
			}
			db := openDB(t, server.URL())
			db.SetMaxOpenConns(1)
			_, err := db.ExecContext(t.Context(), "SET "+test.set)
			must(t, err)
			before := variables(t, db)
			_, err = ledger.New(t.Context(), mysql.New(db), nil)
			wantUnsafe(t, err, test.remedy)
			tx, err := db.BeginTx(t.Context(), nil)
			must(t, err)
			_, err = l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
			wantUnsafe(t, err, test.remedy)
			must(t, tx.Commit())
			for name, value := range variables(t, db) {
				if value != before[name] {
					t.Errorf("%s was changed from %s to %s", name, before[name], value)
				}
			}
		})
	}
	wantBalance(t, l, "users:1", "100.00 USD")
}

// otherSettings are those that one of the two has. The optimizer must not change what is locked.
func otherSettings(server *sqltest.Server) []string {
	if server.Engine() == sqltest.MySQLEngine {
		return []string{
			"optimizer_switch = 'mrr=on,mrr_cost_based=off,derived_merge=off'",
			"optimizer_switch = 'batched_key_access=on,mrr=on,mrr_cost_based=off'",
		}
	}
	return []string{
		"sql_mode = 'STRICT_TRANS_TABLES,EMPTY_STRING_IS_NULL'", "join_cache_level = 8",
		"optimizer_switch = 'mrr=on,mrr_cost_based=off,mrr_sort_keys=on,derived_merge=off'",
	}
}

// TestSafeSettingsAreTaken are sessions that look odd.
func TestSafeSettingsAreTaken(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	l := startLedger(t, mysql.New(openDB(t, server.URL())), nil)
	for _, set := range append(otherSettings(server),
		"sql_mode = 'STRICT_ALL_TABLES'", "sql_mode = 'TRADITIONAL'", "sql_mode = 'ANSI,STRICT_ALL_TABLES'",
		"sql_mode = 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES'", "sql_mode = 'STRICT_TRANS_TABLES,PAD_CHAR_TO_FULL_LENGTH'",
		"NAMES utf8mb4 COLLATE utf8mb4_unicode_ci", "time_zone = '-11:00'", "sql_auto_is_null = 1",
		"low_priority_updates = 1", "foreign_key_checks = 0",
	) {
		t.Run(set, func(t *testing.T) {
			db := openDB(t, server.URL())
			db.SetMaxOpenConns(1)
			_, err := db.ExecContext(t.Context(), "SET "+set)
			must(t, err)
			tx, err := db.BeginTx(t.Context(), nil)
			must(t, err)
			in := l.In(mysql.Tx(tx))
			transfer := pay("users:1", "users:2", "1.00 USD")
			transfer.Reference = `back\slash ` + set
			_, err = in.PostAll(t.Context(), []bursar.Transfer{transfer, pay("users:2", "users:1", "1.00 USD")})
			must(t, err)
			transfer.ID = bursar.ID{}
			_, err = in.Post(t.Context(), transfer)
			wantCode(t, err, bursar.CodeReferenceTaken)
			must(t, tx.Commit())
		})
	}
	wantBalance(t, l, "users:1", "100.00 USD")
}

func TestLevels(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	l := startLedger(t, mysql.New(openDB(t, server.URL())), nil)
	for _, test := range []struct {
		session string
		asked   sql.IsolationLevel
		remedy  string
	}{
		{"READ COMMITTED", sql.LevelDefault, ""},
		{"REPEATABLE READ", sql.LevelReadCommitted, ""},
		{"REPEATABLE READ", sql.LevelDefault, ""}, // as long as its snapshot is not old: see in_test.go
		{"READ UNCOMMITTED", sql.LevelDefault, "use READ COMMITTED"},
		{"SERIALIZABLE", sql.LevelDefault, "use READ COMMITTED"},
	} {
		t.Run(test.session+" "+test.asked.String(), func(t *testing.T) {
			db := openDB(t, server.URL())
			db.SetMaxOpenConns(1)
			_, err := db.ExecContext(t.Context(), "SET SESSION TRANSACTION ISOLATION LEVEL "+test.session)
			must(t, err)
			tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: test.asked})
			must(t, err)
			_, err = l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
			if test.remedy == "" {
				must(t, err)
			} else {
				wantUnsafe(t, err, test.remedy)
			}
			must(t, tx.Commit())
		})
	}
	wantBalance(t, l, "users:1", "97.00 USD")
}

func TestAReadOnlyTransactionIsRefused(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	must(t, err)
	_, err = l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	wantUnsafe(t, err, "that may write")
	must(t, tx.Rollback())
}

// TestAConnectionWithATransaction hands over a *sql.Conn on which the application ran START TRANSACTION itself, or has
// turned autocommit off.
func TestAConnectionWithATransaction(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	conn, err := db.Conn(t.Context())
	must(t, err)
	defer conn.Close()
	exec := func(statement string) {
		t.Helper()
		_, err := conn.ExecContext(t.Context(), statement)
		must(t, err)
	}
	_, err = l.In(mysql.Tx(conn)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	wantUnsafe(t, err, "begin one first")
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		exec("START TRANSACTION")
		_, err := l.In(mysql.Tx(conn)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
		must(t, err)
		exec(end)
	}
	exec("SET autocommit = 0")
	exec("UPDATE bursar_book SET name = name") // its first statement on a table begins it
	_, err = l.In(mysql.Tx(conn)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	exec("COMMIT")
	wantBalance(t, l, "users:1", "98.00 USD")
}

// hiddenPool runs each statement on whatever connection the pool has, like a database handle in a wrapper.
type hiddenPool struct{ db *sql.DB }

func (p hiddenPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, query, args...)
}

func (p hiddenPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.db.QueryContext(ctx, query, args...)
}

func TestAHiddenPoolIsRefused(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	for _, idle := range []int{0, 1} {
		db.SetMaxIdleConns(idle)
		_, err := l.In(mysql.Tx(hiddenPool{db})).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
		wantUnsafe(t, err, "begin one first")
	}
	wantBalance(t, l, "users:1", "100.00 USD")
}

// TestAServerThatLosesCommits needs a server of its own, because the setting is everybody's.
func TestAServerThatLosesCommits(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	server := sqltest.PrivateMariaDB(t)
	db := openDB(t, server.URL())
	l := startLedger(t, mysql.New(db), nil)
	settings := map[string]string{"0": "set it to 1", "2": "set it to 1", "1": ""}
	if server.Engine() == sqltest.MariaDBEngine {
		settings["3"] = "" // MySQL takes it for 2
	}
	for value, remedy := range settings {
		_, err := db.ExecContext(t.Context(), "SET GLOBAL innodb_flush_log_at_trx_commit = "+value)
		must(t, err)
		tx, err := db.BeginTx(t.Context(), nil)
		must(t, err)
		_, inside := l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
		must(t, tx.Rollback())
		_, outside := ledger.New(t.Context(), mysql.New(db), nil)
		for _, err := range []error{inside, outside} {
			if remedy == "" {
				must(t, err)
			} else {
				wantUnsafe(t, err, remedy)
			}
		}
	}
	_, err := db.ExecContext(t.Context(), "SET GLOBAL innodb_flush_log_at_trx_commit = 1")
	must(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE USER teller IDENTIFIED BY 'x'")
	must(t, err)
	_, err = db.ExecContext(t.Context(), "GRANT SELECT, INSERT, UPDATE ON "+server.Database()+".* TO teller")
	must(t, err)
	asTeller := strings.Replace(
		server.URL(), server.URL()[len("mysql://"):strings.Index(server.URL(), "@")], "teller:x", 1,
	)
	teller := openDB(t, asTeller)
	other, err := ledger.New(t.Context(), mysql.New(teller), nil)
	must(t, err)
	defer other.Close(t.Context())
	_, err = other.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	_, err = db.ExecContext(t.Context(), "SET GLOBAL read_only = 1")
	must(t, err)
	_, err = other.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	wantCode(t, err, bursar.CodeUnavailable)
}
