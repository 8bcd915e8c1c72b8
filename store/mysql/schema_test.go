package mysql_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// wantRefused runs what the schema must refuse, with an error that says so: a trigger's, a CHECK's or a key's.
func wantRefused(t *testing.T, db *sql.DB, statement string, numbers ...uint16) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	var refused *gomysql.MySQLError
	if !errors.As(err, &refused) || !slices.Contains(numbers, refused.Number) {
		t.Errorf("%s: %v, want a refusal by the schema (%v)", statement, err, numbers)
	}
}

const (
	byTrigger    = 1644
	byCheck      = 4025 // MariaDB
	byCheckMySQL = 3819
	byKey        = 1062
)

// replacements would change or remove what is written for good.
var replacements = []string{
	`REPLACE INTO bursar_entry SELECT * FROM bursar_entry WHERE seq = 4`,
	`REPLACE INTO bursar_entry (entry, book, seq, at, hash, kind, request_id, leg, to_account, amount,
			to_version, to_balance, decided)
		SELECT 9999, book, seq, at, hash, kind, request_id, leg, to_account, amount + 1, to_version,
				to_balance, decided FROM bursar_entry WHERE seq = 4`,
	`INSERT INTO bursar_entry SELECT * FROM bursar_entry e ON DUPLICATE KEY UPDATE amount = 7`,
	`INSERT INTO bursar_entry SELECT * FROM bursar_entry e ON DUPLICATE KEY UPDATE seq = 700`,
	`UPDATE bursar_entry SET seq = seq + 100`,
	`UPDATE IGNORE bursar_entry SET amount = amount + 1`,
	`UPDATE bursar_entry SET seq = NULL, at = NULL, hash = NULL`,
	`UPDATE bursar_entry e JOIN bursar_account a ON a.account = e.to_account SET e.amount = 1, a.metadata = NULL`,
	`DELETE FROM bursar_entry`,
	`DELETE e, a FROM bursar_entry e JOIN bursar_account a ON a.account = e.to_account`,
	`REPLACE INTO bursar_request SELECT * FROM bursar_request`,
	`REPLACE INTO bursar_request (book, id, content, decided, refusal) SELECT book, id, content, decided, 'x'
			FROM bursar_request`,
	`INSERT INTO bursar_request SELECT * FROM bursar_request r ON DUPLICATE KEY UPDATE reference = 'x'`,
	`UPDATE bursar_request SET metadata = '{}'`,
	`DELETE FROM bursar_request LIMIT 1`,
	`REPLACE INTO bursar_account SELECT * FROM bursar_account`,
	`REPLACE INTO bursar_account (account, book, path, currency, scale, opened)
			SELECT 99, book, path, 'JPY', 0, opened FROM bursar_account`,
	`UPDATE bursar_account SET path = CONCAT(path, 'x')`,
	`UPDATE bursar_account SET path = CONCAT(path, ' ')`,
	`UPDATE bursar_account SET path = UPPER(path)`,
	`UPDATE bursar_account SET currency = 'JPY'`,
	`DELETE FROM bursar_account`,
	`DELETE FROM bursar_balance`,
	`UPDATE bursar_book SET uuid = REPEAT('x', 16)`,
	`INSERT INTO bursar_book SELECT * FROM bursar_book b ON DUPLICATE KEY UPDATE name = 'other'`,
	`DELETE FROM bursar_book`,
	`DELETE FROM bursar_head`,
}

func TestRowsAreNeverReplaced(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	before, err := l.Journal(t.Context(), 0, 0)
	must(t, err)
	for _, statement := range replacements {
		wantRefused(t, db, statement, byTrigger)
	}
	for _, statement := range []string{
		`INSERT INTO bursar_entry SELECT * FROM bursar_entry e`,
		`INSERT INTO bursar_request SELECT * FROM bursar_request r`,
		`INSERT INTO bursar_account (account, book, path, currency, scale, opened)
				SELECT 99, book, path, 'JPY', 0, opened FROM bursar_account a`,
	} {
		wantRefused(t, db, statement, byKey)
	}
	after, err := l.Journal(t.Context(), 0, 0)
	must(t, err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the journal was changed (-before +after):\n%s", diff)
	}
	wantVerified(t, mysql.New(db), l)
}

