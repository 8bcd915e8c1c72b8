package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// TestTiDBIsAskedWhatItHas looks through all statements for what TiDB refuses or takes for something else.
func TestTiDBIsAskedWhatItHas(t *testing.T) {
	t.Parallel()
	d := tiDBDialect()
	texts, others := fmt.Sprintf("%+v", d.Statements), fmt.Sprintf("%+v", statements(mariaDB))
	for _, text := range []string{"SKIP LOCKED", "information_schema.table_constraints", "enforced = 'YES'"} {
		if strings.Contains(texts, text) {
			t.Errorf("a statement has %s: %s", text, texts)
		}
		if !strings.Contains(others, text) {
			t.Errorf("this test does not see the %s of the others", text)
		}
	}
	if want, got := strings.Count(others, "SKIP LOCKED"), strings.Count(texts, "NOWAIT"); got != want || got != 3 {
		t.Errorf("%d statements do not wait, want the %d that have SKIP LOCKED elsewhere", got, want)
	}
	if of := regexp.MustCompile(`FOR (UPDATE|SHARE) OF`).FindString(texts); of != "" {
		t.Errorf("a statement has %s", of)
	}
	for _, unknown := range []string{"@@log_bin", "@@sync_binlog"} {
		if strings.Contains(readTiDB, unknown) || !strings.Contains(readSettings, unknown) {
			t.Errorf("TiDB does not have %s, and the others do: %s, %s", unknown, readTiDB, readSettings)
		}
	}
	for _, mode := range []driver.Mode{driver.ModeQueue, driver.ModeLocks, driver.ModeSwap, driver.ModeHybrid,
		driver.ModeSealing} {
		if got := d.Isolation(mode); got != sql.LevelReadCommitted {
			t.Errorf("the level of mode %v is %v", mode, got)
		}
	}
}

// TestTiDBHasNoSerializable names the remedy before anything is sent.
func TestTiDBHasNoSerializable(t *testing.T) {
	t.Parallel()
	d := tiDBDialect()
	_, err := d.Atomic.Begin(t.Context(), nil, atomic.Mode{Isolation: d.Isolation(driver.ModeSerializable)})
	if bursar.CodeOf(err) != bursar.CodeUnsupported || !strings.Contains(err.Error(), "another strategy") {
		t.Errorf("%v, want a refusal with the remedy", err)
	}
}

// TestSettingsOfTiDB are those that a connection must have, each with its remedy.
func TestSettingsOfTiDB(t *testing.T) {
	t.Parallel()
	good := tiDBSession{
		session: session{
			version: "8.0.11-TiDB-v8.5.0", mode: "STRICT_TRANS_TABLES", client: charset, connection: charset, results: charset,
			flush: 1, uniqueChecks: true, selectLimit: noSelectLimit, readOnly: "OFF", checks: true,
			level: "READ-COMMITTED",
		},
		enforced: true, txnMode: pessimistic, inPlace: true,
	}
	for _, tt := range []struct {
		name   string
		change func(*tiDBSession)
		want   bursar.Code // empty if it is as it must be
		remedy string
	}{
		{"as it must be", func(*tiDBSession) {}, "", ""},
		{"the oldest", func(s *tiDBSession) { s.version = "8.0.11-TiDB-v7.5.0" }, "", ""},
		{"of no release", func(s *tiDBSession) { s.version = "8.0.11-TiDB-None" }, "", ""},
		{"too old", func(s *tiDBSession) { s.version = "5.7.25-TiDB-v7.1.6-12-gabc" }, bursar.CodeUnsupported, "TiDB 7.5"},
		{"no CHECK", func(s *tiDBSession) { s.enforced = false }, bursar.CodeUnsafeTransaction,
			"SET GLOBAL tidb_enable_check_constraint = ON"},
		{"unique keys late", func(s *tiDBSession) { s.inPlace = false }, bursar.CodeUnsafeTransaction, "turn it on"},
		{"the past", func(s *tiDBSession) { s.snapshot = "2026-01-01" }, bursar.CodeUnsafeTransaction, "reset both"},
		{"the recent past", func(s *tiDBSession) { s.staleness = -5 }, bursar.CodeUnsafeTransaction, "reset both"},
		{"not strict", func(s *tiDBSession) { s.mode = "" }, bursar.CodeUnsafeTransaction, "add STRICT_TRANS_TABLES"},
		{"safe updates", func(s *tiDBSession) { s.safeUpdates = true }, bursar.CodeUnsafeTransaction, "turn it off"},
	} {
		s := good
		tt.change(&s)
		err := s.check()
		if bursar.CodeOf(err) != tt.want || err != nil && !strings.Contains(err.Error(), tt.remedy) {
			t.Errorf("%s: %v, want %q with %q", tt.name, err, tt.want, tt.remedy)
		}
	}
	optimistic := good
	optimistic.txnMode = "optimistic"
	if err := optimistic.check(); err != nil {
		t.Errorf("the ledger's own database transactions are pessimistic by themselves: %v", err)
	}
	if err := optimistic.checkMode((*atomic.Tx)(nil)); err != nil {
		t.Errorf("so are those of package atomic: %v", err)
	}
	if err := optimistic.checkMode((*sql.Tx)(nil)); bursar.CodeOf(err) != bursar.CodeUnsafeTransaction {
		t.Errorf("an application's own: %v", err)
	}
	if err := good.checkMode((*sql.Tx)(nil)); err != nil {
		t.Error(err)
	}
}

