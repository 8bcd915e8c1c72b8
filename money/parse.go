package money

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// TextMax is the length in bytes of the longest text that is read as an
// amount. The longest canonical text is shorter: sign, 36 digits and point, a
// blank, a code of 16, slash and two digits.
const TextMax = 64

// Parse reads an amount with its currency: "25.00 USD", "-3 CHIP/0",
// "0.5 BTC/8". Fewer decimals than the currency has are filled up with zeros.
//
// It reads nothing else: no plus sign, no "-0", no exponent, no grouping, no
// leading zeros, no bare point, no blanks but the one before the currency, no
// digits but 0 to 9, no code in lower case. Withdrawn ISO currencies are read,
// because money of the past has to stay readable.
//
// The error is ErrSyntax, ErrCurrency, ErrPrecision for more decimals than the
// currency has (even zeros), or ErrRange, looked at in this order.
func Parse(s string) (Amount, error) {
	return parse(s, nil)
}

// ParseDecimal reads the number of an amount whose currency is known: "25.00".
// It reads numbers as [Parse] does, and has the same errors. The zero Currency
// is ErrCurrency.
func ParseDecimal(s string, c Currency) (Amount, error) {
	if reason := lengthReason(s); reason != "" {
		return Amount{}, refuse(ErrSyntax, "amount", s, reason)
	}
	if c.IsZero() {
		return Amount{}, refuse(ErrCurrency, "amount", s, "no currency was given to read it in")
	}
	n, reason := scanNumber(s)
	if reason != "" {
		return Amount{}, refuse(ErrSyntax, "amount", s, reason)
	}
	return n.amount(s, c)
}

// MustParse is [Parse] for constants and tests. It panics on an error.
func MustParse(s string) Amount {
	a, err := Parse(s)
	if err != nil {
		panic("money.MustParse: " + err.Error())
	}
	return a
}

func parse(s string, r *Registry) (Amount, error) {
	if a, ok := parseShort(s); ok {
		return a, nil
	}
	return parseLong(s, r)
}

func parseLong(s string, r *Registry) (Amount, error) {
	if reason := lengthReason(s); reason != "" {
		return Amount{}, refuse(ErrSyntax, "amount", s, reason)
	}
	blank := strings.IndexByte(s, ' ')
	if blank < 0 {
		return Amount{}, refuse(ErrSyntax, "amount", s, unsplitReason(s))
	}
	if reason := blankReason(s, blank); reason != "" {
		return Amount{}, refuse(ErrSyntax, "amount", s, reason)
	}
	n, reason := scanNumber(s[:blank])
	if reason != "" {
		return Amount{}, refuse(ErrSyntax, "amount", s, reason)
	}
	c, reason := r.resolve(s[blank+1:])
	if reason != "" {
		return Amount{}, refuse(ErrCurrency, "amount", s, reason)
	}
	return n.amount(s, c)
}

// parseShort reads the amounts that are read most, in one pass: up to 18
// digits of an ISO currency. Anything else, and anything wrong, it leaves to
// parseLong, which reads these too and explains what it refuses. No registry
// changes what an ISO code means.
func parseShort(s string) (a Amount, ok bool) {
	at := 0
	negative := s != "" && s[0] == '-'
	if negative {
		at = 1
	}
	first, point, units := at, -1, int64(0)
	for ; at < len(s) && at-first <= baseDigits; at++ {
		ch := s[at]
		if '0' <= ch && ch <= '9' {
			units = units*10 + int64(ch-'0')
		} else if ch == '.' && point < 0 {
			point = at
		} else {
			break
		}
	}
	if len(s)-at != 4 || s[at] != ' ' {
		return Amount{}, false
	}
	row := findUnits(s[at+1:])
	if row == nil {
		return Amount{}, false
	}
	whole, missing := at-first, int(row.scale)
	if point >= 0 {
		whole = point - first
		missing -= at - point - 1
	}
	switch {
	case whole == 0 || point == at-1, whole > 1 && s[first] == '0', negative && units == 0:
		return Amount{}, false
	case missing < 0 || whole+int(row.scale) > baseDigits:
		return Amount{}, false
	}
	for range missing {
		units *= 10
	}
	if negative {
		units = -units
	}
	return Amount{lo: units, currency: row.currency()}, true
}

// number is a decimal that has been found well formed: the digits before the
// point and those after it.
type number struct {
	whole, frac string
	negative    bool
}

// scanNumber takes a decimal apart, or says why it is none. The reasons are
// made here and nowhere else, so that what is accepted and what is explained
// cannot drift apart.
func scanNumber(s string) (number, string) {
	var n number
	digits := s
	if s != "" && s[0] == '-' {
		n.negative, digits = true, s[1:]
	}
	point := -1
	zeros := true
	for i := range len(digits) {
		switch ch := digits[i]; {
		case '0' < ch && ch <= '9':
			zeros = false
		case ch == '0':
		case ch == '.' && point < 0 && 0 < i && i < len(digits)-1:
			point = i
		default:
			return number{}, charReason(digits, i)
		}
	}
	n.whole = digits
	if point >= 0 {
		n.whole, n.frac = digits[:point], digits[point+1:]
	}
	switch {
	case digits == "":
		return number{}, "a number is missing; write one such as 25.00"
	case len(n.whole) > 1 && n.whole[0] == '0':
		return number{}, "leading zeros are not written; write 7, not 007"
	case zeros && n.negative:
		return number{}, "there is no negative zero; write " + digits
	}
	return n, ""
}