func TestLimitsAreTheRowsOwn(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	for _, set := range []string{
		"available = -1", "available = available_min - 1", "balance_max = balance - 1", "balance_max = 0",
		"available_hi = -1",
		"available_min_hi = 1", "balance = 1000000000000000000", "balance = -1000000000000000000", "balance_hi = -1",
		"held = -1", "held_hi = -1",
		"state = 4", "state = -1", "version = 0",
	} {
		wantRefused(
			t, db,
			"UPDATE bursar_balance b JOIN bursar_account a ON a.account = b.account SET b."+set+" WHERE a.path = 'users:1'",
			byCheck, byCheckMySQL,
		)
	}
	for _, statement := range []string{
		"UPDATE bursar_head SET seq = -1",
		"INSERT INTO bursar_request (book, id, content, decided) VALUES (1, REPEAT('x', 16), '', 0)",
		"INSERT INTO bursar_request (book, id, content, decided, last_entry, refusal) " +
			"VALUES (1, REPEAT('x', 16), '', 0, 1, 'x')",
		"INSERT INTO bursar_account (account, book, path, currency, scale, opened) VALUES (1, 1, 'x', 'USD', 37, 0)",
	} {
		wantRefused(t, db, statement, byCheck, byCheckMySQL)
	}
	const columns = "INSERT INTO bursar_entry (entry, book, seq, at, hash, kind, request_id, leg, " +
		"from_account, to_account, amount, amount_hi, to_version, to_balance, decided) VALUES "
	hash := "REPEAT('x', 32)"
	for _, row := range []string{
		"(1, 1, 0, 1, HASH, 1, REPEAT('x', 16), 0, 1, 2, 1, NULL, 1, 1, 1)",
		"(1, 1, 1, NULL, NULL, 1, REPEAT('x', 16), 0, 1, 2, 1, NULL, 1, 1, 1)",
		"(1, 1, NULL, NULL, HASH, 1, REPEAT('x', 16), 0, 1, 2, 1, NULL, 1, 1, 1)",
		"(1, 1, NULL, NULL, NULL, 1, REPEAT('x', 16), -1, 1, 2, 1, NULL, 1, 1, 1)",
		"(1, 1, NULL, NULL, NULL, 1, REPEAT('x', 16), 0, 1, 1, 1, NULL, 1, 1, 1)",
		"(1, 1, NULL, NULL, NULL, 1, REPEAT('x', 16), 0, 1, 2, -1, NULL, 1, 1, 1)",
		"(1, 1, NULL, NULL, NULL, 1, REPEAT('x', 16), 0, 1, 2, 1, -1, 1, 1, 1)",
		"(1, 1, NULL, NULL, NULL, 0, REPEAT('x', 16), 0, NULL, 0, 0, NULL, 0, 0, 1)",
		"(1, 1, -2, NULL, NULL, 0, REPEAT('x', 16), 0, NULL, 0, 0, NULL, 0, 0, 1)",
		"(1, 1, -1, NULL, NULL, 1, REPEAT('x', 16), 0, NULL, 0, 0, NULL, 0, 0, 1)",
	} {
		wantRefused(t, db, columns+strings.ReplaceAll(row, "HASH", hash), byCheck, byCheckMySQL)
	}
	wantVerified(t, mysql.New(db), l)
}

