package money

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Registry is an immutable set of declared currencies, owned by an
// application or by a book. It reads their bare codes ("25 CHIP" where CHIP/0
// was declared), and refuses them with a scale other than the declared one.
//
// Printing does not depend on it: an amount is always written with its scale.
// A nil *Registry and the zero Registry know ISO 4217 alone. All methods are
// safe for concurrent use.
type Registry struct {
	byCode map[string]Currency
}

// NewRegistry returns a registry of the given currencies. ISO currencies are
// known anyway and may be among them. A code with two scales, and the zero
// Currency, are ErrCurrency.
func NewRegistry(currencies ...Currency) (*Registry, error) {
	byCode := make(map[string]Currency, len(currencies))
	for _, c := range currencies {
		if c.IsZero() {
			return nil, refuse(ErrCurrency, "registry", "", "the zero Currency cannot be registered")
		}
		if c.iso {
			continue
		}
		if old, ok := byCode[c.code]; ok && old != c {
			return nil, refuse(ErrCurrency, "registry", c.code,
				"it is declared twice, as "+old.String()+" and as "+c.String()+"; keep one")
		}
		byCode[c.code] = c
	}
	return &Registry{byCode: byCode}, nil
}

// Currencies returns the declared currencies in the order of their codes.
func (r *Registry) Currencies() []Currency {
	if r == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(r.byCode), func(a, b Currency) int {
		return strings.Compare(a.code, b.code)
	})
}

// ParseCurrency reads what the function [ParseCurrency] reads, and the bare
// codes of declared currencies. The error is ErrCurrency.
func (r *Registry) ParseCurrency(s string) (Currency, error) {
	c, reason := r.resolve(s)
	if reason != "" {
		return Currency{}, refuse(ErrCurrency, "currency", s, reason)
	}
	return c, nil
}

// Parse reads what the function [Parse] reads, and amounts with the bare code
// of a declared currency. Its errors are those of [Parse].
func (r *Registry) Parse(s string) (Amount, error) {
	return parse(s, r)
}

// resolve finds the currency that a text names, or says why there is none.
func (r *Registry) resolve(s string) (Currency, string) {
	if len(s) > CodeMax+3 {
		return Currency{}, "a currency has at most " + strconv.Itoa(CodeMax) + " characters and a scale"
	}
	code, digits, scaled := strings.Cut(s, "/")
	known, isKnown := r.declared(code)
	if !scaled {
		return r.resolveBare(code, known, isKnown)
	}
	scale, reason := parseScale(digits)
	if reason == "" {
		reason = declareReason(code, scale)
	}
	if reason != "" {
		return Currency{}, reason
	}
	if !isKnown {
		return declared(code, scale), ""
	}
	if known.Scale() != scale {
		return Currency{}, "it is declared as " + known.String() + "; write that"
	}
	return known, ""
}

func (r *Registry) resolveBare(code string, known Currency, isKnown bool) (Currency, string) {
	if isKnown {
		return known, ""
	}
	if row := findUnits(code); row != nil {
		return row.currency(), ""
	}
	return Currency{}, lookupReason(code)
}

func (r *Registry) declared(code string) (Currency, bool) {
	if r == nil {
		return Currency{}, false
	}
	c, ok := r.byCode[code]
	return c, ok
}

// parseScale reads the digits after the slash. It reads one spelling of each
// scale, so that a currency has one text.
func parseScale(digits string) (int, string) {
	const reason = "after the slash comes a scale of 0 to 30 in digits, such as CHIP/0"
	if len(digits) == 0 || len(digits) > 2 || (len(digits) == 2 && digits[0] == '0') {
		return 0, reason
	}
	scale := 0
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, reason
		}
		scale = scale*10 + int(digits[i]-'0')
	}
	if scale > ScaleMax {
		return 0, reason
	}
	return scale, ""
}
