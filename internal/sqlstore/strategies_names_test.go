package sqlstore_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// named is a statement of an engine as it is recognised on its way to the database.
type named struct {
	name    string
	pattern *regexp.Regexp
}

// A parameter on the wire is itself, or what a driver writes in its place.
const parameter = `(?:\?|(?:_binary)?'(?:[^'\\]|\\.|'')*'|-?\d+|NULL)`

// control is what begins, ends and divides a database transaction. Its own text is its name.
var control = regexp.MustCompile(`^(?:BEGIN|START TRANSACTION|SET TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE SAVEPOINT)\b`)

// admission is what Dialect.Admit asks: no field of Statements.
var admission = regexp.MustCompile(`AS rule \(i, broken\)|^SELECT VERSION\(\), @@sql_mode|^SELECT \(SELECT synchronous FROM|^UPDATE bursar_head SET seq = seq WHERE book < 0$`)

const admit = "Admit"

// names are the statements of a store, each by the name of its field.
func names(s sqlstore.Statements) []named {
	var all []named
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if text := v.Field(i).String(); text != "" {
			all = append(all, named{v.Type().Field(i).Name, pattern(text)})
		}
	}
	return all
}

// pattern matches what becomes of a statement's text when its lists are as long as need be.
func pattern(text string) *regexp.Regexp {
	before, after, list := strings.Cut(text, "(...)")
	if !list {
		if head, rest, selects := strings.Cut(text, "(SELECT "); selects {
			if _, tail, dots := strings.Cut(rest, "...)"); dots {
				before, after, list = head, tail, true
			}
		}
	}
	expression := literal(before)
	if list {
		expression += `\(.*\)` + literal(after)
	}
	return regexp.MustCompile(`(?s)^` + expression + `$`)
}

func literal(text string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(text), `\?`, parameter)
}

// nameOf names a statement on its way to the database. One that has no name, or two, is an error: then the document
// would not say what happens.
func nameOf(all []named, text string) (string, error) {
	switch {
	case control.MatchString(text):
		if strings.HasPrefix(text, "SAVEPOINT") && admission.MatchString(text) {
			return admit, nil // it looks for the database transaction in the same message
		}
		return "`" + text + "`", nil
	case admission.MatchString(text):
		return admit, nil
	}
	var found []string
	for _, n := range all {
		if n.pattern.MatchString(text) {
			found = append(found, n.name)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("a statement has the names %q, want one: %s", found, text)
	}
	return found[0], nil
}

// TestStatementNames makes sure that the document can rely on names: each statement is recognised as itself and as nothing
// else, with its list short or long.
func TestStatementNames(t *testing.T) {
	for engine, store := range map[string]*sqlstore.Store{
		"sqlite": sqlite.New(nil), "postgres": postgres.NewSQL(nil), "mysql": mysql.New(nil),
	} {
		all := names(sqlstore.StatementsOf(store))
		if len(all) < 30 {
			t.Errorf("%s has %d statements", engine, len(all))
		}
		v := reflect.ValueOf(sqlstore.StatementsOf(store))
		for i := range v.NumField() {
			text, want := v.Field(i).String(), v.Type().Field(i).Name
			if text == "" {
				continue
			}
			long := strings.Replace(text, "(...)", "(?, -1),(NULL, _binary'it\\'s ?')", 1)
			for _, sent := range []string{text, long} {
				if name, err := nameOf(all, sent); err != nil || name != want {
					t.Errorf("%s: %s is taken for %q, %v", engine, want, name, err)
				}
			}
		}
		for _, text := range []string{"", "SELECT 1 FROM bursar_entry", "DELETE FROM bursar_entry", "INSERT INTO bursar_entry"} {
			if name, err := nameOf(all, text); err == nil {
				t.Errorf("%s: %q is taken for %s", engine, text, name)
			}
		}
	}
	if slices.ContainsFunc(names(sqlstore.Statements{}), func(named) bool { return true }) {
		t.Error("an empty statement has a name")
	}
}
