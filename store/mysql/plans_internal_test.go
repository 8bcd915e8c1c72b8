package mysql

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// fill makes a journal of 20,000 sealed entries between 1,000 accounts, and 100 that are not sealed.
var fill = []string{
	`CREATE TABLE n (seq INT PRIMARY KEY)`,
	`INSERT INTO n WITH RECURSIVE r (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 149)
		SELECT 150 * a.i + b.i + 1 FROM r a CROSS JOIN r b WHERE 150 * a.i + b.i < 20100`,
	"INSERT INTO bursar_book (name, uuid, genesis) VALUES ('main', REPEAT('u', 16), REPEAT('g', 32))",
	"INSERT INTO bursar_head (book, seq, at, hash) VALUES (1, 20000, 1, REPEAT('h', 32))",
	"INSERT INTO bursar_account (account, book, path, currency, scale, opened) " +
		"SELECT seq, 1, CONCAT('users:', seq * 769 % 1000), 'USD', 2, 0 FROM n WHERE seq <= 1000",
	"INSERT INTO bursar_balance (account, version, balance, available, decided, last_entry) SELECT seq, 1, 0, 0, 0, 0 " +
		"FROM n WHERE seq <= 1000",
	`INSERT INTO bursar_request (book, id, content, decided, last_entry, reference)
		SELECT 1, LPAD(seq, 16, '0'), 'content', 1, seq, IF(seq % 10 = 0, CONCAT('order ', seq), NULL)
		FROM n WHERE seq <= 20100`,
	`INSERT INTO bursar_entry (entry, book, seq, at, hash, kind, request_id, leg, from_account, to_account,
			amount, to_version, to_balance, decided, from_prev)
		SELECT seq, 1, IF(seq > 20000, NULL, seq), IF(seq > 20000, NULL, seq), IF(seq > 20000, NULL, REPEAT('h', 32)), 1,
				LPAD(seq, 16, '0'), 0,
			1 + seq % 500, 501 + seq % 500, 1, 1, 1, 0, GREATEST(seq - 1, 0) FROM n WHERE seq <= 20100`,
	"INSERT INTO bursar_checkpoint (account, version, seq, entry) SELECT 1 + seq % 500, seq, seq, seq " +
		"FROM n WHERE seq <= 5000",
	"INSERT INTO bursar_backdated (account, effective, entry) SELECT 1 + seq % 500, seq, seq FROM n WHERE seq <= 5000",
	"ANALYZE TABLE bursar_account, bursar_balance, bursar_request, bursar_entry, bursar_checkpoint, bursar_backdated",
}

// plan is what the server makes of a statement: the keys by which it comes to the rows of each table. Where sorted is
// set, it reads no more rows than the page has.
type plan struct {
	name, statement string
	args            []any
	keys            map[string]string
	sorted          bool
}

