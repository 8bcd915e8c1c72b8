package sqlstore

import "strings"

// Type is what a column holds. Engines need it where a parameter alone does not say what it is.
type Type uint8

// What a column holds.
const (
	Bigint Type = iota
	Integer
	Text
	Blob
	Hash // 32 bytes
	UUID // 16 bytes
)

// Column is a column of a table.
type Column struct {
	Of   string // the name that statements give to the table where they read it, such as e
	Name string
	Type Type
}

// Columns are the columns that a statement reads or writes, in its order. The texts of all engines are made from them,
// and the program counts them.
type Columns []Column

// List writes each column in a form. n counts from 1.
func (c Columns) List(form func(n int, column Column) string) string {
	forms := make([]string, len(c))
	for i, column := range c {
		forms[i] = form(i+1, column)
	}
	return strings.Join(forms, ", ")
}

// Names lists the names, as in account, path.
func (c Columns) Names() string {
	return c.List(func(_ int, column Column) string { return column.Name })
}

// Qualified lists the names with those of their tables, as in a.account, a.path.
func (c Columns) Qualified() string {
	return c.List(func(_ int, column Column) string { return column.Of + "." + column.Name })
}

// From are the columns of one table.
func (c Columns) From(of string) (columns Columns) {
	for _, column := range c {
		if column.Of == of {
			columns = append(columns, column)
		}
	}
	return columns
}

// field is a column and its place in a row of Go's. The column is scanned into the place, and written from it.
type field[R any] struct {
	Column
	place func(row *R) any // what valueOf knows
}

// fields are the columns of a statement with their places.
type fields[R any] []field[R]

func (f fields[R]) columns() Columns {
	columns := make(Columns, len(f))
	for i := range f {
		columns[i] = f[i].Column
	}
	return columns
}

// targets are the places to scan a row into. more are those of columns that the statement has after these.
func (f fields[R]) targets(row *R, more ...any) []any {
	targets := make([]any, 0, len(f)+len(more))
	for i := range f {
		targets = append(targets, f[i].place(row))
	}
	return append(targets, more...)
}

// only are the places of the named columns. The values of the others, and of as many more columns, are thrown away.
func (f fields[R]) only(row *R, more int, names ...string) []any {
	targets := make([]any, len(f)+more)
	for i := range targets {
		targets[i] = new(any)
	}
	for i := range f {
		for _, name := range names {
			if f[i].Name == name {
				targets[i] = f[i].place(row)
			}
		}
	}
	return targets
}

// args appends the values of a row.
func (f fields[R]) args(args []any, row *R) []any {
	for i := range f {
		args = append(args, valueOf(f[i].place(row)))
	}
	return args
}
