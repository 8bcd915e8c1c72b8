package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// misset is a server, or a connection, with a setting under which a ledger is not safe.
type misset struct {
	name string
	// set and unset are statements for an administrator; query is what the URL of the commands and of the application
	// has instead.
	set, unset, query string
	shows             string        // a query that answers true when new connections have it; empty where set is enough
	only              func() bool   // nil for everywhere
	behind            func() string // the URL of a pooler that stands before the server, instead
	code              bursar.Code
	remedy            string
	in                string // what In says instead of code and remedy
	migrate, serve    string // the remedies that these name instead
	reads             bool   // serve starts all the same, and refuses to post
}

// place is where the rows of one engine are tried: a database with a ledger in it, and an empty one.
type place struct {
	engine       string
	ledger, none string // URLs
	admin        *sql.DB
	// in begins a database transaction of an application whose handle was opened with a query of its own.
	in func(t *testing.T, url string) (driver.CallerTx, *sql.Tx, error)
}

// TestMissetServers says the same of a setting that loses money to whoever meets it: bursar migrate on an empty
// database, which stays empty, bursar serve, and an application that posts in its own database transaction.
func TestMissetServers(t *testing.T) {
	t.Run("postgres", onMissetPostgres)
	t.Run("mariadb", onMissetMariaDB)
	t.Run("standby", onStandby)
	t.Run("replica", onReadOnlyReplica)
	t.Run("galera", onNodeAlone)
}

func onMissetPostgres(t *testing.T) {
	t.Parallel()
	server := sqltest.PrivatePostgres(t)
	p := place{engine: "PostgreSQL", ledger: server.URL(), none: empty(t, server), admin: server.Open(t), in: inPostgres}
	rows := []misset{
		{name: "PgBouncer: pool_mode = statement", code: bursar.CodeUnsupported, remedy: "set its pool_mode to transaction",
			in:     "transaction blocks not allowed", // the application's own BEGIN
			behind: func() string { return sqltest.Bouncer(t, server, "statement").URL() }},
		{name: "PgBouncer: max_prepared_statements = 0", code: bursar.CodeUnsupported, remedy: "set max_prepared_statements",
			behind: func() string { return sqltest.Bouncer(t, server, "transaction", "max_prepared_statements = 0").URL() }},
	}
	reload := func(name, value string) (set, unset, shows string) {
		return "ALTER SYSTEM SET " + name + " = " + value, "ALTER SYSTEM RESET " + name,
			"SELECT current_setting('" + name + "') = '" + value + "'"
	}
	role := func(name, value string) (set, unset, shows string) {
		return "ALTER ROLE CURRENT_USER SET " + name + " = " + value, "ALTER ROLE CURRENT_USER RESET " + name, ""
	}
	for _, setting := range []struct {
		name, value, remedy, in string
		by                      func(name, value string) (set, unset, shows string)
	}{
		{"fsync", "off", "turn it on", "", reload},
		{"full_page_writes", "off", "turn it on", "", reload},
		{"synchronous_commit", "off", "set it to on", "", role},
		{"session_replication_role", "replica", "set it to origin", "", role},
		{"client_encoding", "LATIN1", "set it to UTF8", "", role},
		{"default_transaction_read_only", "on", "set it to off", "begin one that may write", role},
	} {
		row := misset{name: setting.name + " = " + setting.value, code: bursar.CodeUnsafeTransaction,
			remedy: setting.remedy, in: setting.in}
		row.set, row.unset, row.shows = setting.by(setting.name, setting.value)
		rows = append(rows, row)
	}
	p.try(t, rows)
}

