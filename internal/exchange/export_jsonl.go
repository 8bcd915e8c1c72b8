package exchange

import (
	"bufio"

	"github.com/bursar-ledger/bursar"
)

// jsonlRows writes a JSON object for each row, without its empty fields. An amount is one string there, as everywhere
// else in JSON.
type jsonlRows struct {
	out  *bufio.Writer
	text *jsonText
}

func newJSONLWriter(out *bufio.Writer, o *ExportOptions) *rowWriter {
	return newRowWriter(jsonlRows{out, newJSONText()}, o)
}

func (j jsonlRows) header() error { return nil }

func (j jsonlRows) amounts(row *fields, leg *bursar.Entry) {
	row[columnAmount] = leg.Amount.String()
	row[columnFromBalance], row[columnToBalance] = leg.FromAfter.Balance.String(), leg.ToAfter.Balance.String()
}

func (j jsonlRows) row(row *fields) error {
	separator := "{"
	for c, text := range row {
		if text == "" {
			continue
		}
		value := text
		if c := column(c); c != columnSeq && c != columnLeg && c != columnMetadata {
			var err error
			if value, err = j.text.of(text); err != nil {
				return err
			}
		}
		j.out.WriteString(separator)
		j.out.WriteString(`"` + columnNames[c] + `":`)
		j.out.WriteString(value)
		separator = ","
	}
	_, err := j.out.WriteString("}\n") // a bufio.Writer keeps its first error
	return err
}

func (j jsonlRows) end() error { return nil }