func plans() []plan {
	const primary, path, places, id = "PRIMARY", "bursar_account_path", "bursar_entry_seq", "bursar_request_id"
	const taken = "bursar_entry_id"
	entries := map[string]string{"e": primary, "f": primary, "t": primary}
	page := map[string]string{"e": places}
	s := statements(mariaDB)
	return []plan{
		{
			"LockAccounts", s.LockAccounts.Text(3), []any{1, "users:5", "users:700", "nobody"},
			map[string]string{"bursar_account": path, "b": primary}, false,
		},
		{
			"TryAccounts", s.TryAccounts.Text(3), []any{1, "users:5", "users:700", "nobody"},
			map[string]string{"bursar_account": path, "b": primary}, false,
		},
		{
			"ReadAccounts", s.ReadAccounts.Text(3), []any{1, "users:5", "users:700", "nobody"},
			map[string]string{"a": path, "b": primary}, false,
		},
		{"LockVersions", s.LockVersions.Text(3), []any{5, 7, 9}, map[string]string{"bursar_balance": primary}, true},
		{
			"Known", s.Known.Text(3), []any{1, "0000000000000007", "0000000000000017", "x"},
			map[string]string{"k": taken, "r": id, "l": primary, "f": primary, "t": primary}, false,
		},
		{
			"Taken", s.Taken.Text(3), []any{1, "order 10", "order 11", "order 12"},
			map[string]string{"bursar_request": "bursar_request_reference"}, false,
		},
		{"UnsealedKeys", s.UnsealedKeys, []any{1}, map[string]string{"bursar_entry": places}, false},
		{"TryEntries", s.TryEntries.Text(3), []any{20001, 20002, 20003}, map[string]string{"bursar_entry": primary}, false},
		{"EntriesOf", s.EntriesOf.Text(3), []any{20001, 20002, 20003},
			map[string]string{"e": primary, "f": primary, "t": primary, "r": id}, true},
		{
			"Accounts", s.Accounts, []any{1, "users:4", "users:", "users:\x7f", 100}, map[string]string{"a": path, "b": primary},
			true,
		},
		{"RequestEntries", s.RequestEntries, []any{1, "0000000000000777", 777}, entries, false},
		{
			"AccountsOf", s.AccountsOf.Text(3), []any{1, "users:5", "users:700", "nobody"},
			map[string]string{"a": path, "b": primary}, false,
		},
		{
			"Referenced", s.Referenced, []any{1, "order 10"},
			map[string]string{"bursar_request": "bursar_request_reference"}, false,
		},
		{
			"Journal", s.Journal, []any{1, 19000, 100},
			map[string]string{"e": places, "f": primary, "t": primary, "r": id}, true,
		},
		{"Back", s.Back, []any{5, 20000, 100}, entries, false},
		{
			"History", s.History, []any{5, 20000, 100},
			map[string]string{"e": primary, "f": primary, "t": primary, "r": id, "l": primary}, false,
		},
		{"MarkSeq", s.MarkSeq, []any{5, 100}, map[string]string{"bursar_checkpoint": "bursar_checkpoint_seq"}, true},
		{"MarkVersion", s.MarkVersion, []any{5, 100}, map[string]string{"bursar_checkpoint": primary}, true},
		{"Backdated", s.Backdated, []any{5, 4000, 100}, map[string]string{"d": primary, "e": primary}, false},
		{
			"AuditEntries", s.AuditEntries, []any{1, 19000, 19000, 100},
			map[string]string{"e": places, "c": primary, "d": primary, "k": primary}, true,
		},
		{"AuditUnsealed", s.AuditUnsealed, []any{1, 19000, 100}, page, false},
		{"AuditRequests", s.AuditRequests, []any{1, 15000, 100}, map[string]string{"r": primary, "e": primary}, true},
		{"AuditAccounts", s.AuditAccounts, []any{1, 500, 100}, map[string]string{"a": primary, "b": primary}, true},
	}
}

// TestPlans keeps the server from reading whole tables for what needs few of their rows.
func TestPlans(t *testing.T) {
	t.Parallel()
	url := sqltest.MariaDB(t).URL()
	store, err := Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	dsn, err := DSN(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range fill {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for _, p := range plans() {
		t.Run(p.name, func(t *testing.T) { p.check(t, db) })
	}
}

func (p plan) check(t *testing.T, db *sql.DB) {
	seen := map[string]bool{}
	for _, step := range explain(t, db, strings.TrimPrefix(p.statement, anyVersion), p.args) {
		table, key, how, extra := step["table"], step["key"], step["type"], step["Extra"]
		want, known := p.keys[table]
		if seen[table] = true; !known {
			continue
		}
		if key != want || how == "ALL" || how == "index" {
			t.Errorf("%s is read by the key %q (%s), want %s", table, key, how, want)
		}
		if p.sorted && (strings.Contains(extra, "filesort") || strings.Contains(extra, "temporary")) {
			t.Errorf("%s is sorted: %s", table, extra)
		}
	}
	for table := range p.keys {
		if !seen[table] {
			t.Errorf("the plan does not speak of %s", table)
		}
	}
}

// explain returns the steps of a plan, by the names of the columns: MySQL has more of them than MariaDB, and another
// form by default.
func explain(t *testing.T, db *sql.DB, statement string, args []any) []map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN FORMAT=TRADITIONAL "+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var steps []map[string]string
	for rows.Next() {
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		step := map[string]string{}
		for i, name := range names {
			step[name] = values[i].String
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
