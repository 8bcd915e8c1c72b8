package exchange

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar"
)

// rowWriter writes transfers as rows that an import reads back, one for each leg.
type rowWriter struct {
	out     *bufio.Writer
	csv     *csv.Writer // nil for JSON lines
	account string      // balances are given for accounts with this prefix: the others are not exported whole
	dated   bool
	buf     bytes.Buffer
	json    *json.Encoder
}

func newCSVWriter(out *bufio.Writer, o *ExportOptions) *rowWriter {
	w := newJSONLWriter(out, o)
	w.csv = csv.NewWriter(out)
	return w
}

func newJSONLWriter(out *bufio.Writer, o *ExportOptions) *rowWriter {
	w := &rowWriter{out: out, account: o.Account, dated: o.Dated}
	w.json = json.NewEncoder(&w.buf)
	w.json.SetEscapeHTML(false)
	return w
}

func (w *rowWriter) begin(bursar.Book) error {
	if w.csv == nil {
		return nil
	}
	return w.csv.Write(columnNames[:])
}

// open writes nothing: an import opens accounts by its own rules.
func (w *rowWriter) open(*bursar.Entry) error { return nil }

func (w *rowWriter) end() error {
	if w.csv == nil {
		return nil
	}
	w.csv.Flush()
	return w.csv.Error()
}

func (w *rowWriter) transfer(t *exported) error {
	memo, metadata, err := w.metadata(t.metadata)
	if err != nil {
		return err
	}
	for i := range t.legs {
		fields := w.leg(&t.legs[i], w.csv == nil)
		fields[columnReference], fields[columnMemo], fields[columnMetadata] = t.reference, memo, metadata
		if err := w.row(&fields); err != nil {
			return err
		}
	}
	return nil
}

// metadata parts the memo from the rest. An empty memo stays with the rest, because an empty column means none.
func (w *rowWriter) metadata(m bursar.Metadata) (memo, rest string, err error) {
	memo = m[memoKey]
	if memo != "" {
		m = maps.Clone(m)
		delete(m, memoKey)
	}
	if len(m) == 0 {
		return memo, "", nil
	}
	rest, err = w.encode(m)
	return memo, rest, err
}

// encode is a value as JSON on one line.
func (w *rowWriter) encode(v any) (string, error) {
	w.buf.Reset()
	err := w.json.Encode(v)
	return strings.TrimSuffix(w.buf.String(), "\n"), err
}

// leg is an entry as text. In CSV numbers stand alone, beside a column for the currency; in JSON an amount is one
// string as everywhere else.
func (w *rowWriter) leg(e *bursar.Entry, whole bool) (fields [columnCount]string) {
	fields[columnSeq] = strconv.FormatInt(e.Seq, 10)
	fields[columnAt] = e.At.String()
	fields[columnID] = e.Transfer.String()
	fields[columnLeg] = strconv.Itoa(e.Leg)
	switch {
	case e.Backdated:
		fields[columnEffective] = e.Effective.String()
	case w.dated:
		fields[columnEffective] = e.At.String()
	}
	fields[columnFrom], fields[columnTo] = e.From, e.To
	amount, from, to := e.Amount, e.FromAfter.Balance, e.ToAfter.Balance
	if whole {
		fields[columnAmount], fields[columnFromBalance], fields[columnToBalance] = amount.String(), from.String(), to.String()
	} else {
		fields[columnCurrency] = amount.Currency().String()
		fields[columnAmount], fields[columnFromBalance], fields[columnToBalance] = amount.Decimal(), from.Decimal(), to.Decimal()
	}
	if !strings.HasPrefix(e.From, w.account) {
		fields[columnFromBalance] = ""
	}
	if !strings.HasPrefix(e.To, w.account) {
		fields[columnToBalance] = ""
	}
	return fields
}

func (w *rowWriter) row(fields *[columnCount]string) error {
	if w.csv != nil {
		return w.csv.Write(fields[:])
	}
	separator := "{"
	for c, text := range fields {
		if text == "" {
			continue
		}
		value := text
		if c := column(c); c != columnSeq && c != columnLeg && c != columnMetadata {
			var err error
			if value, err = w.encode(text); err != nil {
				return err
			}
		}
		w.out.WriteString(separator)
		w.out.WriteString(`"` + columnNames[c] + `":`)
		w.out.WriteString(value)
		separator = ","
	}
	_, err := w.out.WriteString("}\n") // a bufio.Writer keeps its first error
	return err
}
