package exchange

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"

	"github.com/bursar-ledger/bursar"
)

// readBytes is how much of a file is read at a time.
const readBytes = 1 << 16

// csvSource reads CSV after RFC 4180 with a header.
type csvSource struct {
	limit   *rowLimit
	reader  *csv.Reader
	columns []column
	line    int // of the last row
}

// newCSV reads the header. A byte order mark before it, as spreadsheets write, is passed over.
func newCSV(r io.Reader) (*csvSource, error) {
	s := &csvSource{limit: &rowLimit{r: r, left: rowBytesMax}}
	buffered := bufio.NewReaderSize(s.limit, readBytes)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		if _, err := buffered.Discard(3); err != nil {
			return nil, err
		}
	}
	s.reader = csv.NewReader(buffered)
	s.reader.ReuseRecord = true
	header, err := s.read()
	if errors.Is(err, io.EOF) {
		return nil, malformedHeader("", "the header is missing: the first line names the columns")
	}
	if err != nil {
		return nil, err
	}
	s.columns, err = headerColumns(header)
	return s, err
}

// headerColumns are the columns that a header names.
func headerColumns(header []string) (columns []column, err error) {
	for _, name := range header {
		c, known := columnOf(name)
		switch {
		case !known:
			return nil, &fault{line: 1, column: name, err: unknownColumn()}
		case slices.Contains(columns, c):
			return nil, malformedHeader(name, "the column is there twice")
		}
		columns = append(columns, c)
	}
	for _, c := range [...]column{columnFrom, columnTo, columnAmount} {
		if !slices.Contains(columns, c) {
			return nil, malformedHeader(columnNames[c], "the column is missing from the header")
		}
	}
	return columns, nil
}

func malformedHeader(column, text string) error {
	return &fault{line: 1, column: column, err: bursar.Errorf(bursar.CodeMalformed, "%s", text)}
}

func (s *csvSource) next(r *record) error {
	fields, err := s.read()
	if err != nil {
		return err
	}
	s.line, _ = s.reader.FieldPos(0)
	r.line = s.line
	for i, text := range fields {
		r.fields[s.columns[i]] = text
	}
	return nil
}

func (s *csvSource) read() ([]string, error) {
	s.limit.left = rowBytesMax
	fields, err := s.reader.Read()
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		reason := bursar.Errorf(bursar.CodeMalformed, "%w", syntax.Err)
		if errors.Is(syntax.Err, csv.ErrFieldCount) {
			reason = bursar.Errorf(bursar.CodeMalformed, "the row has %d fields and the header %d",
				len(fields), len(s.columns))
		}
		return nil, &fault{line: syntax.StartLine, err: reason}
	}
	if bursar.CodeOf(err) == bursar.CodeTooLarge {
		err = &fault{line: max(s.line, 1) + 1, err: err}
	}
	return fields, err
}

// rowLimit keeps a row without an end, such as one after a stray quote, from filling the memory.
type rowLimit struct {
	r    io.Reader
	left int
}

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, tooLong()
	}
	n, err := l.r.Read(p)
	l.left -= n
	return n, err
}

func tooLong() error {
	return bursar.Errorf(bursar.CodeTooLarge, "a row has more than %d bytes: is a quote left open?", rowBytesMax)
}

func unknownColumn() error {
	return bursar.Errorf(bursar.CodeMalformed, "there is no such column: see docs/import.md for those there are")
}
