package exchange

import (
	"bytes"
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar"
)

// rowWriter writes transfers as rows that an import reads back, one for each leg.
type rowWriter struct {
	format  rowFormat
	account string // balances are given for accounts with this prefix: the others are not exported whole
	dated   bool
	json    *jsonText
}

// rowFormat writes rows in one format.
type rowFormat interface {
	// header writes what stands before the first row.
	header() error
	// amounts fills in the amount of a leg and the balances after it.
	amounts(row *fields, leg *bursar.Entry)
	// row writes a row.
	row(row *fields) error
	// end writes what is still in memory.
	end() error
}

func newRowWriter(format rowFormat, o *ExportOptions) *rowWriter {
	return &rowWriter{format: format, account: o.Account, dated: o.Dated, json: newJSONText()}
}

func (w *rowWriter) begin(bursar.Book) error { return w.format.header() }

// open writes nothing: an import opens accounts by its own rules.
func (w *rowWriter) open(*bursar.Entry) error { return nil }

func (w *rowWriter) end() error { return w.format.end() }

func (w *rowWriter) transfer(t *exported) error {
	memo, metadata, err := w.metadata(t.metadata)
	if err != nil {
		return err
	}
	for i := range t.legs {
		row := w.leg(&t.legs[i])
		row[columnReference], row[columnMemo], row[columnMetadata] = t.reference, memo, metadata
		if err := w.format.row(&row); err != nil {
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
	rest, err = w.json.of(m)
	return memo, rest, err
}

// leg is an entry as text.
func (w *rowWriter) leg(e *bursar.Entry) (row fields) {
	row[columnSeq] = strconv.FormatInt(e.Seq, 10)
	row[columnAt] = e.At.String()
	row[columnID] = e.Transfer.String()
	row[columnLeg] = strconv.Itoa(e.Leg)
	switch {
	case e.Backdated:
		row[columnEffective] = e.Effective.String()
	case w.dated:
		row[columnEffective] = e.At.String()
	}
	row[columnFrom], row[columnTo] = e.From, e.To
	w.format.amounts(&row, e)
	if !strings.HasPrefix(e.From, w.account) {
		row[columnFromBalance] = ""
	}
	if !strings.HasPrefix(e.To, w.account) {
		row[columnToBalance] = ""
	}
	return row
}

// jsonText writes values as JSON on one line. It is not safe for concurrent use.
type jsonText struct {
	buf     bytes.Buffer
	encoder *json.Encoder
}

func newJSONText() *jsonText {
	j := &jsonText{}
	j.encoder = json.NewEncoder(&j.buf)
	j.encoder.SetEscapeHTML(false)
	return j
}

func (j *jsonText) of(v any) (string, error) {
	j.buf.Reset()
	err := j.encoder.Encode(v)
	return strings.TrimSuffix(j.buf.String(), "\n"), err
}
