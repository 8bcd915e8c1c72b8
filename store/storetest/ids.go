package storetest

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// IDAnswer is what becomes of the ids that an application keeps in a table of its own and joins with the ledger's.
type IDAnswer int

// The answers.
const (
	IDFound   IDAnswer = iota // every row is found, and its id is read back as it was
	IDRefused                 // of every id the insert or the join is an error
	IDLost                    // a join finds nothing and says nothing: docs/schema.md warns of such a column
)

// IDColumn is a column of an application's own table that keeps the ids of transfers.
type IDColumn struct {
	Name   string // of the test; defaults to Type
	Type   string // with its checks
	Strict bool   // the table is a strict one of SQLite's
	Join   string // what a transfer's id is compared with; defaults to the column, which is called transfer_id
	Text   bool   // ids are written as String gives them, not as Value does
	Want   IDAnswer
}

// IDAccess is a driver, as an application uses it on its own tables.
type IDAccess struct {
	// Parameter is how the first parameter of a statement is written.
	Parameter string
	// Exec runs a statement that returns no rows.
	Exec func(ctx context.Context, query string, args ...any) error
	// Row reads the one row of a query. Where there is none, the error is sql.ErrNoRows.
	Row func(ctx context.Context, query string, args []any, into ...any) error
}

// IDAccessOverSQL is the access of database/sql.
func IDAccessOverSQL(db *sql.DB, parameter string) IDAccess {
	return IDAccess{
		Parameter: parameter,
		Exec: func(ctx context.Context, query string, args ...any) error {
			_, err := db.ExecContext(ctx, query, args...)
			return err
		},
		Row: func(ctx context.Context, query string, args []any, into ...any) error {
			return db.QueryRowContext(ctx, query, args...).Scan(into...)
		},
	}
}

// trickyIDs are ids whose bytes mean something to somebody: to a text, to a padded column, to a quoted literal.
func trickyIDs() map[string]bursar.ID {
	fill := func(b byte) (id bursar.ID) {
		for i := range id {
			id[i] = b
		}
		return id
	}
	return map[string]bursar.ID{
		"a thing":          id(1),
		"an attempt":       attempt(2),
		"digits":           bursar.ID([]byte("0123456789012345")),
		"letters":          bursar.ID([]byte("0123456789abcdef")),
		"capitals":         bursar.ID([]byte("0123456789ABCDEF")),
		"ends with blanks": bursar.ID([]byte("0123456789abcd  ")),
		"ends with zeros":  {0: 1, 13: 1},
		"begins with zero": {14: 1, 15: 1},
		"quotes":           bursar.ID([]byte(`'"\%_;--'"\0\n$1`)),
		"all bits":         fill(0xff),
		"one blank":        fill(' '),
		"two-byte runes":   bursar.ID([]byte("éééééééé")),
	}
}

// IDColumns posts transfers under ids of many forms, has an application keep them in columns of its own, and joins them
// with the ledger's. name tells the tables of one access from those of another over the same database.
func IDColumns(t *testing.T, l *ledger.Ledger, name string, a IDAccess, columns []IDColumn) {
	t.Helper()
	world, shop := name+":world", name+":shop"
	for _, path := range []string{world, shop} {
		opening := bursar.Opening{Path: path, Currency: currency("USD"), NoMin: true}
		if _, err := l.OpenAccount(t.Context(), opening); err != nil {
			t.Fatal(err)
		}
	}
	ids := trickyIDs()
	for _, id := range ids {
		transfer := move(world, shop, "1.00 USD")
		transfer.ID = id
		if _, err := l.Post(t.Context(), transfer); err != nil && !errors.Is(err, bursar.ErrIDReused) { // another access
			t.Fatal(err)
		}
	}
	if _, err := l.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, c := range columns {
		if c.Name == "" {
			c.Name = c.Type
		}
		t.Run(c.Name, func(t *testing.T) {
			orders := &orderTable{T: t, IDAccess: a, IDColumn: c, name: name + "_orders_" + strconv.Itoa(i)}
			orders.make()
			for form, id := range ids {
				orders.want(form, id)
			}
			if c.Want == IDFound {
				orders.wantNull()
			}
			if c.Want == IDLost && orders.lost == 0 {
				t.Error("no id is lost: docs/schema.md warns of a column that is safe")
			}
		})
	}
}

// orderTable is an application's table with the ids of transfers.
type orderTable struct {
	*testing.T
	IDAccess
	IDColumn
	name string
	rows int
	lost int // ids
}

func (o *orderTable) make() {
	o.Helper()
	strict := ""
	if o.Strict {
		strict = " STRICT"
	}
	create := fmt.Sprintf("CREATE TABLE %s (n INTEGER PRIMARY KEY, transfer_id %s)%s", o.name, o.Type, strict)
	if err := o.Exec(o.Context(), create); err != nil {
		o.Fatal(err)
	}
}

// insert keeps a value in the column of a new row.
func (o *orderTable) insert(value any) error {
	o.rows++
	insert := fmt.Sprintf("INSERT INTO %s (n, transfer_id) VALUES (%d, %s)", o.name, o.rows, o.Parameter)
	return o.Exec(o.Context(), insert, value)
}

// want keeps an id and looks for its transfer.
func (o *orderTable) want(form string, id bursar.ID) {
	o.Helper()
	kept, joined, err := o.keep(id)
	switch lost := errors.Is(err, sql.ErrNoRows); {
	case o.Want == IDLost:
		if lost || err == nil && kept != id {
			o.lost++
		}
	case lost:
		o.Errorf("%s, %v: was kept, and is not found", form, id)
	case o.Want == IDRefused && err == nil:
		o.Errorf("%s, %v: was to be refused, and is found", form, id)
	case o.Want == IDFound && err != nil:
		o.Errorf("%s, %v: %v", form, id, err)
	case err == nil && (kept != id || joined != id):
		o.Errorf("%s: %v is read back as %v and joined with %v", form, id, kept, joined)
	}
}

// keep inserts an id, joins it, and reads back both sides of the join.
func (o *orderTable) keep(id bursar.ID) (kept, joined bursar.ID, err error) {
	var value any = id
	if o.Text {
		value = id.String()
	}
	if err := o.insert(value); err != nil {
		return kept, joined, fmt.Errorf("insert: %w", err)
	}
	query := fmt.Sprintf("SELECT o.transfer_id, t.id FROM %s o JOIN bursar_transfers t ON t.id = %s WHERE o.n = %d",
		o.name, cmp.Or(o.Join, "o.transfer_id"), o.rows)
	err = o.Row(o.Context(), query, nil, &kept, &joined)
	return kept, joined, err
}

// wantNull keeps no id at all, in both ways of Go, and reads it back.
func (o *orderTable) wantNull() {
	o.Helper()
	for _, value := range []any{nil, sql.Null[bursar.ID]{}, (*bursar.ID)(nil)} {
		if err := o.insert(value); err != nil {
			o.Errorf("%T: %v", value, err)
			continue
		}
		var kept sql.Null[bursar.ID]
		query := fmt.Sprintf("SELECT transfer_id FROM %s WHERE n = %d", o.name, o.rows)
		if err := o.Row(o.Context(), query, nil, &kept); err != nil || kept.Valid {
			o.Errorf("%T is read back as %v, %v", value, kept, err)
		}
	}
}
