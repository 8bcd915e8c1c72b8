package sqlstore

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Many is a statement over many values or many rows. Its text grows with them, or it takes arrays.
//
// Engines write it as a text with one mark, (...), where the parameters go. The functions that make a Many differ in
// what they write there:
//
//	ManyValues   (?,?,?)                                        one parameter for each value, for IN
//	ManyRows     (?, ?),(?, ?)                                  one list for each row, for VALUES
//	ManySelects  (SELECT ? AS a, ? AS b UNION ALL SELECT ?, ?)  a table of the rows, for FROM
//	ManyArrays   nothing: the text has no mark, and takes an array for each column
type Many struct {
	head   string // up to the first row
	first  string // the parameters of the first row
	next   string // what each further row adds
	tail   string
	width  int // parameters of a row; 0 where they come as arrays
	arrays bool
}

const mark = "(...)"

// ManyValues is a statement over a list of values.
func ManyValues(text string) Many {
	m := cut(text, "(", ")")
	m.first, m.next, m.width = "?", ",?", 1
	return m
}

// ManyRows is a statement over rows with these columns.
func ManyRows(text string, columns Columns) Many {
	m := cut(text, "", "")
	m.first = "(" + columns.List(func(int, Column) string { return "?" }) + ")"
	m.next, m.width = ","+m.first, len(columns)
	return m
}

// ManySelects is a statement over a table of rows. The columns of that table have the names of these columns. parameter
// writes a parameter in such a way that the engine knows its type.
func ManySelects(text string, columns Columns, parameter func(Column) string) Many {
	m := cut(text, "(", ")")
	m.first = "SELECT " + columns.List(func(_ int, c Column) string { return parameter(c) + " AS " + c.Name })
	m.next = " UNION ALL SELECT " + columns.List(func(_ int, c Column) string { return parameter(c) })
	m.width = len(columns)
	return m
}

// ManyArrays is a statement that takes an array for each column of its rows, or one array of values.
func ManyArrays(text string) Many { return Many{head: text, arrays: true} }

// cut divides a text at its mark.
func cut(text, open, end string) Many {
	head, tail, marked := strings.Cut(text, mark)
	if !marked || strings.Contains(tail, mark) {
		panic(fmt.Sprintf("sqlstore: a statement over many rows has one %s: %s", mark, text))
	}
	return Many{head: head + open, tail: end + tail}
}

// Text is the statement over n rows, at least one.
func (m *Many) Text(n int) string {
	if m.arrays {
		return m.head
	}
	return m.head + m.first + strings.Repeat(m.next, n-1) + m.tail
}

// from is the statement of ManyRows over the rows of a table instead, whose columns have the names of those of VALUES.
func (m *Many) from(table string) string {
	head, found := strings.CutSuffix(m.head, "VALUES ")
	if !found {
		panic(fmt.Sprintf("sqlstore: a statement over rows that can be fed has VALUES before its %s: %s", mark, m.head))
	}
	names := make([]string, m.width)
	for i := range names {
		names[i] = fmt.Sprintf("column%d", i+1)
	}
	return head + "SELECT " + strings.Join(names, ", ") + " FROM " + table + m.tail
}

// over is the statement over values, after arguments that come first. A list is as long as the next power of two, with
// its last value repeated, so that there are few texts to prepare and to keep.
func (m *Many) over(before, values []any) (text string, args []any) {
	if m.arrays {
		return m.head, append(slices.Clip(before), array(values, len(values), 0, 1))
	}
	length := 1 << bits.Len(uint(len(values)-1))
	args = append(slices.Clip(before), values...)
	for range length - len(values) {
		args = append(args, values[len(values)-1])
	}
	return m.Text(length), args
}
