package sqlstore

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/bursar-ledger/bursar/driver"
)

// bulk writes many rows of one kind, with as many statements as they need.
type bulk[R any] struct {
	statement  Many
	fields     fields[R]
	rowsMax    int
	bytesMax   int // 0 means no bound
	keepsTexts bool
	full       string // the text for rowsMax rows, made once
	fed        string // the text over rows that a Private connection is fed; empty where none is
}

func newBulk[R any](d *Dialect, statement Many, f fields[R]) bulk[R] {
	b := bulk[R]{
		statement: statement, fields: f, rowsMax: d.Limits.Rows,
		bytesMax: d.Limits.Bytes, keepsTexts: d.Can.KeepsTexts,
	}
	if statement.width > 0 && statement.width != len(f) {
		panic(fmt.Sprintf("sqlstore: %d parameters for %d columns: %s", statement.width, len(f), statement.Text(1)))
	}
	if !statement.arrays {
		b.rowsMax = min(b.rowsMax, d.Limits.Parameters/len(f))
	}
	b.full = statement.Text(b.rowsMax)
	if d.Feeds != "" && statement.width > 0 {
		b.fed = statement.from(d.Feeds)
	}
	return b
}

// oneByOne writes each row with a statement of its own. What locks as it writes must do so in order, and no engine
// promises an order within a statement.
func (b bulk[R]) oneByOne() bulk[R] {
	b.rowsMax, b.full = 1, b.statement.Text(1)
	return b
}

// run writes count rows; row sets the one with an index. A statement that does not touch exactly its rows is an error:
// somebody else has changed them.
func (b *bulk[R]) run(p *pipeline, count int, row func(i int, into *R)) error {
	if p.private != nil && b.fed != "" {
		return b.feed(p, count, row)
	}
	var one R
	args := make([]any, 0, min(count, b.rowsMax)*len(b.fields))
	for done := 0; done < count; {
		rows := b.rows(count - done)
		args = args[:0]
		for i := range rows {
			row(done+i, &one)
			args = b.fields.args(args, &one)
		}
		if fit := b.fit(args); fit < rows {
			rows = b.rows(fit)
			args = args[:rows*len(b.fields)]
		}
		if err := p.exec(b.text(rows), b.sent(p, args), int64(rows)); err != nil {
			return err
		}
		done += rows
	}
	return nil
}

// feeding is Fed over the rows of a bulk.
type feeding[R any] struct {
	fields   fields[R]
	count    int
	set      func(i int, into *R)
	at       int // the row that one holds
	one      R
	panicked any // of set
}

// Len implements Fed.
func (f *feeding[R]) Len() int { return f.count }

// Value implements Fed.
func (f *feeding[R]) Value(row, column int) any {
	if row != f.at {
		f.turn(row)
	}
	if f.panicked != nil || column >= len(f.fields) {
		return nil
	}
	return valueOf(f.fields[column].place(&f.one))
}

// turn sets another row. A panic must not pass through the engine, so it waits until the statement has ended.
func (f *feeding[R]) turn(row int) {
	defer func() {
		if cause := recover(); cause != nil {
			f.panicked = cause
		}
	}()
	f.set(row, &f.one)
	f.at = row
}

// feed writes count rows with one statement, which reads them from the program.
func (b *bulk[R]) feed(p *pipeline, count int, row func(i int, into *R)) error {
	if count == 0 {
		return nil
	}
	rows := &feeding[R]{fields: b.fields, count: count, set: row, at: -1}
	p.private.Feed(rows)
	defer p.private.Feed(nil)
	err := p.exec(b.fed, nil, int64(count))
	if rows.panicked != nil {
		panic(rows.panicked)
	}
	return err
}

// rows is how many of the rows that are left the next statement writes. What does not fill a statement is written in
// powers of two, so that a connection that keeps its prepared statements has few texts to keep.
func (b *bulk[R]) rows(left int) int {
	if left >= b.rowsMax || !b.keepsTexts || b.statement.arrays {
		return min(left, b.rowsMax)
	}
	return 1 << (bits.Len(uint(left)) - 1)
}

func (b *bulk[R]) text(rows int) string {
	if rows == b.rowsMax {
		return b.full
	}
	return b.statement.Text(rows)
}

// sent is the arguments as the statement takes them. args is used again, so a statement that waits gets a copy.
func (b *bulk[R]) sent(p *pipeline, args []any) []any {
	switch {
	case b.statement.arrays:
		return columnArrays(args, len(b.fields))
	case p.piper != nil:
		return slices.Clone(args)
	default:
		return args
	}
}

// fit is how many of the rows of arguments one statement may carry.
func (b *bulk[R]) fit(args []any) int {
	bytes := 0
	for i, arg := range args {
		if b.bytesMax == 0 || b.statement.arrays {
			break
		}
		switch v := arg.(type) {
		case []byte:
			bytes += len(v)
		case string:
			bytes += len(v)
		}
		if row := i / len(b.fields); row > 0 && bytes > b.bytesMax {
			return row
		}
	}
	return len(args) / len(b.fields)
}

// bulks are the statements that write a batch, each with its columns.
type bulks struct {
	requests    bulk[request]
	accounts    bulk[account]
	balances    bulk[account]
	changes     bulk[account]
	change      bulk[account] // one by one
	seals       bulk[entry]
	entries     bulk[entry]
	checkpoints bulk[driver.Checkpoint]
	backdated   bulk[backdating]
}

func newBulks(d *Dialect) *bulks {
	s, entries, checkpoints := &d.Statements, placedFields, checkpointFields
	if d.Can.ManyWriters { // keys mean no place there
		entries, checkpoints = newEntryFields, unplacedCheckpoints
	}
	b := &bulks{
		requests:    newBulk(d, s.InsertRequests, newRequestFields),
		accounts:    newBulk(d, s.InsertAccounts, newAccountFields),
		balances:    newBulk(d, s.InsertBalances, newBalanceFields),
		changes:     newBulk(d, s.UpdateBalances, changeFields),
		seals:       newBulk(d, s.SealEntries, sealFields),
		entries:     newBulk(d, s.InsertEntries, entries),
		checkpoints: newBulk(d, s.InsertCheckpoints, checkpoints),
		backdated:   newBulk(d, s.InsertBackdated, backdatedFields),
	}
	b.change = b.changes.oneByOne()
	return b
}
