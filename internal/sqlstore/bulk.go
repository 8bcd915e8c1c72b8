package sqlstore

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// bulk holds the texts of statements that write many rows, for as many rows as one statement takes.
type bulk struct {
	requests, accounts, balances, updates, update, seals, entries, checkpoints, backdated statement
}

// statement is a multi-row statement with its full-sized text made once.
type statement struct {
	template string
	columns  int
	rowsMax  int
	full     string
	columnar bool
	exact    bool
	bytesMax int // of text and blobs in one statement of several rows; 0 is no bound
}

// rowsPerStatement bounds the text: more rows than this save nothing measurable. arrayRows bounds what one message holds
// where the text does not grow.
const (
	rowsPerStatement = 128
	arrayRows        = 4_096
)

func newBulk(d *Dialect) bulk {
	make := func(template string, columns int) statement {
		if d.Columnar {
			return statement{template: template, columns: columns, rowsMax: arrayRows, full: template, columnar: true}
		}
		rows := min(cmp.Or(d.RowsMax, rowsPerStatement), d.ParametersMax/columns)
		return statement{template: template, columns: columns, rowsMax: rows, full: expandRows(template, rows, columns),
			exact: d.RowsMax > 0, bytesMax: d.BytesMax}
	}
	s := &d.Statements
	b := bulk{
		requests:    make(s.InsertRequests, 10),
		accounts:    make(s.InsertAccounts, 7),
		balances:    make(s.InsertBalances, 15),
		updates:     make(s.UpdateBalances, 11),
		seals:       make(s.SealEntries, 4),
		entries:     make(s.InsertEntries, 27),
		checkpoints: make(s.InsertCheckpoints, 4),
		backdated:   make(s.InsertBackdated, 3),
	}
	// One row at a time: what locks as it writes must do so in order, and no engine promises an order within a statement.
	b.update = b.updates
	b.update.rowsMax = 1
	if !d.Columnar {
		b.update.full = expandRows(s.UpdateBalances, 1, 11)
	}
	return b
}

// run executes the statement for count rows. row appends the parameters of one row. What does not fill a statement
// is written in powers of two, so that a connection that keeps its prepared statements has few texts to keep. A
// statement that does not touch exactly its rows is an error: someone else has changed them.
func (s *statement) run(p *pipeline, count int, row func(args []any, i int) []any) error {
	args := make([]any, 0, min(count, s.rowsMax)*s.columns)
	for done := 0; done < count; {
		rows, text := s.rows(count - done)
		args = args[:0]
		for i := range rows {
			args = row(args, done+i)
		}
		if fit := s.fit(args); fit < rows {
			rows, text = s.rows(fit)
			args = args[:rows*s.columns]
		}
		sent := args
		if s.columnar {
			sent = columns(args, s.columns)
		} else if p.piper != nil {
			sent = slices.Clone(args) // which are used again before it is sent
		}
		if err := p.exec(text, sent, int64(rows)); err != nil {
			return err
		}
		done += rows
	}
	return nil
}

// rows is how many of the rows that are left the next statement takes, and its text.
func (s *statement) rows(left int) (int, string) {
	switch {
	case s.columnar:
		return min(left, s.rowsMax), s.full
	case left >= s.rowsMax:
		return s.rowsMax, s.full
	case s.exact:
		return left, expandRows(s.template, left, s.columns)
	default:
		rows := 1 << (bits.Len(uint(left)) - 1)
		return rows, expandRows(s.template, rows, s.columns)
	}
}

// fit is how many of the rows of arguments one statement may carry.
func (s *statement) fit(args []any) int {
	bytes := 0
	for i, arg := range args {
		if s.bytesMax == 0 {
			break
		}
		switch v := arg.(type) {
		case []byte:
			bytes += len(v)
		case string:
			bytes += len(v)
		}
		if row := i / s.columns; row > 0 && bytes > s.bytesMax {
			return row
		}
	}
	return len(args) / s.columns
}

// columns turns rows of arguments into an array for each column. A column of NULLs alone is NULL.
func columns(args []any, count int) []any {
	arrays := make([]any, count)
	rows := len(args) / count
	for c := range arrays {
		arrays[c] = array(args, rows, c, count)
	}
	return arrays
}

// array makes one array of the values at first, first+step and so on. It has the type of its values, which a driver can
// send without asking the server what it wants, and faster than values of any type.
func array(args []any, rows, first, step int) any {
	var kind any
	nulls := false
	for r := range rows {
		switch v := args[first+r*step]; v.(type) {
		case nil:
			nulls = true
		default:
			kind = v
		}
	}
	switch kind.(type) {
	case int, int64:
		if nulls {
			return pointers(args, rows, first, step, integer)
		}
		return plain(args, rows, first, step, integer)
	case string:
		if nulls {
			return pointers(args, rows, first, step, func(v any) string { return v.(string) })
		}
		return plain(args, rows, first, step, func(v any) string { return v.(string) })
	case []byte:
		return plain(args, rows, first, step, func(v any) []byte { b, _ := v.([]byte); return b }) // nil is NULL
	case nil:
		return nil
	default:
		panic(fmt.Sprintf("sqlstore: a %T in an array", kind))
	}
}

func integer(v any) int64 {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v.(int64)
}

func plain[T any](args []any, rows, first, step int, of func(any) T) []T {
	values := make([]T, rows)
	for r := range values {
		values[r] = of(args[first+r*step])
	}
	return values
}

// pointers has nil for NULL.
func pointers[T any](args []any, rows, first, step int, of func(any) T) []*T {
	values, refs := make([]T, rows), make([]*T, rows)
	for r := range refs {
		if v := args[first+r*step]; v != nil {
			values[r] = of(v)
			refs[r] = &values[r]
		}
	}
	return refs
}
