package exchange

import (
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Opener says which accounts may be opened, and with which limits.
type Opener struct {
	pattern  string
	segments []string
	rest     bool // the pattern ends with **
	noMin    bool
	min, max string // amounts as written; empty: the ledger's default
}

// ParseOpener reads PATTERN[=OPTION[,OPTION]]: a path in which * stands for one segment and ** at the end for one or
// more, and the options min:none, min:AMOUNT and max:AMOUNT. An amount is written "-100.00 USD", and then the pattern
// is for accounts in that currency alone, or "-100.00", and then it is in the currency of the row that the account is
// opened for. Errors: malformed.
func ParseOpener(text string) (Opener, error) {
	pattern, options, given := strings.Cut(text, "=")
	o := Opener{pattern: pattern, segments: strings.Split(pattern, ":")}
	for i, segment := range o.segments {
		last := i == len(o.segments)-1
		switch {
		case segment == "**" && last:
			o.rest, o.segments = true, o.segments[:i]
		case segment == "*":
		case strings.Contains(segment, "*"):
			return Opener{}, bursar.Errorf(bursar.CodeMalformed, "%q: * stands for a whole segment, and ** for the rest at the end", text)
		case bursar.CheckPath(segment) != nil:
			return Opener{}, bursar.Errorf(bursar.CodeMalformed, "%q: %q is not a segment of an account path", text, segment)
		}
	}
	if !given {
		return o, nil
	}
	for option := range strings.SplitSeq(options, ",") {
		if err := o.set(option); err != nil {
			return Opener{}, bursar.Errorf(bursar.CodeMalformed, "%q: %w", text, err)
		}
	}
	return o, nil
}

func (o *Opener) set(option string) error {
	name, value, _ := strings.Cut(option, ":")
	switch {
	case name == "min" && o.min == "" && !o.noMin && value == "none":
		o.noMin = true
		return nil
	case name == "min" && o.min == "" && !o.noMin:
		o.min = value
	case name == "max" && o.max == "":
		o.max = value
	default:
		return fmt.Errorf("the options are min:none, min:AMOUNT and max:AMOUNT, each once, not %q", option)
	}
	if !strings.Contains(value, " ") { // a bare number: see whether it is one, in a currency that has its decimals
		_, decimals, _ := strings.Cut(value, ".")
		value = fmt.Sprintf("%s X/%d", value, len(decimals))
	}
	_, err := money.Parse(value)
	return err
}

// matches reports whether the pattern covers a path.
func (o *Opener) matches(path string) bool {
	segments := strings.Split(path, ":")
	if len(segments) < len(o.segments) || (len(segments) > len(o.segments)) != o.rest {
		return false
	}
	for i, want := range o.segments {
		if want != "*" && want != segments[i] {
			return false
		}
	}
	return true
}

// opening is the request for an account at path in a currency.
func (o *Opener) opening(path string, currency money.Currency) (bursar.Opening, error) {
	opening := bursar.Opening{Path: path, Currency: currency, NoMin: o.noMin}
	for _, limit := range []struct {
		text  string
		field **money.Amount
	}{{o.min, &opening.Min}, {o.max, &opening.Max}} {
		if limit.text == "" {
			continue
		}
		amount, err := amountIn(limit.text, currency)
		if err != nil {
			return opening, bursar.Errorf(bursar.CodeLimitsInvalid, "%s would be opened after the pattern %s, whose limit does not fit: %w", path, o.pattern, err)
		}
		*limit.field = &amount
	}
	return opening, nil
}
