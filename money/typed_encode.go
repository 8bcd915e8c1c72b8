package money

import (
	"database/sql/driver"
	"fmt"
	"log/slog"
)

// String returns the amount as [ParseOf] and [Parse] read it: "25.00 USD".
func (a Of[C]) String() string { return a.Amount().String() }

// Decimal returns the number alone: "25.00".
func (a Of[C]) Decimal() string { return a.Amount().Decimal() }

// AppendTo appends what String returns to dst.
func (a Of[C]) AppendTo(dst []byte) []byte { return a.Amount().AppendTo(dst) }

// AppendDecimal appends what Decimal returns to dst.
func (a Of[C]) AppendDecimal(dst []byte) []byte { return a.Amount().AppendDecimal(dst) }

// Format prints as [Amount.Format] does, but for %#v, which writes the Go
// expression with the type.
func (a Of[C]) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		var c C
		writePadded(f, fmt.Appendf(nil, "money.MustParseOf[%T](%q)", c, a.String()))
		return
	}
	a.Amount().Format(f, verb)
}

// LogValue makes slog write what String returns.
func (a Of[C]) LogValue() slog.Value { return a.Amount().LogValue() }

// MarshalText writes what String returns.
func (a Of[C]) MarshalText() ([]byte, error) { return a.Amount().MarshalText() }

// UnmarshalText reads what [ParseOf] reads, with its errors, and leaves a alone
// on error.
func (a *Of[C]) UnmarshalText(text []byte) error {
	var got Amount
	return a.set(got.UnmarshalText(text), &got)
}

// MarshalJSON writes the amount as a JSON string: "25.00 USD".
func (a Of[C]) MarshalJSON() ([]byte, error) { return a.Amount().MarshalJSON() }

// UnmarshalJSON reads a JSON string as [Amount.UnmarshalJSON] does, with its
// errors and those of [OfAmount], and leaves a alone on error.
func (a *Of[C]) UnmarshalJSON(data []byte) error {
	var got Amount
	return a.set(got.UnmarshalJSON(data), &got)
}

// Value gives database/sql the text of the amount.
func (a Of[C]) Value() (driver.Value, error) { return a.Amount().Value() }

// Scan reads the text of an amount from a database column as [Amount.Scan]
// does, with its errors and those of [OfAmount], and leaves a alone on error.
func (a *Of[C]) Scan(src any) error {
	var got Amount
	return a.set(got.Scan(src), &got)
}

// set takes over what was read, unless that failed or is in another currency.
func (a *Of[C]) set(err error, got *Amount) error {
	if err != nil {
		return err
	}
	of, err := OfAmount[C](*got)
	if err != nil {
		return err
	}
	*a = of
	return nil
}
