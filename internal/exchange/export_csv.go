package exchange

import (
	"bufio"
	"encoding/csv"

	"github.com/bursar-ledger/bursar"
)

// csvRows writes rows as CSV. Amounts are bare numbers there, beside a column for the currency.
type csvRows struct {
	out *csv.Writer
}

func newCSVWriter(out *bufio.Writer, o *ExportOptions) *rowWriter {
	return newRowWriter(csvRows{csv.NewWriter(out)}, o)
}

func (c csvRows) header() error { return c.out.Write(columnNames[:]) }

func (c csvRows) amounts(row *fields, leg *bursar.Entry) {
	row[columnAmount], row[columnCurrency] = leg.Amount.Decimal(), leg.Amount.Currency().String()
	row[columnFromBalance], row[columnToBalance] = leg.FromAfter.Balance.Decimal(), leg.ToAfter.Balance.Decimal()
}

func (c csvRows) row(row *fields) error { return c.out.Write(row[:]) }

func (c csvRows) end() error {
	c.out.Flush()
	return c.out.Error()
}
