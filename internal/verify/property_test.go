package verify_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// tamperable are the tables with their keys, the rows of book 1, and the columns that may change. tables gives the
// reasons.
var tamperable = []struct{ table, keys, rows, harmless string }{
	{"bursar_entry", "entry", "book = 1", ""},
	{"bursar_request", "request", "book = 1 AND refusal IS NULL", "request"},
	{"bursar_request", "request", "book = 1 AND refusal IS NOT NULL",
		"request book"},
	{"bursar_account", "account", "book = 1", ""},
	{"bursar_balance", "account", "account IN (SELECT account FROM bursar_account WHERE book = 1)", ""},
	{"bursar_checkpoint", "account, version", "true", ""},
	{"bursar_backdated", "account, effective, entry", "true", ""},
	{"bursar_head", "book", "book = 1", ""},
	{"bursar_book", "book", "book = 1", ""},
}

// TestAnyColumnMatters changes one random column of one random row.
func TestAnyColumnMatters(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	pristine, _ := m.scratch(t)
	path := filepath.Join(t.TempDir(), "random.db")
	rapid.Check(t, func(rt *rapid.T) {
		target := tamperable[rapid.IntRange(0, len(tamperable)-1).Draw(rt, "table")]
		names := texts(t, pristine, "SELECT name FROM pragma_table_info(?)", target.table)
		names = slices.DeleteFunc(names, func(name string) bool {
			return slices.Contains(strings.Fields(target.harmless), name)
		})
		name := rapid.SampledFrom(names).Draw(rt, "column")
		rows := number(t, pristine, "SELECT count(*) FROM "+target.table+" WHERE "+target.rows)
		where := fmt.Sprintf("(%s) = (SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT 1 OFFSET %d)",
			target.keys, target.keys, target.table, target.rows, target.keys,
			rapid.Int64Range(0, rows-1).Draw(rt, "row"))
		var old any
		if err := pristine.QueryRow("SELECT " + name + " FROM " + target.table + " WHERE " + where).Scan(&old); err != nil {
			t.Fatal(err)
		}
		kind := texts(t, pristine, "SELECT type FROM pragma_table_info(?) WHERE name = ?", target.table, name)[0]
		changed := random(rt, kind, old)
		if at, ok := changed.(int64); ok && target.table == "bursar_head" && name == "at" && at > old.(int64) {
			changed = 2*old.(int64) - at // the head may be later than its entry, but not earlier
		}
		raw := m.copyTo(t, path)
		if !tryUpdate(raw, "UPDATE "+target.table+" SET "+name+" = ? WHERE "+where, changed) {
			raw.Close()
			rt.Skip("the engine refuses the value: another row has it")
		}
		report, err := m.verifyFile(t, raw, path)
		if err != nil {
			rt.Fatalf("%s.%s = %v: %v", target.table, name, changed, err)
		}
		if report.OK() {
			rt.Fatalf("%s.%s = %v instead of %v was not seen", target.table, name, changed, old)
		}
	})
}

func tryUpdate(raw *sql.DB, statement string, value any) bool {
	_, err := raw.Exec(statement, value)
	return err == nil
}

// random is another value of the same type. In the place of none it is any value.
func random(rt *rapid.T, kind string, old any) any {
	switch v := old.(type) {
	case int64:
		delta := rapid.OneOf(rapid.Int64Range(1, 300), rapid.Int64Range(1, 1e17)).Draw(rt, "delta")
		if rapid.Bool().Draw(rt, "down") {
			delta = -delta
		}
		return v + delta
	case string:
		b := []byte(v)
		i := rapid.IntRange(0, len(b)-1).Draw(rt, "byte")
		b[i] = 'a' + (b[i]+byte(rapid.IntRange(1, 25).Draw(rt, "by")))%26
		if string(b) == v {
			b[i] = '0'
		}
		return string(b)
	case []byte:
		b := slices.Clone(v)
		b[rapid.IntRange(0, len(b)-1).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		return b
	}
	if kind == "TEXT" {
		return rapid.SampledFrom([]string{"", "x", "{}"}).Draw(rt, "text")
	}
	return rapid.Int64Range(-1, 1).Draw(rt, "number")
}