// TestAnEntryIsSealedOnce changes each column of an unsealed entry while sealing it: sealing alone is allowed.
func TestAnEntryIsSealedOnce(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	startLedger(t, mysql.New(db), nil)
	for _, statement := range []string{
		"CREATE TABLE copy AS SELECT * FROM bursar_entry WHERE seq = 4",
		"UPDATE copy SET entry = 1000, request_id = REPEAT('xy', 8), seq = NULL, at = NULL, hash = NULL",
		"INSERT INTO bursar_entry SELECT * FROM copy",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	const seal = "UPDATE bursar_entry SET seq = 700, at = 1, hash = REPEAT('x', 32)"
	const here = " WHERE entry = 1000"
	columns := []string{"entry", "book", "kind", "request_id", "leg", "from_account", "to_account",
		"amount", "amount_hi",
		"from_version", "from_balance", "from_balance_hi", "from_held", "from_held_hi", "to_version", "to_balance",
		"to_balance_hi",
		"to_held", "to_held_hi", "from_prev", "to_prev", "effective", "decided"}
	var count int
	const all = "SELECT count(*) FROM information_schema.columns " +
		"WHERE table_schema = DATABASE() AND table_name = 'bursar_entry'"
	must(t, db.QueryRowContext(t.Context(), all).Scan(&count))
	if count != len(columns)+3 {
		t.Fatalf("the journal has %d columns, this test knows %d", count, len(columns)+3)
	}
	for _, column := range columns {
		value := "coalesce(" + column + ", 0) + 1"
		if strings.HasPrefix(column, "request") {
			value = "REVERSE(" + column + ")"
		}
		wantRefused(t, db, seal+", "+column+" = "+value+here, byTrigger)
		wantRefused(t, db, "UPDATE bursar_entry SET "+column+" = "+value+here, byTrigger)
	}
	_, err := db.ExecContext(t.Context(), seal+here)
	must(t, err)
	wantRefused(t, db, seal+here, byTrigger)
}

// schema is all that a migration makes.
func schema(t *testing.T, db *sql.DB) (all map[string]string) {
	t.Helper()
	all = map[string]string{}
	rows, err := db.QueryContext(t.Context(), `SELECT CONCAT('TABLE ', table_name) FROM information_schema.tables
			WHERE table_schema = DATABASE()
		UNION ALL SELECT CONCAT('TRIGGER ', trigger_name) FROM information_schema.triggers WHERE trigger_schema = DATABASE()`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		all[name] = ""
	}
	must(t, rows.Err())
	for name := range all {
		// The third column of a trigger and the second of the others is what made it.
		made, err := db.QueryContext(t.Context(), "SHOW CREATE "+name)
		must(t, err)
		columns, err := made.Columns()
		must(t, err)
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if made.Next() {
			must(t, made.Scan(targets...))
		}
		must(t, errors.Join(made.Err(), made.Close()))
		// MySQL keeps a semicolon that the statement came with.
		all[name] = strings.TrimSuffix(values[1+len("x")*strings.Count(name, "TRIGGER ")].String, ";")
	}
	return all
}

// byAnotherTool applies the files as golang-migrate does, many statements at a time.
func byAnotherTool(t *testing.T, db *sql.DB) {
	t.Helper()
	files, err := fs.Glob(mysql.Migrations(), "*.sql")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no migrations")
	}
	for _, file := range files {
		text, err := fs.ReadFile(mysql.Migrations(), file)
		must(t, err)
		if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}

func TestMigrationsWithAnotherTool(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	byAnotherTool(t, openDB(t, server.URL(), "multiStatements=true"))
	db := openDB(t, server.URL())
	store := mysql.New(db)
	if have, want, err := store.Schema(t.Context()); err != nil || have != want || have == 0 {
		t.Fatalf("schema %d of %d, %v", have, want, err)
	}
	must(t, store.Migrate(t.Context()))
	wantBalance(t, startLedger(t, store, nil), "users:1", "100.00 USD")

	own := openDB(t, sqltest.MariaDB(t).URL())
	must(t, mysql.New(own).Migrate(t.Context()))
	other := openDB(t, sqltest.MariaDB(t).URL(), "multiStatements=true")
	byAnotherTool(t, other)
	if diff := cmp.Diff(schema(t, own), schema(t, other)); diff != "" {
		t.Errorf("schemas (-Migrate +another tool):\n%s", diff)
	}
}

// TestAMigrationThatIsCutShort loses the connection at many statements of the migration, and migrates again.
func TestAMigrationThatIsCutShort(t *testing.T) {
	t.Parallel()
	whole := openDB(t, sqltest.MariaDB(t).URL())
	must(t, mysql.New(whole).Migrate(t.Context()))
	want := schema(t, whole)
	for _, at := range []struct {
		point sqltest.Point
		text  string
	}{
		{sqltest.BeforeSend, "CREATE TABLE IF NOT EXISTS bursar_migration"},
		{sqltest.AfterSend, "CREATE TABLE IF NOT EXISTS bursar_account"},
		{sqltest.BeforeAnswer, "CREATE TABLE IF NOT EXISTS bursar_backdated"},
		{sqltest.AfterSend, "CREATE TRIGGER bursar_entry_update"},
		{sqltest.BeforeSend, "CREATE TRIGGER bursar_head_delete"},
		{sqltest.BeforeAnswer, "VIEW bursar_transfers"},
		{sqltest.BeforeSend, "INSERT INTO bursar_migration"},
		{sqltest.BeforeAnswer, "INSERT INTO bursar_migration"},
		{sqltest.BeforeAnswer, "UPDATE bursar_migration"},
		{sqltest.BeforeSend, "RELEASE_LOCK"},
	} {
		t.Run(at.text+" "+at.point.String(), func(t *testing.T) {
			t.Parallel()
			server := sqltest.MariaDB(t)
			proxy := sqltest.NewProxy(t, server)
			trap := proxy.CutNext(at.point, sqltest.Containing(at.text))
			err := openStore(t, proxy.URL()).Migrate(t.Context())
			select {
			case <-trap.Caught():
			default:
				t.Fatal("the statement did not come")
			}
			if at.text != "RELEASE_LOCK" {
				wantCode(t, err, bursar.CodeUnavailable)
			}
			store := openStore(t, server.URL())
			must(t, store.Migrate(t.Context()))
			if diff := cmp.Diff(want, schema(t, openDB(t, server.URL()))); diff != "" {
				t.Errorf("schemas (-whole +cut short):\n%s", diff)
			}
			wantBalance(t, startLedger(t, store, nil), "users:1", "100.00 USD")
		})
	}
}

// TestMigratingWaitsForOthers holds the lock of another program that migrates.
func TestMigratingWaitsForOthers(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	db := openDB(t, server.URL())
	conn, err := db.Conn(t.Context())
	must(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "SELECT GET_LOCK(CONCAT('bursar_', LEFT(SHA2(DATABASE(), 256), 40)), 0)")
	must(t, err)
	proxy := sqltest.NewProxy(t, server)
	asked := proxy.Trap(sqltest.AfterSend, sqltest.Containing("GET_LOCK"))
	done := make(chan error, 1)
	other := openStore(t, proxy.URL())
	go func() { done <- other.Migrate(t.Context()) }()
	<-asked.Caught()
	asked.Release()
	must(t, openStore(t, sqltest.MariaDB(t).URL()).Migrate(t.Context())) // another database is free
	select {
	case err := <-done:
		t.Errorf("it did not wait: %v", err)
	default:
	}
	_, err = conn.ExecContext(t.Context(), "SELECT RELEASE_LOCK(CONCAT('bursar_', LEFT(SHA2(DATABASE(), 256), 40)))")
	must(t, err)
	must(t, <-done)
}
