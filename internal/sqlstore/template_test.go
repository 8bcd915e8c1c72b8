package sqlstore_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

var pairs = sqlstore.Columns{{Of: "p", Name: "a", Type: sqlstore.Bigint}, {Of: "p", Name: "b", Type: sqlstore.Text}}

func TestTextsOfManyRows(t *testing.T) {
	t.Parallel()
	typed := func(c sqlstore.Column) string {
		if c.Type == sqlstore.Bigint {
			return "CAST(? AS SIGNED)"
		}
		return "?"
	}
	for _, c := range []struct {
		many sqlstore.Many
		rows int
		want string
	}{
		{sqlstore.ManyValues("WHERE a IN (...) LIMIT 1"), 1, "WHERE a IN (?) LIMIT 1"},
		{sqlstore.ManyValues("WHERE a IN (...) LIMIT 1"), 3, "WHERE a IN (?,?,?) LIMIT 1"},
		{sqlstore.ManyRows("INSERT INTO p (a, b) VALUES (...)", pairs), 2, "INSERT INTO p (a, b) VALUES (?, ?),(?, ?)"},
		{
			sqlstore.ManySelects("UPDATE (...) v JOIN p", pairs, typed), 2,
			"UPDATE (SELECT CAST(? AS SIGNED) AS a, ? AS b UNION ALL SELECT CAST(? AS SIGNED), ?) v JOIN p",
		},
		{sqlstore.ManyArrays("SELECT * FROM unnest($1, $2)"), 7, "SELECT * FROM unnest($1, $2)"},
	} {
		if got := c.many.Text(c.rows); got != c.want {
			t.Errorf("%d rows: %s\nwant %s", c.rows, got, c.want)
		}
	}
}

func TestATextHasOneMark(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"SELECT 1", "WHERE a IN (...) OR b IN (...)"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is a statement over many rows", text)
				}
			}()
			sqlstore.ManyValues(text)
		}()
	}
}

func TestListsOfColumns(t *testing.T) {
	t.Parallel()
	if got := pairs.Names(); got != "a, b" {
		t.Errorf("names are %s", got)
	}
	if got := pairs.Qualified(); got != "p.a, p.b" {
		t.Errorf("names with tables are %s", got)
	}
	if got := sqlstore.AccountColumns.From("a").Names(); got != "account, path, currency, scale" {
		t.Errorf("a decision reads %s of bursar_account", got)
	}
}
