package sqlstore_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// named is a statement of an engine as it is recognised on its way to the database.
type named struct {
	name    string
	pattern *regexp.Regexp
}

// A parameter on the wire is itself, or what a driver writes in its place.
const parameter = `(?:\?|(?:_binary)?'(?:[^'\\]|\\.|'')*'|-?\d+|NULL)`

// control is what begins, ends and divides a database transaction. Its own text is its name.
var control = regexp.MustCompile(
	`^(?:BEGIN|START TRANSACTION|SET TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE SAVEPOINT)\b`,
)

// admission is what Dialect.Admit asks: no field of Statements.
var admission = regexp.MustCompile(
	`SELECT 1 WHERE to_regclass\('bursar_head'\) IS NULL` +
		`|^SELECT VERSION\(\), @@sql_mode` +
		`|^SELECT \(SELECT synchronous FROM` +
		`|^UPDATE bursar_head SET seq = seq WHERE book < 0$`,
)

const admit = "Admit"

// texts calls do for every statement, with the name of its field and the text before and after its rows. many is nil
// where it has no rows. head is empty where the engine has no such statement.
func texts(s sqlstore.Statements, do func(name, head, tail string, many *sqlstore.Many)) {
	groups := reflect.ValueOf(s)
	for g := range groups.NumField() {
		group := groups.Field(g)
		for i := range group.NumField() {
			name := group.Type().Field(i).Name
			switch text := group.Field(i).Interface().(type) {
			case string:
				do(name, text, "", nil)
			case sqlstore.Many:
				head, tail := text.Ends()
				do(name, head, tail, &text)
			}
		}
	}
}

// names are the statements of a store, each by the name of its field.
func names(s sqlstore.Statements) (all []named) {
	texts(s, func(name, head, tail string, many *sqlstore.Many) {
		if head == "" {
			return
		}
		expression := literal(head)
		if many != nil && !many.Arrays() {
			expression += `.*` + literal(tail)
		}
		all = append(all, named{name, regexp.MustCompile(`(?s)^` + expression + `$`)})
	})
	return all
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

// TestStatementNames makes sure that the document can rely on names: each statement is recognised as itself and as
// nothing else, with its list short or long.
func TestStatementNames(t *testing.T) {
	for engine, store := range engines() {
		statements := sqlstore.StatementsOf(store)
		all := names(statements)
		if len(all) < 30 {
			t.Errorf("%s has %d statements", engine, len(all))
		}
		texts(statements, func(want, head, tail string, many *sqlstore.Many) {
			if head == "" {
				return
			}
			sent := []string{head}
			if many != nil {
				sent = []string{many.Text(1), many.Text(3)}
			}
			if many != nil && !many.Arrays() {
				sent = append(sent, head+"(?, -1),(NULL, _binary'it\\'s ?')"+tail)
			}
			for _, text := range sent {
				if name, err := nameOf(all, text); err != nil || name != want {
					t.Errorf("%s: %s is taken for %q, %v", engine, want, name, err)
				}
			}
		})
		for _, text := range []string{
			"", "SELECT 1 FROM bursar_entry", "DELETE FROM bursar_entry", "INSERT INTO bursar_entry",
		} {
			if name, err := nameOf(all, text); err == nil {
				t.Errorf("%s: %q is taken for %s", engine, text, name)
			}
		}
	}
	if len(names(sqlstore.Statements{})) > 0 {
		t.Error("an empty statement has a name")
	}
}