// TestTheOtherServerIsNamed is TiDB opened as MySQL, and MySQL opened as TiDB.
func TestTheOtherServerIsNamed(t *testing.T) {
	t.Parallel()
	s := session{version: "8.0.11-TiDB-v8.5.0"}
	for _, tt := range []struct {
		err    error
		remedy string
	}{
		{s.check(), "tidb://"},
		{lostMariaDB{}.noReadOnly(atomic.Mode{ReadOnly: true}, &gomysql.MySQLError{Number: 1235}), "tidb://"},
		{noTiDB(&gomysql.MySQLError{Number: 1193, Message: "Unknown system variable 'tidb_txn_mode'"}), "mysql://"},
	} {
		if bursar.CodeOf(tt.err) != bursar.CodeUnsupported || !strings.Contains(tt.err.Error(), tt.remedy) {
			t.Errorf("%v, want %s with %s", tt.err, bursar.CodeUnsupported, tt.remedy)
		}
	}
	if err := (lostMariaDB{}).noReadOnly(atomic.Mode{ReadOnly: true}, nil); err != nil {
		t.Error(err)
	}
	if err := readyTiDB(t.Context(), overSQL{sqltest.MariaDB(t).Open(t)}); bursar.CodeOf(err) != bursar.CodeUnsupported {
		t.Errorf("MariaDB opened as TiDB: %v", err)
	}
}

// overSQL runs statements on any connection of a pool.
type overSQL struct{ *sql.DB }

func (e overSQL) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := e.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (e overSQL) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	return e.QueryContext(ctx, query, args...)
}

// onMariaDB is TiDB's dialect with what MariaDB needs to begin a database transaction.
func onMariaDB() sqlstore.Dialect {
	d, maria := tiDBDialect(), dialect(mariaDB)
	d.Atomic, d.Admit, d.Ready = maria.Atomic, maria.Admit, maria.Ready
	return d
}

