package money

import (
	"fmt"
	"log/slog"
	"strconv"
	"unicode/utf8"
)

// digitsMax is the size of a buffer for any number: sign, 36 digits, point.
const digitsMax = 38

// String returns the amount as [Parse] reads it, with all decimals of its
// currency: "25.00 USD", "-3 CHIP/0". An amount without a currency is written
// as "0 (no currency)", which nothing reads.
func (a Amount) String() string {
	if a.hi == 0 && a.currency.iso {
		return a.shortString()
	}
	var buf [TextMax]byte
	return string(a.AppendTo(buf[:0]))
}

// shortString is String for the amounts that are printed most, in one pass.
func (a Amount) shortString() string {
	var buf [digitsMax + len(" USD")]byte
	buf[digitsMax] = ' '
	copy(buf[digitsMax+1:], a.currency.code)
	return string(buf[a.fillShort(buf[:], digitsMax):])
}

// Decimal returns the number alone: "25.00".
func (a Amount) Decimal() string {
	var buf [digitsMax]byte
	return string(a.AppendDecimal(buf[:0]))
}

// AppendTo appends what String returns to dst.
func (a Amount) AppendTo(dst []byte) []byte {
	dst = a.AppendDecimal(dst)
	if a.currency.IsZero() {
		return append(dst, " (no currency)"...)
	}
	dst = append(dst, ' ')
	return a.currency.AppendTo(dst)
}

// AppendDecimal appends what Decimal returns to dst.
func (a Amount) AppendDecimal(dst []byte) []byte {
	if a.hi == 0 {
		var buf [digitsMax]byte
		return append(dst, buf[a.fillShort(buf[:], digitsMax):]...)
	}
	if a.hi < 0 {
		dst = append(dst, '-')
		a = a.Neg()
	}
	var buf [2*baseDigits + 1]byte // and the digit that appendDigits closes over
	digits := a.appendDigits(buf[:0])
	scale := int(a.currency.scale)
	if scale == 0 {
		return append(dst, digits...)
	}
	if whole := len(digits) - scale; whole > 0 {
		dst = append(dst, digits[:whole]...)
		dst = append(dst, '.')
		return append(dst, digits[whole:]...)
	}
	dst = append(dst, '0', '.')
	for range scale - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// fillShort writes the number of an amount without a high part, which is almost
// every one, so that it ends before buf[at], and returns where it begins. It
// needs digitsMax bytes.
func (a Amount) fillShort(buf []byte, at int) int {
	rest, decimals := magnitude(a.lo), int(a.currency.scale)
	// Two digits at a time halve the divisions that wait for each other.
	for ; decimals > 1; decimals -= 2 {
		at, rest = at-2, fillPair(buf, at, rest)
	}
	if decimals == 1 {
		at--
		buf[at], rest = byte('0'+rest%10), rest/10
	}
	if a.currency.scale > 0 {
		at--
		buf[at] = '.'
	}
	for rest >= 100 {
		at, rest = at-2, fillPair(buf, at, rest)
	}
	if rest >= 10 {
		at--
		buf[at], rest = byte('0'+rest%10), rest/10
	}
	at--
	buf[at] = byte('0' + rest)
	if a.lo < 0 {
		at--
		buf[at] = '-'
	}
	return at
}

// fillPair writes the last two digits of n before buf[at] and returns the rest.
func fillPair(buf []byte, at int, n uint64) uint64 {
	rest := n / 100
	two := byte(n - 100*rest)
	buf[at-1], buf[at-2] = '0'+two%10, '0'+two/10
	return rest
}

// appendDigits appends the smallest units of an amount with a positive high
// part.
func (a Amount) appendDigits(dst []byte) []byte {
	dst = strconv.AppendInt(dst, a.hi, 10)
	// One unit of base in front gives the low part its leading zeros; the digit
	// 1 that it puts there is then closed over.
	start := len(dst)
	dst = strconv.AppendInt(dst, base+a.lo, 10)
	return append(dst[:start], dst[start+1:]...)
}

// Format makes amounts print well with fmt. %v and %s write what String
// returns, %q puts it in quotes, and %#v writes a Go expression. %+s shows the
// sign of a positive amount too, for changes in a statement; %+v does not,
// because fmt hands that flag down to the fields of a struct. Width and the
// minus flag pad; a precision is ignored, since cutting an amount off would be
// a rounding. Any other verb, %d and %f above all, is a mistake, and is
// printed as fmt prints mistakes.
func (a Amount) Format(f fmt.State, verb rune) {
	var buf [TextMax + 24]byte
	text := buf[:0]
	switch {
	case verb == 'v' && f.Flag('#'):
		text = a.appendGo(text)
	case verb == 'v' || verb == 's':
		if verb == 's' && f.Flag('+') && a.Sign() > 0 {
			text = append(text, '+')
		}
		text = a.AppendTo(text)
	case verb == 'q':
		text = append(text, '"')
		text = append(a.AppendTo(text), '"')
	default:
		text = append(text, "%!"...)
		text = utf8.AppendRune(text, verb)
		text = append(text, "(money.Amount="...)
		text = append(a.AppendTo(text), ')')
	}
	writePadded(f, text)
}

// appendGo appends the expression that makes the amount.
func (a Amount) appendGo(dst []byte) []byte {
	if a.currency.IsZero() {
		return append(dst, "money.Amount{}"...)
	}
	dst = append(dst, `money.MustParse("`...)
	return append(a.AppendTo(dst), `")`...)
}

// writePadded writes ASCII text in the width of f. A state of fmt reports no
// errors that a formatter could act on.
func writePadded(f fmt.State, text []byte) {
	width, _ := f.Width()
	padding := max(0, width-len(text))
	if f.Flag('-') {
		_, _ = f.Write(text)
	}
	for range padding {
		_, _ = f.Write([]byte{' '})
	}
	if !f.Flag('-') {
		_, _ = f.Write(text)
	}
}

// LogValue makes slog write what String returns.
func (a Amount) LogValue() slog.Value { return slog.StringValue(a.String()) }
