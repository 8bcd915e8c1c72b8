package postgres

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// wholesale is a step of a plan that reads more than what was asked for.
var wholesale = regexp.MustCompile(`Seq Scan on bursar_|Hash Join|Merge Join|Join Filter|Materialize`)

// TestPlansAreLookups prepares what a post uses while the tables are empty, as a program does that begins with a new
// database, and looks at the plans that its connections then keep.
func TestPlansAreLookups(t *testing.T) {
	t.Parallel()
	db := sqltest.Postgres(t).Open(t)
	db.SetMaxOpenConns(1)
	if err := NewSQL(db).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("SET plan_cache_mode = force_generic_plan")
	s := statements(postgresql)
	for name, query := range map[string]string{
		"turn": s.Turn, "lock_accounts": s.LockAccounts.Text(1), "try_accounts": s.TryAccounts.Text(1),
		"read_accounts": s.ReadAccounts.Text(1), "paths": s.Paths.Text(1),
		"lock_versions": s.LockVersions.Text(1), "known": s.Known.Text(1), "taken": s.Taken.Text(1), "head": s.Head,
		"lock_head":     s.LockHead,
		"unsealed_keys": s.UnsealedKeys, "try_entries": s.TryEntries.Text(1), "entries_of": s.EntriesOf.Text(1),
		"update_balances": s.UpdateBalances.Text(1), "seal_entries": s.SealEntries.Text(1), "update_head": s.UpdateHead,
		"account": s.Account, "accounts": s.Accounts, "request": s.Request, "request_entries": s.RequestEntries,
		"journal": s.Journal, "back": s.Back, "history": s.History, "accounts_of": s.AccountsOf.Text(1),
		"referenced": s.Referenced, "mark_seq": s.MarkSeq, "mark_version": s.MarkVersion, "backdated": s.Backdated,
		"audit_entries": s.AuditEntries, "audit_requests_of": s.AuditRequestsOf.Text(1),
	} {
		exec("PREPARE " + name + " AS " + query)
		if plan := planOf(t, db, name); wholesale.MatchString(plan) {
			t.Errorf("%s is planned as\n%s", name, plan)
		}
	}
	exec("PREPARE whole AS SELECT 1 FROM bursar_entry WHERE amount = $1")
	if plan := planOf(t, db, "whole"); !wholesale.MatchString(plan) {
		t.Errorf("this test does not see a whole table being read:\n%s", plan)
	}
}

// TestBlocksOfKeysAreAsLargeAsTheSequenceSays compares what the store hands out with what the database gave to it.
func TestBlocksOfKeysAreAsLargeAsTheSequenceSays(t *testing.T) {
	t.Parallel()
	db := sqltest.Postgres(t).Open(t)
	if err := NewSQL(db).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const increment = "SELECT increment_by FROM pg_sequences WHERE sequencename = 'bursar_key'"
	var got int64
	if err := db.QueryRowContext(t.Context(), increment).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if want := dialect(postgresql).Limits.Keys; got != want {
		t.Errorf("bursar_key goes up by %d, and the store hands out %d", got, want)
	}
}

// planOf is the plan of a prepared statement, whatever its parameters are.
func planOf(t *testing.T, db *sql.DB, name string) string {
	t.Helper()
	var parameters int
	const count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = $1"
	if err := db.QueryRowContext(t.Context(), count, name).Scan(&parameters); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	nulls := strings.TrimSuffix(strings.Repeat("NULL, ", parameters), ", ")
	rows, err := db.QueryContext(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE %s (%s)", name, nulls))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