func onMissetMariaDB(t *testing.T) {
	t.Parallel()
	server := sqltest.PrivateMariaDB(t)
	maria := server.Engine() == sqltest.MariaDBEngine
	p := place{engine: "MariaDB", ledger: server.URL(), none: empty(t, server), admin: server.Open(t), in: inMySQL}
	if !maria {
		p.engine = "MySQL"
	}
	global := func(name, value, usual, remedy string) misset {
		return misset{name: name + " = " + value, set: "SET GLOBAL " + name + " = " + value,
			unset: "SET GLOBAL " + name + " = " + usual, code: bursar.CodeUnsafeTransaction, remedy: remedy}
	}
	rows := []misset{
		global("innodb_flush_log_at_trx_commit", "2", "1", "set it to 1"),
		global("innodb_flush_log_at_trx_commit", "0", "1", "set it to 1"),
		global("unique_checks", "0", "1", "turn it on"),
		global("sql_select_limit", "10", "DEFAULT", "SET sql_select_limit = DEFAULT"),
		{name: "sql_mode without STRICT_TRANS_TABLES", query: "sql_mode=%27%27", code: bursar.CodeUnsafeTransaction,
			remedy: "add STRICT_TRANS_TABLES"},
		{name: "collation of the connection = latin1_bin", query: "collation=latin1_bin", code: bursar.CodeUnsafeTransaction,
			remedy: "collation=utf8mb4_bin"},
	}
	if maria {
		rows = append(rows, global("check_constraint_checks", "0", "1", "turn it on"))
	} else { // which writes a binary log unless it is told not to
		rows = append(rows, global("sync_binlog", "0", "1", "set it to 1"))
	}
	p.try(t, rows)
}

func inPostgres(t *testing.T, url string) (driver.CallerTx, *sql.Tx, error) {
	t.Helper()
	tx, err := begin(t, "pgx", url)
	return postgres.Tx(tx), tx, err
}

func inMySQL(t *testing.T, url string) (driver.CallerTx, *sql.Tx, error) {
	t.Helper()
	dsn, err := mysql.DSN(url)
	if err != nil {
		return nil, nil, err
	}
	tx, err := begin(t, "mysql", dsn)
	return mysql.Tx(tx), tx, err
}

// begin begins over a handle of the application's own, which is closed with the test.
func begin(t *testing.T, driverName, dsn string) (*sql.Tx, error) {
	t.Helper()
	db, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = db.Close() })
	return db.BeginTx(t.Context(), nil)
}

// empty makes one more database on a server and returns its URL.
func empty(t *testing.T, server *sqltest.Server) string {
	t.Helper()
	name := server.Database() + "_none"
	if _, err := server.Open(t).ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return server.With(name).URL()
}

// try tries each row, and then that the commands work when all is set right.
func (p *place) try(t *testing.T, rows []misset) {
	l := p.stock(t, p.ledger)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { p.one(t, l, &row) })
	}
	if p.none != "" {
		p.command(t, p.none, "migrate", "")
	}
}

