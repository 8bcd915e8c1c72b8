package money

import (
	"strconv"
	"strings"
)

//go:generate go run iso4217/gen.go

const (
	// CodeMax is the length of the longest currency code.
	CodeMax = 16
	// ScaleMax is the greatest number of decimals that an asset can be
	// declared with. It leaves at least six digits before the point.
	ScaleMax = 30
)

// Currency is what an amount counts: a code and a scale, the number of
// decimals. The smallest unit is 10^-scale.
//
// It is a small immutable value, to be compared with ==. The zero Currency is
// no currency; every function that needs one refuses it.
type Currency struct {
	code  string
	scale uint8
	iso   bool // printed without its scale
}

// Lookup returns the ISO 4217 currency with an alphabetic code such as "USD".
// It finds what is in use today: a withdrawn code is found by
// [LookupHistoric]. A code to which ISO gives no smallest unit (gold, special
// drawing rights, test codes) has to be declared with a scale.
//
// The error is ErrCurrency.
func Lookup(code string) (Currency, error) {
	row := findISO(isoActive[:], code)
	if row == nil || row.scale < 0 {
		return Currency{}, refuse(ErrCurrency, "currency", code, lookupReason(code))
	}
	return row.currency(), nil
}

// MustLookup is [Lookup] for variables of a package and for tests. It panics on
// an error.
func MustLookup(code string) Currency {
	c, err := Lookup(code)
	if err != nil {
		panic("money.MustLookup: " + err.Error())
	}
	return c
}

// LookupHistoric returns an ISO 4217 currency that has been withdrawn, such
// as "DEM", with the number of decimals that it had. Withdrawn codes whose
// decimals are not known for certain are not found; they can be declared.
//
// The error is ErrCurrency.
func LookupHistoric(code string) (Currency, error) {
	row := findISO(isoWithdrawn[:], code)
	if row != nil {
		return row.currency(), nil
	}
	reason := "no ISO 4217 currency of that code has been withdrawn; Lookup finds those in use"
	if findISO(isoActive[:], code) == nil {
		reason = "this code is in no list of ISO 4217 currencies; declare it with its scale"
	}
	return Currency{}, refuse(ErrCurrency, "currency", code, reason)
}

// Declare returns a currency of your own, such as CHIP with scale 0 or ETH
// with scale 18. Two declarations with equal code and scale are the same
// currency, and nothing is remembered anywhere.
//
// A code is 1 to 16 of A-Z, 0-9, '_' and '.', begins with a letter and ends
// with a letter or a digit. A scale is 0 to 30. A code that ISO 4217 has given
// a number of decimals, now or in the past, cannot be declared.
//
// The error is ErrCurrency.
func Declare(code string, scale int) (Currency, error) {
	if reason := declareReason(code, scale); reason != "" {
		return Currency{}, refuse(ErrCurrency, "currency", code, reason)
	}
	return declared(code, scale), nil
}

// MustDeclare is [Declare] for variables of a package and for tests. It panics
// on an error.
func MustDeclare(code string, scale int) Currency {
	c, err := Declare(code, scale)
	if err != nil {
		panic("money.MustDeclare: " + err.Error())
	}
	return c
}

// ParseCurrency reads a currency as [Currency.String] writes it: "USD" or
// "CHIP/0". It reads withdrawn ISO codes too, because money of the past has to
// stay readable; use [Lookup] where a currency is chosen for new money.
//
// The error is ErrCurrency.
func ParseCurrency(s string) (Currency, error) {
	return (*Registry)(nil).ParseCurrency(s)
}

// Code returns the code without the scale, such as "USD" or "CHIP".
func (c Currency) Code() string { return c.code }

// Scale returns the number of decimals.
func (c Currency) Scale() int { return int(c.scale) }

// IsZero reports whether c is the zero Currency, which is no currency.
func (c Currency) IsZero() bool { return c.code == "" }

// IsISO reports whether c is a currency of ISO 4217, in use or withdrawn.
func (c Currency) IsISO() bool { return c.iso }

// Equal reports whether c and d are the same currency, like ==. It is here
// for packages that compare by method.
func (c Currency) Equal(d Currency) bool { return c == d }

// Name returns the English name of an ISO 4217 currency, or "".
func (c Currency) Name() string {
	if row := c.row(); row != nil {
		return row.name
	}
	return ""
}

// Numeric returns the three-digit code of an ISO 4217 currency, or 0. It is no
// identity: ISO has given one number to several currencies over time.
func (c Currency) Numeric() int {
	if row := c.row(); row != nil {
		return int(row.numeric)
	}
	return 0
}

