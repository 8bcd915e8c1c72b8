package sqlstore

import (
	"context"
	"fmt"
	"math/bits"
)

// bulk holds the texts of statements that write many rows, for as many rows as one statement takes.
type bulk struct {
	requests, accounts, balances, updates, entries, checkpoints, backdated statement
}

// statement is a multi-row statement with its full-sized text made once.
type statement struct {
	template string
	columns  int
	rowsMax  int
	full     string
}

// rowsPerStatement bounds the text: more rows than this save nothing measurable.
const rowsPerStatement = 128

func newBulk(d *Dialect) bulk {
	make := func(template string, columns int) statement {
		rows := min(rowsPerStatement, d.ParametersMax/columns)
		return statement{template: template, columns: columns, rowsMax: rows, full: expandRows(template, rows, columns)}
	}
	s := &d.Statements
	return bulk{
		requests:    make(s.InsertRequests, 10),
		accounts:    make(s.InsertAccounts, 7),
		balances:    make(s.InsertBalances, 15),
		updates:     make(s.UpdateBalances, 11),
		entries:     make(s.InsertEntries, 27),
		checkpoints: make(s.InsertCheckpoints, 4),
		backdated:   make(s.InsertBackdated, 3),
	}
}

// run executes the statement for count rows. row appends the parameters of one row. What does not fill a statement
// is written in powers of two, so that a connection that keeps its prepared statements has few texts to keep. A
// statement that does not touch exactly its rows is an error: someone else has changed them.
func (s *statement) run(ctx context.Context, db Executor, count int, row func(args []any, i int) []any) error {
	args := make([]any, 0, min(count, s.rowsMax)*s.columns)
	for done := 0; done < count; {
		rows := s.rowsMax
		if left := count - done; left < rows {
			rows = 1 << (bits.Len(uint(left)) - 1)
		}
		args = args[:0]
		for i := range rows {
			args = row(args, done+i)
		}
		text := s.full
		if rows < s.rowsMax {
			text = expandRows(s.template, rows, s.columns)
		}
		result, err := db.ExecContext(ctx, text, args...)
		if err != nil {
			return err
		}
		touched, err := result.RowsAffected()
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
