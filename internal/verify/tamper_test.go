package verify_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/verify"
)

// table says how to tamper with a table and where verify must see it.
type table struct {
	name string
	keys string // columns of the primary key
	rows string // conditions that each select one row
	// seq is a query for the position to be named. Its parameters are the key's columns. It is empty for no position.
	seq string
	// want are checks. One of them must be named for every column that columns does not list.
	want    []verify.Check
	columns map[string][]verify.Check
	// harmless are the columns that may change, with the reason.
	harmless map[string]string
}

type checks = []verify.Check

const (
	openedAt  = `SELECT e.seq FROM bursar_entry e WHERE e.to_account = ? AND e.kind = 2`
	requestAt = `SELECT min(e.seq) FROM bursar_entry e
		JOIN bursar_request r ON r.id = e.request_id AND r.book = e.book WHERE r.request = ?`
)

var tables = []table{
	{
		name: "bursar_entry", keys: "entry",
		rows: "first: seq = 1; second opening: seq = 2; first leg: seq = 7; beyond 10^18: seq = 8; middle: seq = 41; " +
			"first of three: leg = 0 AND request_id = (SELECT request_id FROM bursar_entry WHERE leg = 2); " +
			"second of three: request_id = (SELECT request_id FROM bursar_entry WHERE leg = 2) AND leg = 1; " +
			"backdated: seq = (SELECT min(seq) FROM bursar_entry WHERE effective IS NOT NULL); " +
			"checkpoint: entry = (SELECT min(entry) FROM bursar_checkpoint); last but one: seq = 82; last: seq = 83",
		seq: `SELECT seq FROM bursar_entry WHERE entry = ?`,
		columns: map[string][]verify.Check{
			"entry":     {verify.Gapless, verify.Heads},
			"from_prev": {verify.Pointers}, "to_prev": {verify.Pointers}, "to_account": {verify.Chain, verify.Readable},
			"from_balance": {verify.Chain, verify.Readable}, "from_balance_hi": {verify.Chain, verify.Readable},
			"from_held": {verify.Chain, verify.Readable}, "from_held_hi": {verify.Chain, verify.Readable},
			"to_balance": {verify.Chain, verify.Readable}, "to_balance_hi": {verify.Chain, verify.Readable},
			"to_held": {verify.Chain, verify.Readable}, "to_held_hi": {verify.Chain, verify.Readable},
		},
		want: checks{verify.Chain},
	},
	{
		name: "bursar_request", keys: "request",
		rows: "first: request = 1; first transfer: request = 7; " +
			"with conditions: request = 9; three legs: reference = 'three legs'; last: request = 14",
		seq: requestAt, want: checks{verify.Requests, verify.Chain},
		harmless: map[string]string{"request": "names the row alone: nothing refers to it"},
	},
	{
		name: "bursar_request", keys: "request",
		rows: "refused: refusal = 'insufficient_funds'; refused later: refusal = 'reference_taken'",
		want: checks{verify.Requests, verify.Readable},
		harmless: map[string]string{
			"request": "names the row alone: nothing refers to it",
			"book":    "refusals are outside the chain, so the book that it leaves does not miss one",
		},
	},
	{
		name: "bursar_account", keys: "account",
		rows: "first: account = 1; middle: account = 3; with limits: account = 4; last: account = 6",
		seq:  openedAt, want: checks{verify.Accounts},
		columns: map[string][]verify.Check{
			"account": {verify.Readable, verify.Chain}, "path": {verify.Chain},
			"currency": {verify.Chain, verify.Readable}, "scale": {verify.Chain, verify.Readable},
		},
	},
	{
		name: "bursar_balance", keys: "account",
		rows: "first: account = 1; middle: account = 3; with limits: account = 4; last: account = 6",
		seq:  `SELECT e.seq FROM bursar_entry e JOIN bursar_balance b ON b.last_entry = e.entry WHERE b.account = ?`,
		want: checks{verify.BalanceRows, verify.Readable},
	},
	{
		name: "bursar_checkpoint", keys: "account, version", rows: "first: account = 3; last: account = 4",
		seq: `SELECT e.seq FROM bursar_entry e JOIN bursar_checkpoint c ON c.entry = e.entry
			WHERE c.account = ? AND c.version = ?`, want: checks{verify.Checkpoints},
	},
	{
		name: "bursar_backdated", keys: "account, effective, entry",
		rows: "first: entry = (SELECT min(entry) FROM bursar_backdated) AND account = 3; " +
			"last: entry = (SELECT max(entry) FROM bursar_backdated) AND account = 4",
		seq: `SELECT e.seq FROM bursar_entry e WHERE ? > 0 AND ? <> 0 AND e.entry = ?`, want: checks{verify.Backdated},
	},
	{
		name: "bursar_head", keys: "book", rows: "the book's: book = 1", seq: `SELECT seq FROM bursar_head WHERE book = ?`,
		want: checks{verify.Heads},
	},
	{name: "bursar_book", keys: "book", rows: "the book: book = 1", want: checks{verify.Genesis}},
}

