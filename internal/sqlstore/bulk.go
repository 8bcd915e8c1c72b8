package sqlstore

import (
	"context"
	"fmt"
	"math/bits"
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
		rows := min(rowsPerStatement, d.ParametersMax/columns)
		return statement{template: template, columns: columns, rowsMax: rows, full: expandRows(template, rows, columns)}
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
func (s *statement) run(ctx context.Context, db Executor, count int, row func(args []any, i int) []any) error {
	args := make([]any, 0, min(count, s.rowsMax)*s.columns)
	for done := 0; done < count; {
		rows, text := s.rows(count - done)
		args = args[:0]
		for i := range rows {
			args = row(args, done+i)
		}
		if s.columnar {
			args = columns(args, s.columns)
		}
		touched, err := db.Exec(ctx, text, args...)
		if err != nil {
			return err
		}
		if touched != int64(rows) {
			return fmt.Errorf("%w: %d rows of %d were written", errStale, touched, rows)
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
	default:
		rows := 1 << (bits.Len(uint(left)) - 1)
		return rows, expandRows(s.template, rows, s.columns)
	}
}

// columns turns rows of arguments into an array for each column.
func columns(args []any, count int) []any {
	arrays := make([]any, count)
	rows := len(args) / count
	for c := range arrays {
		array := make([]any, rows)
		for r := range array {
			array[r] = args[r*count+c]
		}
		arrays[c] = array
	}
	return arrays
}
