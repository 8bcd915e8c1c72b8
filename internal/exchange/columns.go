package exchange

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// The file formats.
const (
	FormatCSV     = "csv"
	FormatJSONL   = "jsonl"
	FormatHledger = "hledger" // export only
)

// column is a place in a row.
type column int

const (
	columnSeq column = iota
	columnAt
	columnID
	columnLeg
	columnEffective
	columnFrom
	columnTo
	columnAmount
	columnCurrency
	columnReference
	columnMemo
	columnMetadata
	columnFromBalance
	columnToBalance
	columnCount
)

// columnNames are the names in files, in the order of an export.
var columnNames = [columnCount]string{"seq", "at", "id", "leg", "effective", "from", "to", "amount", "currency", "reference",
	"memo", "metadata", "from_balance", "to_balance"}

// memoKey is the metadata that the column memo stands for.
const memoKey = "memo"

// Bounds on the text of one row. The ledger has the same ones and would refuse the transfer; a file is judged by them
// before anything of a batch is posted.
const (
	legsMax          = 256
	referenceMax     = 255
	metadataPairsMax = 32
	metadataKeyMax   = 64
	metadataValueMax = 512
	rowBytesMax      = 1 << 20
)

func columnOf(name string) (column, bool) {
	for c, known := range columnNames {
		if known == name {
			return column(c), true
		}
	}
	return 0, false
}

// record is a row as text.
type record struct {
	line   int
	fields [columnCount]string
}

// source reads records of one format. Its errors say which column is at fault.
type source interface {
	next(*record) error // io.EOF after the last one
}

// fault is an error in one row, which next and parse leave to Rows.Next to place.
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
		return nil, bursar.Errorf(bursar.CodeUnsupported, "there is no import from %q: the formats are csv and jsonl", format)
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

// parse reads the fields from left to right and stops at the first that makes no sense.
func (r *record) parse() (Row, error) {
	row := Row{Line: r.line, Leg: -1, From: r.fields[columnFrom], To: r.fields[columnTo], Reference: r.fields[columnReference]}
	for _, part := range [...]struct {
		column column
		read   func(*Row) error
	}{
		{columnID, r.id}, {columnLeg, r.leg}, {columnEffective, r.effective}, {columnFrom, r.from}, {columnTo, r.to},
		{columnAmount, r.amount}, {columnReference, r.reference}, {columnMemo, r.memo}, {columnMetadata, r.metadata},
		{columnFromBalance, r.fromBalance}, {columnToBalance, r.toBalance},
	} {
		if err := part.read(&row); err != nil {
			return Row{}, r.at(part.column, err)
		}
	}
	return row, nil
}

// at places an error in a column, unless it has a place.
func (r *record) at(c column, err error) error {
	var placed *fault
	if errors.As(err, &placed) {
		return err
	}
	return &fault{line: r.line, column: columnNames[c], err: err}
}

func (r *record) id(row *Row) (err error) {
	if text := r.fields[columnID]; text != "" {
		row.ID, err = bursar.ParseID(text)
	}
	return err
}

func (r *record) leg(row *Row) error {
	text := r.fields[columnLeg]
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n >= legsMax || strconv.Itoa(n) != text {
		return bursar.Errorf(bursar.CodeLegsInvalid, "%q is not the number of a leg, from 0 to %d", brief.Text(text), legsMax-1)
	}
	if n > 0 && row.ID.IsZero() {
		return bursar.Errorf(bursar.CodeLegsInvalid, "a leg %d needs the id of its transfer", n)
	}
	row.Leg = n
	return nil
}

func (r *record) effective(row *Row) error {
	text := r.fields[columnEffective]
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		return bursar.Errorf(bursar.CodeTimeInvalid, "%q is not a time in RFC 3339, such as 2026-01-31T12:00:00Z, and not a date, such as 2026-01-31", brief.Text(text))
	}
	instant, err := bursar.InstantOf(t)
	row.Effective = instant.Time()
	return err
}

func (r *record) from(row *Row) error { return bursar.CheckPath(row.From) }