// Withdrawn returns the year and month, such as "2002-03", in which ISO 4217
// withdrew the currency, or "" if it is in use or declared.
func (c Currency) Withdrawn() string {
	if row := c.row(); row != nil {
		return row.withdrawn
	}
	return ""
}

// String returns the code of an ISO currency ("USD"), code and scale of a
// declared one ("CHIP/0"), and "" for the zero Currency.
func (c Currency) String() string {
	if c.iso || c.code == "" {
		return c.code
	}
	var buf [CodeMax + 3]byte
	return string(c.AppendTo(buf[:0]))
}

// AppendTo appends what String returns to dst.
func (c Currency) AppendTo(dst []byte) []byte {
	dst = append(dst, c.code...)
	if c.iso || c.code == "" {
		return dst
	}
	dst = append(dst, '/')
	return strconv.AppendUint(dst, uint64(c.scale), 10)
}

// MarshalText writes what String returns. The zero Currency is ErrCurrency.
func (c Currency) MarshalText() ([]byte, error) {
	if c.IsZero() {
		return nil, refuse(ErrCurrency, "currency", "", "the zero Currency has no text")
	}
	return c.AppendTo(nil), nil
}

// UnmarshalText reads what [ParseCurrency] reads, and leaves c alone on error.
func (c *Currency) UnmarshalText(text []byte) error {
	got, err := ParseCurrency(string(text))
	if err != nil {
		return err
	}
	*c = got
	return nil
}

// declared makes a currency from a code and a scale that have been checked.
// The code is copied, because it may be a slice of a long text.
func declared(code string, scale int) Currency {
	return Currency{code: strings.Clone(code), scale: uint8(scale)}
}

// row returns the line of the ISO tables that c was made from, or nil.
func (c Currency) row() *isoRow {
	if !c.iso {
		return nil
	}
	return findUnits(c.code)
}

// declareReason says why a code and a scale cannot be declared, or "".
func declareReason(code string, scale int) string {
	if reason := codeReason(code); reason != "" {
		return reason
	}
	if row := findUnits(code); row != nil {
		return code + " is an ISO 4217 currency with " + decimals(row.scale) + "; write " + code
	}
	if scale < 0 || scale > ScaleMax {
		return "a scale is 0 to " + strconv.Itoa(ScaleMax) + ", not " + strconv.Itoa(scale)
	}
	return ""
}

// codeReason says why a text is not the code of a currency, or "".
func codeReason(code string) string {
	if code == "" {
		return "there is no currency code; write one such as USD or CHIP/0"
	}
	if len(code) > CodeMax {
		return "a currency code has at most " + strconv.Itoa(CodeMax) + " characters"
	}
	for i := range len(code) {
		switch ch := code[i]; {
		case 'A' <= ch && ch <= 'Z':
		case 'a' <= ch && ch <= 'z':
			return lowerReason(code)
		case '0' <= ch && ch <= '9' && i > 0:
		case (ch == '_' || ch == '.') && 0 < i && i < len(code)-1:
		case ch == ' ':
			return "a currency code has no blanks"
		default:
			return "a currency code is A-Z, 0-9, and '_' or '.' inside, beginning with a letter, such as CHIP"
		}
	}
	return ""
}

// lowerReason explains a code with a small letter in it. The rest of the code
// has not been looked at, and may be nothing to show.
func lowerReason(code string) string {
	const reason = "a currency code is in upper case"
	if upper := strings.ToUpper(code); codeReason(upper) == "" {
		return reason + "; write " + upper
	}
	return reason + ", such as USD"
}

// lookupReason says why a bare code names no currency.
func lookupReason(code string) string {
	if reason := codeReason(code); reason != "" {
		return reason
	}
	if findISO(isoActive[:], code) != nil {
		return "ISO 4217 gives " + code + " no smallest unit; declare it with a scale, such as " + code + "/6"
	}
	if row := findISO(isoWithdrawn[:], code); row != nil {
		return code + " was withdrawn in " + row.withdrawn + "; LookupHistoric finds it"
	}
	return code + " is not in ISO 4217; write an asset of your own with its scale, such as " + code + "/2"
}

// decimals counts them in words: "no decimals", "1 decimal", "2 decimals".
func decimals(n int8) string {
	switch n {
	case 0:
		return "no decimals"
	case 1:
		return "1 decimal"
	}
	return strconv.Itoa(int(n)) + " decimals"
}
