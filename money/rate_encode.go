package money

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// MarshalText writes what String returns. It has no errors.
func (r Rate) MarshalText() ([]byte, error) { return r.AppendTo(nil), nil }

// UnmarshalText reads what [ParseRate] reads, with its errors, and leaves r
// alone on error.
func (r *Rate) UnmarshalText(text []byte) error {
	// Something too long to be read is not copied.
	return r.set(ParseRate(string(text[:min(len(text), RateTextMax+1)])))
}

// MarshalJSON writes the rate as a JSON string: "1.0825". It has no errors.
func (r Rate) MarshalJSON() ([]byte, error) {
	return append(r.AppendTo([]byte{'"'}), '"'), nil
}

// UnmarshalJSON reads a JSON string as [ParseRate] does, with its errors, and
// leaves r alone on error. A JSON number is ErrSyntax, because readers of JSON
// turn numbers into floats; null and everything else is ErrSyntax too. Use
// *Rate for a rate that may be null.
func (r *Rate) UnmarshalJSON(data []byte) error {
	// An escape has up to six bytes for one.
	const jsonMax = 2 + 6*RateTextMax
	given := string(data[:min(len(data), jsonMax+1)])
	reason := ""
	switch {
	case len(data) > jsonMax:
		reason = "it is too long; a rate is a string such as \"1.0825\""
	case given == "null":
		reason = "null is no rate; write a string such as \"0\", or leave the field out"
	case given == "" || given[0] != '"':
		reason = "a rate is a JSON string, never a number; write one such as \"1.0825\" or \"3/7\""
	}
	if reason != "" {
		return refuse(ErrSyntax, "rate", given, reason)
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return refuse(ErrSyntax, "rate", given, "this JSON string is malformed")
	}
	return r.set(ParseRate(text))
}

// Value gives database/sql the text of the rate.
func (r Rate) Value() (driver.Value, error) { return r.String(), nil }

// Scan reads the text of a rate from a database column, with the errors of
// [ParseRate], and leaves r alone on error. A column of any other type is
// ErrSyntax: a float has lost digits already, and where one row gives a whole
// number the next gives a float. Use sql.Null[Rate] where the column may be
// null.
func (r *Rate) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return r.set(ParseRate(v))
	case []byte:
		return r.UnmarshalText(v)
	case nil:
		return refuse(ErrSyntax, "scan", "", "the column is null; scan into sql.Null[money.Rate]")
	case float32, float64:
		return refuse(ErrSyntax, "scan", "", "the column is a float, which is not exact; store rates as text")
	}
	return refuse(ErrSyntax, "scan", "", fmt.Sprintf("the column is a %T; store rates as text", src))
}

// set takes over the result of ParseRate unless it is an error.
func (r *Rate) set(got Rate, err error) error {
	if err != nil {
		return err
	}
	*r = got
	return nil
}
