package money

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// MarshalText writes what String returns. An amount without a currency is
// ErrCurrency.
func (a Amount) MarshalText() ([]byte, error) {
	if a.currency.IsZero() {
		return nil, noCurrency()
	}
	return a.AppendTo(make([]byte, 0, TextMax)), nil
}

// UnmarshalText reads what [Parse] reads, with its errors, and leaves a alone
// on error.
func (a *Amount) UnmarshalText(text []byte) error {
	// Something too long to be read is not copied.
	return a.set(Parse(string(text[:min(len(text), TextMax+1)])))
}

// MarshalJSON writes the amount as a JSON string: "25.00 USD". An amount
// without a currency is ErrCurrency.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a.currency.IsZero() {
		return nil, noCurrency()
	}
	dst := append(make([]byte, 0, TextMax), '"')
	return append(a.AppendTo(dst), '"'), nil
}

// UnmarshalJSON reads a JSON string as [Parse] does, with its errors, and
// leaves a alone on error. A JSON number is ErrSyntax, because it has no
// currency and because readers of JSON turn numbers into floats; null and
// everything else is ErrSyntax too. Use *Amount for an amount that may be null.
func (a *Amount) UnmarshalJSON(data []byte) error {
	text, err := jsonText(data)
	if err != nil {
		return err
	}
	return a.set(Parse(text))
}

// jsonText takes the text out of a JSON string.
func jsonText(data []byte) (string, error) {
	// An escape has up to six bytes for one.
	const jsonMax = 2 + 6*TextMax
	given := string(data[:min(len(data), jsonMax+1)])
	reason := ""
	switch {
	case len(data) > jsonMax:
		reason = "it is too long; an amount is a string such as \"25.00 USD\""
	case given == "null":
		reason = "null is no amount; write a string such as \"0.00 USD\", or leave the field out"
	case given == "":
		reason = "it is empty; write a string such as \"25.00 USD\""
	case given[0] == '-' || '0' <= given[0] && given[0] <= '9':
		reason = "a JSON number is not read; write a string with the currency, such as \"25.00 USD\""
	case given[0] != '"':
		reason = "this JSON is not a string; write one such as \"25.00 USD\""
	}
	if reason != "" {
		return "", refuse(ErrSyntax, "amount", given, reason)
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return "", refuse(ErrSyntax, "amount", given, "this JSON string is malformed")
	}
	return text, nil
}

// Value gives database/sql the text of the amount. An amount without a
// currency is ErrCurrency.
func (a Amount) Value() (driver.Value, error) {
	if a.currency.IsZero() {
		return nil, noCurrency()
	}
	return a.String(), nil
}

// Scan reads the text of an amount from a database column, with the errors of
// [Parse], and leaves a alone on error. A column of any other type is
// ErrSyntax: a number lacks the currency, and a float has lost digits already.
// Use sql.Null[Amount] where the column may be null.
func (a *Amount) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return a.set(Parse(v))
	case []byte:
		return a.UnmarshalText(v)
	case nil:
		return refuse(ErrSyntax, "scan", "", "the column is null; scan into sql.Null[money.Amount]")
	case float32, float64:
		return refuse(ErrSyntax, "scan", "",
			"the column is a float, which is not exact; store amounts as text or as their two parts")
	case int64:
		return refuse(ErrSyntax, "scan", "",
			"the column is a number without a currency; scan an int64 and use money.FromUnits")
	}
	return refuse(ErrSyntax, "scan", "", fmt.Sprintf("the column is a %T; store amounts as text", src))
}

// set takes over the result of Parse unless it is an error.
func (a *Amount) set(got Amount, err error) error {
	if err != nil {
		return err
	}
	*a = got
	return nil
}

func noCurrency() error {
	return refuse(ErrCurrency, "amount", "",
		"an amount without a currency cannot be written; start from money.Zero(currency)")
}
