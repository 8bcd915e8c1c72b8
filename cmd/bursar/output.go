package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The formats of -o.
const (
	formatTable = "table" // for people; columns may be left out
	formatJSON  = "json"  // one object a line, with every field
	formatCSV   = "csv"   // a header and every field
)

// formatFlag is the value of -o: one of the formats.
type formatFlag struct{ value *string }

func (f formatFlag) String() string {
	if f.value == nil {
		return ""
	}
	return *f.value
}

func (f formatFlag) Type() string { return "format" }

func (f formatFlag) Set(s string) error {
	if !slices.Contains([]string{formatTable, formatJSON, formatCSV}, s) {
		return errors.New("the formats are table, json and csv")
	}
	*f.value = s
	return nil
}

// column is one column of a listing. It has the name of the field in JSON.
type column struct {
	name  string
	right bool // set to the right: amounts and numbers
	wide  bool // left out of tables, which have to fit a screen
}

// left, right and wide make the three kinds of column.
func left(name string) column  { return column{name: name} }
func right(name string) column { return column{name: name, right: true} }
func wide(name string) column  { return column{name: name, wide: true} }

// listing prints records of one kind in the format of -o. Call add for each, and flush after the last one. Flush after
// each page makes a stream of it: the columns of a table then widen as they must, but never narrow.
type listing struct {
	out     *bufio.Writer
	format  string
	columns []column
	json    *json.Encoder
	csv     *csv.Writer
	rows    [][]string // of a table, until flush
	widths  []int
	begun   bool
}

// list begins a listing on stdout.
func (e *env) list(columns ...column) *listing {
	l := &listing{out: bufio.NewWriter(e.stdout), format: e.output, columns: columns, widths: make([]int, len(columns))}
	l.json = json.NewEncoder(l.out)
	l.json.SetEscapeHTML(false)
	l.csv = csv.NewWriter(l.out)
	return l
}

// add prints one record: in JSON as it encodes itself, otherwise as one cell for every column.
func (l *listing) add(record any, cells ...string) error {
	switch l.format {
	case formatJSON:
		return l.json.Encode(record)
	case formatCSV:
		if err := l.begin(); err != nil {
			return err
		}
		return l.csv.Write(cells)
	default:
		l.rows = append(l.rows, slices.Clone(cells)) // flush writes to them
		return nil
	}
}

// flush prints what was added so far.
func (l *listing) flush() error {
	if err := l.begin(); err != nil {
		return err
	}
	for _, row := range l.rows {
		l.widen(row)
	}
	for _, row := range l.rows {
		l.line(row)
	}
	l.rows = l.rows[:0]
	l.csv.Flush()
	if err := l.csv.Error(); err != nil {
		return err
	}
	return l.out.Flush()
}

// begin prints the header, once.
func (l *listing) begin() error {
	if l.begun || l.format == formatJSON {
		return nil
	}
	l.begun = true
	header := make([]string, len(l.columns))
	for i, c := range l.columns {
		header[i] = c.name
	}
	if l.format == formatCSV {
		return l.csv.Write(header)
	}
	l.rows = slices.Insert(l.rows, 0, header)
	return nil
}

func (l *listing) widen(row []string) {
	for i := range row {
		row[i] = printable(row[i])
		l.widths[i] = max(l.widths[i], utf8.RuneCountInString(row[i]))
	}
}

func (l *listing) line(row []string) {
	var b strings.Builder
	for i, cell := range row {
		if l.columns[i].wide {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", l.widths[i]-utf8.RuneCountInString(cell))
		if l.columns[i].right {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	fmt.Fprintln(l.out, strings.TrimRight(b.String(), " ")) // a bufio.Writer keeps its error for Flush
}

// field is one value of a single record.
type field struct{ name, value string }

// show prints a single record in the format of -o: as a table it has one line for each field.
func (e *env) show(record any, fields ...field) error {
	if e.output != formatTable {
		l := e.list()
		cells := make([]string, len(fields))
		for i, f := range fields {
			l.columns = append(l.columns, left(f.name))
			cells[i] = f.value
		}
		if err := l.add(record, cells...); err != nil {
			return err
		}
		return l.flush()
	}
	width := 0
	for _, f := range fields {
		width = max(width, utf8.RuneCountInString(f.name))
	}
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%-*s  %s\n", width, f.name, printable(f.value))
	}
	_, err := io.WriteString(e.stdout, b.String())
	return err
}

// count is a number of things in words: 1 entry, 2 entries.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

// was is the verb for n things.
func was(n int64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// are is was for the present.
func are(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// printable is s with everything escaped that could steer a terminal or break a line.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 && utf8.ValidString(s) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// sink is stdout, and remembers its first error. A command that ends with an error may have ended for that reason.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}