// amount turns the number into smallest units of c. s is what was read, for
// the error.
func (n number) amount(s string, c Currency) (Amount, error) {
	missing := c.Scale() - len(n.frac)
	if missing < 0 {
		return Amount{}, refuse(ErrPrecision, "amount", s, c.String()+" has "+decimals(int8(c.scale))+
			", not "+strconv.Itoa(len(n.frac))+"; round it first")
	}
	// The whole part has no leading zeros but for a single one, and a scale is
	// at most 30: more than 36 digits are always 10^36 or more.
	count := len(n.whole) + c.Scale()
	if count > 36 {
		return Amount{}, refuse(ErrRange, "amount", s, rangeReason)
	}
	a := Amount{currency: c}
	rest := a.push(n.whole, count)
	a.push(n.frac, rest)
	a.shift(missing)
	if n.negative {
		a.hi, a.lo = -a.hi, -a.lo
	}
	return a, nil
}

// push appends digits to the amount. rest is how many digits come from here to
// the end, which tells the part that a digit belongs to; what is left of it is
// returned.
func (a *Amount) push(digits string, rest int) int {
	for i := range len(digits) {
		digit := int64(digits[i] - '0')
		rest--
		if rest >= baseDigits {
			a.hi = a.hi*10 + digit
		} else {
			a.lo = a.lo*10 + digit
		}
	}
	return rest
}

// shift appends zeros, of which the last 18 belong to the low part.
func (a *Amount) shift(zeros int) {
	for ; zeros > baseDigits; zeros-- {
		a.hi *= 10
	}
	for ; zeros > 0; zeros-- {
		a.lo *= 10
	}
}

// lengthReason refuses what is empty or long before any work is done on it.
func lengthReason(s string) string {
	switch {
	case s == "":
		return "it is empty; write an amount such as 25.00 USD"
	case len(s) > TextMax:
		return "it is longer than " + strconv.Itoa(TextMax) + " bytes, the most that an amount has"
	}
	return ""
}

// unsplitReason explains a text without the blank between number and currency.
func unsplitReason(s string) string {
	if _, reason := scanNumber(s); reason == "" {
		return "there is no currency; write " + s + " USD, or whichever it is"
	}
	end := len(s)
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && s[i] != '.' && !(i == 0 && s[i] == '-') {
			end = i
			break
		}
	}
	if _, reason := scanNumber(s[:end]); reason == "" && isUpper(s[end]) && !isExponent(s[end:]) {
		return "one blank comes between number and currency, such as 25.00 USD"
	}
	if codeReason(s) == "" && isUpper(s[0]) && !isNotNumber(s) {
		return "there is no number; write one before the currency, such as 25 " + s
	}
	_, reason := scanNumber(s)
	return reason
}

// blankReason explains blanks in other places than the one.
func blankReason(s string, first int) string {
	switch {
	case first == 0:
		return "it begins with a blank; leave that out"
	case s[len(s)-1] == ' ':
		return "it ends with a blank; write number, one blank and currency, such as 25.00 USD"
	case s[first+1] == ' ':
		return "two blanks come before the currency; write one"
	case strings.IndexByte(s[first+1:], ' ') >= 0:
		return "there is more than one blank; write number, one blank and currency, such as 25.00 USD"
	}
	return ""
}

// charReason explains the character at digits[i], which belongs to no number.
func charReason(digits string, i int) string {
	if isNotNumber(digits) {
		return "it is not a number; there are no NaN and no infinity"
	}
	switch ch := digits[i]; {
	case ch == '.' && i == 0:
		return "a digit comes before the point; write 0.5, not .5"
	case ch == '.' && strings.IndexByte(digits, '.') == i:
		return "digits come after the point; write 5 or 5.00, not 5."
	case ch == '.':
		return "there are two points; write one, and no grouping"
	case ch == '+':
		return "a plus sign is not written; leave it out"
	case ch == '-':
		return "a minus sign comes once, before the number"
	case ch == ',' || ch == '\'' || ch == '_':
		return string(rune(ch)) + " is not written in a number; write digits and one point, such as 1000.00"
	case (ch == 'e' || ch == 'E') && i > 0:
		return "exponents are not read; write all the digits"
	case (ch == 'x' || ch == 'X') && digits[:i] == "0":
		return "hexadecimal numbers are not read; write decimal digits"
	}
	r, size := utf8.DecodeRuneInString(digits[i:])
	if r == utf8.RuneError && size <= 1 {
		return "it has a byte that is not text; write digits 0 to 9 and one point"
	}
	return strconv.QuoteRuneToASCII(r) + " is not a digit; write digits 0 to 9 and one point"
}

func isNotNumber(s string) bool {
	switch strings.ToLower(s) {
	case "nan", "inf", "infinity", "+inf", "+infinity":
		return true
	}
	return false
}

// isExponent tells the E of 1E2 from that of 1EUR.
func isExponent(s string) bool {
	return s[0] == 'E' && (len(s) == 1 || !isUpper(s[1]))
}

func isUpper(ch byte) bool { return 'A' <= ch && ch <= 'Z' }
