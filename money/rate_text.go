package money

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// RateTextMax is the length in bytes of the longest text that is read as a
// rate. The longest canonical text is shorter: a sign, two numbers of 78
// digits and the line between them.
const RateTextMax = 160

// ParseRate reads a rate in one of three forms: a decimal ("1.0825", "-0.5",
// "3"), a fraction of whole numbers ("3/7", "-433/400"), or a percentage
// ("8.25%"), which is a hundredth of the decimal. Fractions need not be in
// lowest terms.
//
// It reads nothing else: no plus sign, no "-0", no exponent, no grouping, no
// leading zeros, no bare point, no blanks, no sign below the line, no
// percentage of a fraction. [Rate.String] writes one form of each rate, which
// is never a percentage.
//
// The error is ErrSyntax, ErrDivision for a zero below the line, or ErrRange
// beyond [RateBits]. A text longer than [RateTextMax] costs nothing.
func ParseRate(s string) (Rate, error) {
	if reason := rateLengthReason(s); reason != "" {
		return Rate{}, refuse(ErrSyntax, "rate", s, reason)
	}
	if above, below, ok := strings.Cut(s, "/"); ok {
		return parseFraction(s, above, below)
	}
	digits, percent := strings.CutSuffix(s, "%")
	n, reason := scanNumber(digits)
	if reason != "" {
		return Rate{}, refuse(ErrSyntax, "rate", s, reason)
	}
	decimals := len(n.frac)
	if percent {
		decimals += 2
	}
	den := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	return n.over(den, s)
}

// MustParseRate is [ParseRate] for constants and tests. It panics on an error.
func MustParseRate(s string) Rate {
	r, err := ParseRate(s)
	if err != nil {
		panic("money.MustParseRate: " + err.Error())
	}
	return r
}

// parseFraction reads two whole numbers. s is what they are taken from.
func parseFraction(s, above, below string) (Rate, error) {
	n, reason := scanNumber(above)
	if reason == "" && n.frac != "" {
		reason = "a fraction has whole numbers; write 3/2, not 1.5/1"
	}
	if reason != "" {
		return Rate{}, refuse(ErrSyntax, "rate", s, reason)
	}
	d, reason := scanNumber(below)
	switch {
	case strings.HasPrefix(below, "-"):
		reason = "the sign comes before the fraction; write -3/7"
	case strings.HasSuffix(below, "%"):
		reason = "a percentage is a decimal; write 8.25%, or the fraction without %"
	case reason == "" && d.frac != "":
		reason = "a fraction has whole numbers; write 3/2, not 1.5/1"
	}
	if reason != "" {
		return Rate{}, refuse(ErrSyntax, "rate", s, reason)
	}
	den := d.digits()
	if den.Sign() == 0 {
		return Rate{}, refuse(ErrDivision, "rate", s, "nothing is divided by zero")
	}
	return n.over(den, s)
}

// over returns the digits of n, without their point, over a denominator. s is
// what was read, for the error.
func (n number) over(den *big.Int, s string) (Rate, error) {
	num := n.digits()
	if n.negative {
		num.Neg(num)
	}
	f := new(big.Rat).SetFrac(num, den)
	if f.Num().BitLen() > RateBits || f.Denom().BitLen() > RateBits {
		return Rate{}, refuse(ErrRange, "rate", s, rateReason)
	}
	return reduced(f), nil
}

// digits returns the digits before and after the point as one number.
func (n number) digits() *big.Int {
	d, _ := new(big.Int).SetString(n.whole+n.frac, 10)
	return d
}

// rateLengthReason refuses what is empty or long, and what is plainly another
// thing.
func rateLengthReason(s string) string {
	switch {
	case s == "":
		return "it is empty; write a rate such as 1.0825, 3/7 or 8.25%"
	case len(s) > RateTextMax:
		return "it is longer than 160 bytes, the most that a rate has"
	case strings.IndexByte(s, ' ') >= 0:
		return "a rate has no blanks and no unit; write 1.0825, 3/7 or 8.25%"
	}
	return ""
}

// String returns the one form that each rate has: a decimal without trailing
// zeros if 18 decimals at most are enough ("1.0825", "-3"), and else the
// fraction in lowest terms ("3/7"). [ParseRate] reads the same rate back.
func (r Rate) String() string { return string(r.AppendTo(nil)) }

// AppendTo appends what String returns to dst.
func (r Rate) AppendTo(dst []byte) []byte {
	num, den := r.fraction()
	// 18 decimals are enough exactly for what divides 10^18.
	if !den.IsInt64() || base%den.Int64() != 0 {
		return den.Append(append(num.Append(dst, 10), '/'), 10)
	}
	if num.Sign() < 0 {
		dst = append(dst, '-')
		num.Neg(num)
	}
	whole, rest := num.QuoRem(num, den, new(big.Int))
	dst = whole.Append(dst, 10)
	if rest.Sign() == 0 {
		return dst
	}
	// A one before the decimals gives them their leading zeros; the point then
	// takes its place.
	point := len(dst)
	dst = strconv.AppendInt(dst, base+rest.Int64()*(base/den.Int64()), 10)
	dst[point] = '.'
	return bytes.TrimRight(dst, "0")
}

// Format makes rates print with fmt as amounts do: %v and %s write what String
// returns, %q puts it in quotes, %#v writes a Go expression, and width and the
// minus flag pad. Any other verb, %d and %f above all, is a mistake, and is
// printed as fmt prints mistakes.
func (r Rate) Format(f fmt.State, verb rune) {
	var text []byte
	switch {
	case verb == 'v' && f.Flag('#'):
		text = append(r.AppendTo([]byte(`money.MustParseRate("`)), `")`...)
	case verb == 'v' || verb == 's':
		text = r.AppendTo(text)
	case verb == 'q':
		text = append(r.AppendTo([]byte{'"'}), '"')
	default:
		text = utf8.AppendRune([]byte("%!"), verb)
		text = append(r.AppendTo(append(text, "(money.Rate="...)), ')')
	}
	writePadded(f, text)
}

// LogValue makes slog write what String returns.
func (r Rate) LogValue() slog.Value { return slog.StringValue(r.String()) }