// column is one column of one row.
type column struct {
	table *table
	row   string // what the row is
	where string
	name  string
	value any
}

func (c *column) String() string {
	return fmt.Sprintf("%s.%s of the %s row", c.table.name, c.name, c.row)
}

// change alters a value by one unit, by one byte, or from nothing to something. With far it alters whole numbers by
// much.
func (c *column) change(far bool) any {
	switch v := c.value.(type) {
	case int64:
		if c.mayRise() {
			return v - 1
		}
		if far {
			return v + 1_000_000
		}
		return v + 1
	case string:
		last := v[len(v)-1]
		return v[:len(v)-1] + string(rune('a'+(last+1)%26))
	case []byte:
		b := slices.Clone(v)
		b[len(b)/2] ^= 1
		return b
	default:
		switch c.name {
		case "reference", "metadata", "refusal", "refusal_field", "refusal_message":
			return "x"
		case "refusal_hash":
			return make([]byte, 32)
		default:
			return int64(1)
		}
	}
}

// mayRise reports whether a later value is fine. The head's time may be later than its entry's.
func (c *column) mayRise() bool { return c.table.name == "bursar_head" && c.name == "at" }

// each calls fn for every column of the selected rows.
func (tab *table) each(t *testing.T, raw *sql.DB, fn func(column)) {
	t.Helper()
	names := texts(t, raw, "SELECT name FROM pragma_table_info(?)", tab.name)
	for _, row := range strings.Split(tab.rows, "; ") {
		what, where, _ := strings.Cut(row, ": ")
		where += inBook(tab.name)
		values := make([]any, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		statement := "SELECT " + strings.Join(names, ", ") + " FROM " + tab.name + " WHERE " + where
		if err := raw.QueryRow(statement).Scan(targets...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		for i, name := range names {
			fn(column{table: tab, row: what, where: where, name: name, value: values[i]})
		}
	}
}

func inBook(table string) string {
	switch table {
	case "bursar_entry", "bursar_request":
		return " AND book = 1"
	default:
		return ""
	}
}

// position is where a change of the row must be seen.
func (c *column) position(t *testing.T, raw *sql.DB) int64 {
	t.Helper()
	if c.table.seq == "" {
		return 0
	}
	keys := strings.Split(c.table.keys, ", ")
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = number(t, raw, "SELECT "+key+" FROM "+c.table.name+" WHERE "+c.where)
	}
	seq := number(t, raw, c.table.seq, args...)
	if c.table.name == "bursar_head" && c.name == "seq" {
		seq++ // the first position at which head and journal part
	}
	return seq
}

func TestEveryColumnMatters(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	pristine, _ := m.scratch(t)
	_, path := m.scratch(t)
	untouched := m.copyTo(t, path)
	if report, err := m.verifyFile(t, untouched, path); err != nil || !report.OK() {
		t.Fatalf("untouched: %v%s", err, summary(&report))
	}
	cases := 0
	for i := range tables {
		tables[i].each(t, pristine, func(c column) {
			cases++
			raw := m.copyTo(t, path)
			update := "UPDATE " + c.table.name + " SET " + c.name + " = ? WHERE " + c.where
			if _, err := raw.Exec(update, c.change(false)); err != nil { // another row has that value
				if n := exec(t, raw, update, c.change(true)); n != 1 {
					t.Fatalf("%v: %d rows changed", &c, n)
				}
			}
			report, err := m.verifyFile(t, raw, path)
			if err != nil {
				t.Errorf("%v: %v", &c, err)
				return
			}
			if _, harmless := c.table.harmless[c.name]; harmless {
				if !report.OK() && c.name != "content" {
					t.Errorf("%v is listed as harmless:%s", &c, summary(&report))
				}
				return
			}
			want := c.table.want
			if special := c.table.columns[c.name]; special != nil {
				want = special
			}
			if expect(&report, c.position(t, pristine), want) {
				return
			}
			t.Errorf("%v: want one of %v at %d, got%s", &c, want, c.position(t, pristine), summary(&report))
		})
	}
	if cases < 400 {
		t.Errorf("only %d columns were tampered with", cases)
	}
}

// expect reports whether the first finding is at seq and one of the checks failed there. A seq of 0 is any place.
func expect(r *verify.Report, seq int64, want []verify.Check) bool {
	if r.OK() || len(r.Findings) == 0 || !errors.Is(r.Err(), &bursar.Error{Code: bursar.CodeVerificationFailed}) {
		return false
	}
	return slices.ContainsFunc(r.Findings, func(f verify.Finding) bool {
		return slices.Contains(want, f.Check) && (seq == 0 || f.Seq == seq)
	}) && (seq == 0 || r.Findings[0].Seq == seq)
}

// TestEveryTableIsListed keeps the lists above in step with the schema.
func TestEveryTableIsListed(t *testing.T) {
	t.Parallel()
	raw, _ := newTemplate(t).scratch(t)
	listed := []string{"bursar_migration"} // TestMigrations
	for i := range tables {
		listed = append(listed, tables[i].name)
		names := texts(t, raw, "SELECT name FROM pragma_table_info(?)", tables[i].name)
		for name := range tables[i].columns {
			if !slices.Contains(names, name) {
				t.Errorf("%s has no column %s", tables[i].name, name)
			}
		}
	}
	for _, name := range texts(t, raw, "SELECT name FROM sqlite_schema WHERE type = 'table'") {
		if !slices.Contains(listed, name) {
			t.Errorf("nothing tampers with %s", name)
		}
	}
}

// TestMigrations tampers with the table of migrations. Verify does not begin on a schema that it does not know. A
// checksum may be absent, as after another tool's migration.
func TestMigrations(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	_, path := m.scratch(t)
	for _, c := range []struct {
		statement string
		want      bursar.Code
	}{
		{"UPDATE bursar_migration SET version = 2", bursar.CodeSchemaAhead},
		{"UPDATE bursar_migration SET version = 0", bursar.CodeSchemaBehind},
		{"UPDATE bursar_migration SET checksum = 'x' || checksum", bursar.CodeSchemaChanged},
		{"DELETE FROM bursar_migration", bursar.CodeSchemaBehind},
		{"INSERT INTO bursar_migration (version, name) VALUES (2, 'later')", bursar.CodeSchemaAhead},
		{"UPDATE bursar_migration SET checksum = NULL", ""},
	} {
		raw := m.copyTo(t, path)
		exec(t, raw, c.statement)
		if report, err := m.verifyFile(t, raw, path); bursar.CodeOf(err) != c.want || err == nil && !report.OK() {
			t.Errorf("%s: %v, want %q%s", c.statement, err, c.want, summary(&report))
		}
	}
	raw := m.copyTo(t, path)
	exec(t, raw, "UPDATE bursar_migration SET name = 'first'")
	if report, err := m.verifyFile(t, raw, path); err != nil || !expect(&report, 0, checks{verify.Schema}) {
		t.Errorf("another name: %v%s", err, summary(&report))
	}
}
