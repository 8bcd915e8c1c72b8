package exchange

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// record is a row as text.
type record struct {
	line   int
	fields fields
}

// source reads the records of one format. Its errors say which column is at fault.
type source interface {
	next(*record) error // io.EOF after the last one
}

// fault is an error in one row. Rows.Next adds the name of the file.
type fault struct {
	line   int
	column string // empty: the row as a whole
	err    error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// Row is one row of a file: a leg, with what the file expects of its accounts afterwards.
type Row struct {
	Line        int
	ID          bursar.ID // zero when the row has none
	Leg         int       // -1 when the row does not say
	Effective   time.Time // zero when the row has none
	From, To    string
	Amount      money.Amount
	Reference   string
	Metadata    bursar.Metadata
	FromBalance *money.Amount // nil when the row expects nothing
	ToBalance   *money.Amount
}

// rowBytesMax is the most bytes of a row.
const rowBytesMax = 1 << 20

// Rows reads a file row by row. It is not safe for concurrent use.
type Rows struct {
	name   string
	source source
	record record
}

// NewRows begins to read a file in one of the formats csv and jsonl. name is the file's name in errors.
// Errors: unsupported for another format, and those of the header.
func NewRows(format, name string, r io.Reader) (*Rows, error) {
	rows := &Rows{name: name}
	var err error
	switch format {
	case FormatCSV:
		rows.source, err = newCSV(r)
	case FormatJSONL:
		rows.source = newJSONL(r)
	default:
		return nil, bursar.Errorf(bursar.CodeUnsupported, "there is no import from %q: the formats are csv and jsonl",
			format)
	}
	return rows, rows.place(err)
}

// Next is the next row, or io.EOF. An error names file, line and column and has the code of what is wrong.
func (r *Rows) Next() (Row, error) {
	r.record = record{}
	if err := r.source.next(&r.record); err != nil {
		return Row{}, r.place(err)
	}
	row, err := r.record.parse()
	return row, r.place(err)
}

// place puts the file, line and column before an error in a row.
func (r *Rows) place(err error) error {
	var f *fault
	switch {
	case !errors.As(err, &f):
		return err
	case f.column == "":
		return fmt.Errorf("%s:%d: %w", r.name, f.line, f.err)
	default:
		return fmt.Errorf("%s:%d: column %s: %w", r.name, f.line, f.column, f.err)
	}
}