// TestTheSchemaOfTiDB applies its migration to MariaDB, which takes it as well, and looks for what is missing.
func TestTheSchemaOfTiDB(t *testing.T) {
	t.Parallel()
	db := sqltest.MariaDB(t).Open(t, settingsForTests...)
	store := sqlstore.New(db, onMariaDB(), nil)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	audit := func() (schema driver.AuditedSchema) {
		t.Helper()
		err := store.Read(t.Context(), func(ctx context.Context, r driver.Reader) (err error) {
			schema, err = r.(driver.Auditor).AuditSchema(ctx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
	if schema := audit(); len(schema.Faults) > 0 {
		t.Errorf("%+v", schema)
	}
	if _, err := db.ExecContext(t.Context(), `ALTER TABLE bursar_balance DROP CONSTRAINT bursar_balance_min`); err != nil {
		t.Fatal(err)
	}
	if schema := audit(); len(schema.Faults) != 1 || !strings.Contains(schema.Faults[0], "bursar_balance_min") {
		t.Errorf("a CHECK was dropped: %+v", schema)
	}
}

// settingsForTests are those of [DSN], for a pool of sqltest's.
var settingsForTests = []string{"sql_mode='STRICT_TRANS_TABLES'", "collation=utf8mb4_bin"}

// TestAllChecksOfTiDBAreLookedFor compares the migration with the audit.
func TestAllChecksOfTiDBAreLookedFor(t *testing.T) {
	t.Parallel()
	checks := regexp.MustCompile(`CONSTRAINT (\w+) CHECK`).FindAllStringSubmatch(migration(t, TiDBMigrations()), -1)
	if len(checks) < 10 {
		t.Errorf("%d constraints", len(checks))
	}
	for _, check := range checks {
		if !strings.Contains(auditNames, "'"+check[1]+"'") {
			t.Errorf("nobody looks for %s", check[1])
		}
	}
}

// TestNoWaitStandsInForSkipLocked has a queue meet locked accounts and a locked head, with the statements that TiDB is
// sent. MariaDB takes them too; there a wait would end this test with a timeout.
func TestNoWaitStandsInForSkipLocked(t *testing.T) {
	t.Parallel()
	db := sqltest.MariaDB(t).Open(t, settingsForTests...)
	store := sqlstore.New(db, onMariaDB(), nil)
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for i := range 9 {
		paths = append(paths, fmt.Sprintf("users:%d", i))
		opening := bursar.Opening{Path: paths[i], Currency: money.USD{}.Currency()}
		if _, err := l.OpenAccount(t.Context(), opening); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(t.Context()); err != nil { // nobody seals meanwhile
		t.Fatal(err)
	}
	for _, locked := range [][]string{{}, {"users:0"}, {"users:3", "users:8"}, paths} {
		holder := hold(t, db, locked)
		err := store.Write(t.Context(), driver.ModeQueue, nil, func(ctx context.Context, tx driver.Tx) error {
			for range 2 { // the database transaction goes on
				gathered, err := tx.Gather(ctx, 1, &driver.Wanted{Paths: paths})
				if err != nil {
					return err
				}
				wantGathered(t, gathered, paths, locked)
			}
			taken, err := tx.TakeHead(ctx, 1, false)
			if (taken == nil) != (len(locked) > 0) {
				t.Errorf("%v: the head is %+v", locked, taken)
			}
			return err
		})
		if err != nil {
			t.Errorf("%v: %v", locked, err)
		}
		if err := holder.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

// hold locks accounts, and the head if there are any.
func hold(t *testing.T, db *sql.DB, paths []string) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		for _, query := range []string{`UPDATE bursar_balance SET version = version + 1
			WHERE account = (SELECT account FROM bursar_account WHERE path = ?)`,
			`UPDATE bursar_head SET at = at + 1 WHERE ? <> ''`} {
			if _, err := tx.ExecContext(t.Context(), query, path); err != nil {
				t.Fatal(err)
			}
		}
	}
	return tx
}

// wantGathered compares what was locked with what nobody else has.
func wantGathered(t *testing.T, got *driver.Gathered, paths, locked []string) {
	t.Helper()
	for _, path := range paths {
		free := !slices.Contains(locked, path)
		row := got.Accounts[path]
		if (row != nil) != free || row != nil && row.Path != path || slices.Contains(got.Blocked, path) == free {
			t.Errorf("%v are locked: %s is %+v, blocked are %v", locked, path, row, got.Blocked)
		}
	}
}

func migration(t *testing.T, files fs.FS) string {
	t.Helper()
	text, err := fs.ReadFile(files, "0001_init.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// viewsOfTiDB is what the migration says of them.
const viewsOfTiDB = "TiDB keeps MOD(a, b) in a view as a%b, without the\n" +
	"-- parentheses that a sum inside of it needs, and takes INTERVAL ( for a function unless it stands in DATE_ADD.\n"

// TestTiDBHasTheSameTables compares the two migrations: TiDB's has all but the triggers. Those alone stand between the
// marks for statements that have semicolons inside. TiDB takes a parenthesis after INTERVAL for the function of that
// name, but not inside of DATE_ADD, and keeps MOD in a view without the parentheses that it needs.
func TestTiDBHasTheSameTables(t *testing.T) {
	t.Parallel()
	triggers := regexp.MustCompile(`(?ms)^DROP TRIGGER [^\n]*\n|^-- \+goose StatementBegin\n.*?^-- \+goose StatementEnd\n`)
	interval := regexp.MustCompile(`(TIMESTAMP '[-0-9:. ]+')\n( +)\+ INTERVAL (\(.*\)) MICROSECOND AS`)
	want := triggers.ReplaceAllString(migration(t, Migrations()), "")
	mod := regexp.MustCompile(`MOD\(MOD\((e\.at|COALESCE\(e\.effective, e\.at\)), 1000\) \+ 1000, 1000\)`)
	want = mod.ReplaceAllString(want, "(($1 % 1000) + 1000) % 1000")
	want = strings.Replace(want, "is rounded down like any other.\n", "is rounded down like any other. "+viewsOfTiDB, 1)
	want = interval.ReplaceAllString(want, "DATE_ADD($1,\n${2}INTERVAL $3 MICROSECOND) AS")
	if diff := cmp.Diff(want, migration(t, TiDBMigrations())); diff != "" {
		t.Errorf("migrations (-without triggers +tidb):\n%s", diff)
	}
}
