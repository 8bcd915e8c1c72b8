package exchange

import (
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// parse reads the fields from left to right and stops at the first that makes no sense.
func (r *record) parse() (Row, error) {
	row := Row{
		Line: r.line, Leg: -1,
		From: r.fields[columnFrom], To: r.fields[columnTo], Reference: r.fields[columnReference],
	}
	for _, part := range [...]struct {
		column column
		read   func(*Row) error
	}{
		{columnID, r.id}, {columnLeg, r.leg}, {columnEffective, r.effective}, {columnFrom, r.from}, {columnTo, r.to},
		{columnAmount, r.amount}, {columnMemo, r.memo}, {columnMetadata, r.metadata},
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
	if err != nil || n < 0 || n >= bursar.LegsMax || strconv.Itoa(n) != text {
		return bursar.Errorf(bursar.CodeLegsInvalid, "%q is not the number of a leg, from 0 to %d", brief.Text(text),
			bursar.LegsMax-1)
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
		return bursar.Errorf(bursar.CodeTimeInvalid, "%q is not a time in RFC 3339, such as 2026-01-31T12:00:00Z, "+
			"and not a date, such as 2026-01-31", brief.Text(text))
	}
	instant, err := bursar.InstantOf(t)
	row.Effective = instant.Time()
	return err
}

func (r *record) from(row *Row) error { return bursar.CheckPath(row.From) }

func (r *record) to(row *Row) error { return bursar.CheckPath(row.To) }

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
	row.Amount = amount
	return err
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

// memo reads the memo. With it the row says all of a transfer but its further metadata.
func (r *record) memo(row *Row) error {
	if text := r.fields[columnMemo]; text != "" {
		row.Metadata = bursar.Metadata{memoKey: text}
	}
	return r.check(row, columnMemo)
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
	return r.check(row, columnMetadata)
}

// check holds the row, as a transfer of one leg, to the rules of package bursar. Posting does so again, but a file is
// judged before anything of a batch is posted. metadata is the column to name when the metadata breaks a rule.
func (r *record) check(row *Row, metadata column) error {
	t := bursar.Transfer{
		Legs:      []bursar.Leg{{From: row.From, To: row.To, Amount: row.Amount}},
		Effective: row.Effective, Reference: row.Reference, Metadata: row.Metadata,
	}
	err := t.Validate()
	var e *bursar.Error
	if !errors.As(err, &e) {
		return err
	}
	places := map[string]column{
		"legs[0].from": columnFrom, "legs[0].to": columnTo, "legs[0].amount": columnAmount,
		"effective": columnEffective, "reference": columnReference, "metadata": metadata,
	}
	c, known := places[e.Field]
	if !known {
		return &fault{line: r.line, err: err}
	}
	plain := *e
	plain.Field = "" // the column takes its place
	return r.at(c, &plain)
}

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