// stock makes a ledger with two accounts and returns it.
func (p *place) stock(t *testing.T, url string) *ledger.Ledger {
	t.Helper()
	p.command(t, url, "migrate", "")
	l := openedOn(t, url)
	for _, path := range []string{"world", "users:1"} {
		opening := bursar.Opening{Path: path, Currency: money.MustParse("1.00 USD").Currency(), NoMin: true}
		if _, err := l.OpenAccount(t.Context(), opening); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// openedOn opens a ledger for as long as the test runs.
func openedOn(t *testing.T, url string) *ledger.Ledger {
	t.Helper()
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	l, err := ledger.New(t.Context(), s, &ledger.Options{SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (p *place) one(t *testing.T, l *ledger.Ledger, row *misset) {
	at, none := p.ledger, p.none
	if row.behind != nil {
		at, none = row.behind(), ""
	}
	at = withQuery(at, row.query)
	if none != "" {
		none = withQuery(none, row.query)
	}
	if row.set != "" {
		p.exec(t, row.set, row.shows)
		defer func() { p.exec(t, row.unset, strings.Replace(row.shows, " = ", " <> ", 1)) }()
	}
	said := map[string]string{}
	if row.reads {
		said["serve"] = p.answer(t, at)
	} else {
		said["serve"] = p.command(t, at, "serve --listen 127.0.0.1:0", row.code)
	}
	if none != "" {
		said["migrate"] = p.command(t, none, "migrate", row.code)
	} else {
		said["migrate"] = p.command(t, at, "migrate", row.code)
	}
	for range 2 { // the second meets what the first has prepared
		said["In"] = p.inside(t, l, at)
	}
	row.compare(t, said)
	p.document(t, row, said)
	t.Logf("%s, %s\n  migrate  %s\n  serve    %s\n  In       %s", p.engine, row.name, said["migrate"], said["serve"],
		said["In"])
}

// compare holds what was said against what the row wants.
func (row *misset) compare(t *testing.T, said map[string]string) {
	t.Helper()
	for what, text := range said {
		if what == "In" && row.in != "" {
			if !strings.Contains(text, row.in) {
				t.Errorf("In: %s\nwant %q", text, row.in)
			}
			continue
		}
		remedy := row.remedy
		switch what {
		case "migrate":
			remedy = cmp.Or(row.migrate, remedy)
		case "serve":
			remedy = cmp.Or(row.serve, remedy)
		}
		if !strings.HasPrefix(text, string(row.code)+": ") || !strings.Contains(text, remedy) {
			t.Errorf("%s: %s\nwant %s and %q", what, text, row.code, remedy)
		}
	}
}

// document holds docs/engines.md against what was said, without the error behind it.
func (p *place) document(t *testing.T, row *misset, said map[string]string) {
	t.Helper()
	if t.Failed() {
		return
	}
	own := func(text string) string {
		text = strings.TrimPrefix(text, string(row.code)+": ")
		for _, mark := range []string{": atomic: ", ": lock accounts: ", ": ERROR: ", ": the server takes no writes"} {
			text, _, _ = strings.Cut(text, mark)
		}
		return text
	}
	in := own(said["In"])
	if in == own(said["serve"]) {
		in = "the same"
	}
	serve := own(said["serve"])
	if row.reads {
		serve = "migrate: " + own(said["migrate"]) + "; serve serves what reads, and answers 503 to what posts: " + serve
	}
	sqltest.Document(t, "settings", 2, p.engine, row.name, string(row.code), serve, in)
}

func withQuery(url, query string) string {
	switch {
	case query == "":
		return url
	case strings.Contains(url, "?"):
		return url + "&" + query
	default:
		return url + "?" + query
	}
}

// exec runs a statement of an administrator's and waits until new connections have what it set.
func (p *place) exec(t *testing.T, statement, shows string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	must := func(err error) {
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	_, err := p.admin.ExecContext(ctx, statement)
	must(err)
	if shows == "" {
		return
	}
	_, err = p.admin.ExecContext(ctx, "SELECT pg_reload_conf()")
	must(err)
	for done := false; !done; {
		db, err := sql.Open("pgx", p.ledger)
		must(err)
		must(errors.Join(db.QueryRowContext(ctx, shows).Scan(&done), db.Close()))
	}
}

// command runs a command, which must end with the exit code of an error, and returns what it said of it.
func (p *place) command(t *testing.T, url, command string, code bursar.Code) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // serve would go on for ever
	defer cancel()
	var errs strings.Builder
	e := &env{stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs, getenv: noVariables, patience: time.Minute}
	want := 0
	if code != "" {
		want = bursar.Describe(code).Exit
	}
	if exit := run(ctx, e, append([]string{"--db", url}, strings.Fields(command)...)); exit != want {
		t.Errorf("%s: exit %d, want %d: %s", command, exit, want, errs.String())
	}
	_, text, _ := strings.Cut(errs.String(), "bursar: error: ")
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// inside posts in a database transaction of the application's.
func (p *place) inside(t *testing.T, l *ledger.Ledger, url string) string {
	t.Helper()
	caller, tx, err := p.in(t, url)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = tx.Rollback() }()
	_, err = l.In(caller).Post(t.Context(), bursar.Transfer{Legs: []bursar.Leg{
		{From: "world", To: "users:1", Amount: money.MustParse("1.00 USD")},
	}})
	if err == nil {
		return "posted"
	}
	return err.Error()
}
