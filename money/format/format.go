package format

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar/money"
)

// ErrLocale means a locale that is malformed or that nothing is known about.
var ErrLocale = errors.New("unknown locale")

// ErrOptions means an option that is none of its constants.
var ErrOptions = errors.New("unknown option")

// Show says how the currency is shown.
type Show uint8

const (
	// Symbol shows the symbol that tells the currency from all others in that
	// locale ("US$" in Canada, "$" in the United States). A currency without
	// one, and every declared asset, shows its code.
	Symbol Show = iota
	// NarrowSymbol shows the shortest symbol ("$", "kr"), which several
	// currencies may share.
	NarrowSymbol
	// Code shows the currency code ("USD", "CHIP").
	Code
	// NumberOnly shows no currency.
	NumberOnly
)

// Sign says when an amount has a sign. Zero has none.
type Sign uint8

const (
	// SignNegative marks negative amounts.
	SignNegative Sign = iota
	// SignAlways marks positive amounts too, with a plus sign.
	SignAlways
	// SignNever marks no amount: -5 is written as 5 is.
	SignNever
)

// Options changes how a formatter writes. The zero value, like nil, shows the
// symbol, groups digits and marks negative amounts with a minus sign.
type Options struct {
	// Currency is how the currency is shown.
	Currency Show
	// Sign is when there is a sign.
	Sign Sign
	// Accounting writes amounts as account books of the locale do: in many,
	// negative amounts stand in parentheses and have no minus sign.
	Accounting bool
	// Ungrouped leaves the grouping marks out.
	Ungrouped bool
}

// Formatter writes amounts for one locale. It is immutable and safe for
// concurrent use; make one and keep it. It comes from [New]: the zero Formatter
// and a nil one write what [money.Amount.String] does.
type Formatter struct {
	usual   layout
	own     layout            // for the currency ownCode
	ownCode string            // "" where all currencies are written alike
	symbols map[string]string // by ISO code; nil shows codes
}

// layout is a style after the choices of the options.
type layout struct {
	style
	plain, minus, plus string // templates, as in shape
}

// New returns a formatter for a locale such as "en-GB". The error is ErrLocale
// for a locale that is malformed or of an unknown language, and ErrOptions for
// an option that is none of the constants here.
func New(name string, o *Options) (*Formatter, error) {
	if o == nil {
		o = &Options{}
	}
	if o.Currency > NumberOnly || o.Sign > SignNever {
		return nil, fmt.Errorf("format: %w: Currency %d, Sign %d; take the constants of package format",
			ErrOptions, o.Currency, o.Sign)
	}
	style, chain, err := resolve(name)
	if err != nil {
		return nil, err
	}
	f := &Formatter{usual: arrange(style, o)}
	if nearest := chain[0]; nearest.own != "" {
		f.own, f.ownCode = arrange(styles[nearest.ownStyle], o), nearest.own
	}
	switch o.Currency {
	case Symbol:
		f.symbols = merge(chain, func(l *locale) string { return l.symbols })
	case NarrowSymbol:
		f.symbols = merge(chain, func(l *locale) string { return l.narrow })
	}
	return f, nil
}

// arrange chooses the templates for amounts of each sign.
func arrange(s style, o *Options) layout {
	if o.Ungrouped {
		s.group = ""
	}
	shape := shapes[s.shape]
	l := layout{style: s, plain: shape.plain, minus: shape.minus, plus: shape.plus()}
	if o.Accounting {
		l.plain, l.minus, l.plus = shape.books, shape.booksMinus, shape.booksPlus
	}
	switch o.Sign {
	case SignNegative:
		l.plus = l.plain
	case SignNever:
		l.minus, l.plus = l.plain, l.plain
	}
	if o.Currency == NumberOnly {
		l.plain, l.minus, l.plus = bare(l.plain), bare(l.minus), bare(l.plus)
	}
	return l
}

// Format returns the amount as the locale writes it. An amount without a
// currency is written as [money.Amount.String] does.
func (f *Formatter) Format(a money.Amount) string {
	var buf [128]byte
	return string(f.Append(buf[:0], a))
}

// Append appends what Format returns to dst.
func (f *Formatter) Append(dst []byte, a money.Amount) []byte {
	c := a.Currency()
	if f == nil || f.usual.plain == "" || c.IsZero() {
		return a.AppendTo(dst)
	}
	label := c.Code()
	l := &f.usual
	if c.IsISO() {
		if symbol, ok := f.symbols[label]; ok {
			label = symbol
		}
		if c.Code() == f.ownCode {
			l = &f.own
		}
	}
	return l.append(dst, a, label)
}

// append fills the template for the sign of the amount in.
func (l *layout) append(dst []byte, a money.Amount, label string) []byte {
	template := l.plain
	switch a.Sign() {
	case -1:
		template = l.minus
	case 1:
		template = l.plus
	}
	// CLDR puts a no-break space between a digit and a label that is no symbol
	// at that end, where the template has nothing between them.
	var before rune
	for _, r := range template {
		switch r {
		case '¤':
			first, _ := utf8.DecodeRuneInString(label)
			if before == '#' && !isSymbol(first) {
				dst = append(dst, noBreak...)
			}
			dst = append(dst, label...)
		case '#':
			last, _ := utf8.DecodeLastRuneInString(label)
			if before == '¤' && !isSymbol(last) {
				dst = append(dst, noBreak...)
			}
			dst = l.appendNumber(dst, a)
		case '-':
			dst = append(dst, l.sign...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
		before = r
	}
	return dst
}

const noBreak = "\u00a0"

func isSymbol(r rune) bool { return unicode.In(r, unicode.S, unicode.Z) }

// appendNumber appends the digits of an amount without its sign.
func (l *layout) appendNumber(dst []byte, a money.Amount) []byte {
	var buf [64]byte
	digits := a.Abs().AppendDecimal(buf[:0])
	whole := len(digits)
	if scale := a.Currency().Scale(); scale > 0 {
		whole -= scale + 1
	}
	dst = l.appendWhole(dst, digits[:whole])
	if whole == len(digits) {
		return dst
	}
	dst = append(dst, l.decimal...)
	for _, digit := range digits[whole+1:] {
		dst = l.appendDigit(dst, digit)
	}
	return dst
}

// appendWhole appends the digits before the decimal mark, with marks between
// groups if there are digits enough.
func (l *layout) appendWhole(dst, digits []byte) []byte {
	primary, secondary := int(l.primary), int(l.secondary)
	grouped := l.group != "" && len(digits) >= primary+int(l.least)
	for i, digit := range digits {
		left := len(digits) - i
		if grouped && i > 0 && left >= primary && (left-primary)%secondary == 0 {
			dst = append(dst, l.group...)
		}
		dst = l.appendDigit(dst, digit)
	}
	return dst
}

func (l *layout) appendDigit(dst []byte, digit byte) []byte {
	return utf8.AppendRune(dst, l.zero+rune(digit-'0'))
}