func (r *record) to(row *Row) error {
	if row.From == row.To {
		return bursar.Errorf(bursar.CodeSameAccount, "from and to are both %s", row.From)
	}
	return bursar.CheckPath(row.To)
}

func (r *record) amount(row *Row) error {
	var currency money.Currency
	if text := r.fields[columnCurrency]; text != "" {
		var err error
		if currency, err = money.ParseCurrency(text); err != nil {
			return r.at(columnCurrency, coded.Error(err))
		}
	}
	text := r.fields[columnAmount]
	if text == "" {
		return bursar.Errorf(bursar.CodeAmountInvalid, `an amount is missing: write one such as "25.00 USD"`)
	}
	amount, err := amountIn(text, currency)
	if err != nil {
		return err
	}
	if amount.Sign() <= 0 {
		return bursar.Errorf(bursar.CodeAmountNotPositive, "%v is not more than zero: swap from and to for the other direction", amount)
	}
	row.Amount = amount
	return nil
}

// amountIn reads "25.00 USD", or "25.00" when the currency is known. A currency that is named must be that one.
func amountIn(text string, currency money.Currency) (money.Amount, error) {
	if !strings.Contains(text, " ") && !currency.IsZero() {
		amount, err := money.ParseDecimal(text, currency)
		return amount, coded.Error(err)
	}
	amount, err := money.Parse(text)
	if err == nil && !currency.IsZero() && amount.Currency() != currency {
		return amount, bursar.Errorf(bursar.CodeAmountInvalid, "%v is not in %v, the currency of the row", amount, currency)
	}
	return amount, coded.Error(err)
}

func (r *record) reference(row *Row) error {
	s := row.Reference
	if len(s) > referenceMax || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return bursar.Errorf(bursar.CodeReferenceInvalid, "%q is not at most %d bytes of UTF-8 without control characters", brief.Text(s), referenceMax)
	}
	return nil
}

func (r *record) memo(row *Row) error {
	if text := r.fields[columnMemo]; text != "" {
		row.Metadata = bursar.Metadata{memoKey: text}
	}
	return checkMetadata(row.Metadata)
}

func (r *record) metadata(row *Row) error {
	text := r.fields[columnMetadata]
	if text == "" {
		return nil
	}
	pairs, err := metadataIn(text)
	if err != nil {
		return err
	}
	if _, twice := pairs[memoKey]; twice && row.Metadata != nil {
		return bursar.Errorf(bursar.CodeMetadataInvalid, "%q is in the column memo as well", memoKey)
	}
	maps.Copy(pairs, row.Metadata)
	if len(pairs) > 0 {
		row.Metadata = pairs
	}
	return checkMetadata(pairs)
}

func checkMetadata(m bursar.Metadata) error {
	if len(m) > metadataPairsMax {
		return bursar.Errorf(bursar.CodeMetadataInvalid, "%d pairs are more than %d", len(m), metadataPairsMax)
	}
	for key, value := range m {
		switch {
		case key == "" || len(key) > metadataKeyMax || !validText(key):
			return bursar.Errorf(bursar.CodeMetadataInvalid, "the key %q is not 1 to %d bytes of UTF-8 without NUL", brief.Text(key), metadataKeyMax)
		case len(value) > metadataValueMax || !validText(value):
			return bursar.Errorf(bursar.CodeMetadataInvalid, "the value of %q is not at most %d bytes of UTF-8 without NUL", brief.Text(key), metadataValueMax)
		}
	}
	return nil
}

func validText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func (r *record) fromBalance(row *Row) (err error) {
	row.FromBalance, err = r.balance(columnFromBalance, row)
	return err
}

func (r *record) toBalance(row *Row) (err error) {
	row.ToBalance, err = r.balance(columnToBalance, row)
	return err
}

func (r *record) balance(c column, row *Row) (*money.Amount, error) {
	text := r.fields[c]
	if text == "" {
		return nil, nil
	}
	balance, err := amountIn(text, row.Amount.Currency())
	return &balance, err
}
