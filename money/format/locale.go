package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// shape is the arrangements of sign, symbol and digits of a locale, as
// templates: ¤ stands for the currency, # for the digits, - for the minus sign.
// All else is written as it is.
type shape struct {
	plain, minus                 string
	books, booksMinus, booksPlus string // of account books
}

// plus is the template of a positive amount with its sign.
func (s *shape) plus() string { return strings.Replace(s.minus, "-", "+", 1) }

// style is how a locale writes numbers of money.
type style struct {
	shape              uint8 // index in shapes
	decimal, group     string
	sign               string // the minus sign
	zero               rune   // the digits of a script follow each other
	primary, secondary uint8  // size of the last group, and of those before
	least              uint8  // digits that the first group needs for a mark
}

// locale is a row of the table in cldr.go. The key is a language, then a script
// that is not the usual one of that language, then a region.
type locale struct {
	key      string
	style    uint8  // index in styles
	latin    uint8  // the same with digits 0 to 9
	own      string // the code of a currency that has a style of its own here, or ""
	ownStyle uint8
	symbols  string // what differs from the parent: "AUD=A$;BRL=R$"
	narrow   string
}

// nameMax is longer than the name of any locale in use.
const nameMax = 64

// resolve finds the style of a locale, and its row and those that it inherits
// from, nearest first.
func resolve(name string) (style, []*locale, error) {
	if len(name) > nameMax {
		return style{}, nil, fmt.Errorf("format: %w %.32q...: it is longer than %d bytes", ErrLocale, name, nameMax)
	}
	tag, err := language.Parse(name)
	if err != nil || name == "" {
		return style{}, nil, fmt.Errorf("format: %w %q: %s", ErrLocale, name, parseReason(err))
	}
	key := keyOf(tag)
	chain := chainOf(key)
	if len(chain) == 1 && !strings.HasPrefix(key, "und") {
		return style{}, nil, fmt.Errorf("format: %w %q: nothing is known about how this language writes money",
			ErrLocale, name)
	}
	usual, latin := styles[chain[0].style], styles[chain[0].latin]
	switch digits := tag.TypeForKey("nu"); digits {
	case "", numbering(usual.zero):
		return usual, chain, nil
	case "latn":
		return latin, chain, nil
	default:
		return style{}, nil, fmt.Errorf("format: %w %q: digits of %s are not offered; leave -u-nu- out, or write -u-nu-latn",
			ErrLocale, name, digits)
	}
}

// parseReason tells a tag with an unknown part from what is no tag.
func parseReason(err error) string {
	if unknown, ok := errors.AsType[language.ValueError](err); ok {
		return "there is no language, script or country " + unknown.Subtag()
	}
	return "it is no BCP 47 tag; write one such as en-GB"
}

// keyOf names a tag as the table does. A script that goes without saying is left
// out, and one that the country implies is named.
func keyOf(tag language.Tag) string {
	base, given, region := tag.Raw()
	suffix := ""
	if r := region.String(); r != "ZZ" {
		suffix = "-" + r
	}
	short := base.String() + suffix
	if given.String() == "Zzzz" {
		// For these x/text implies other scripts than CLDR does today.
		switch short {
		case "ms-ID", "zh-MY":
			return short
		case "ku-IQ":
			return "ku-Arab-IQ"
		case "sd-IN":
			return "sd-Deva-IN"
		}
	}
	alone, err := language.Compose(base)
	if err != nil {
		return short
	}
	script, _ := tag.Script()
	if usual, _ := alone.Script(); script == usual {
		return short
	}
	return base.String() + "-" + script.String() + suffix
}

// chainOf returns the rows of a key and of its parents. The last one is the root.
func chainOf(key string) []*locale {
	var chain []*locale
	for key != "" {
		if row := findLocale(key); row != nil && key != "und" {
			chain = append(chain, row)
		}
		key = key[:max(0, strings.LastIndexByte(key, '-'))]
	}
	return append(chain, findLocale("und"))
}

func findLocale(key string) *locale {
	i, ok := slices.BinarySearchFunc(locales[:], key, func(l locale, key string) int {
		return strings.Compare(l.key, key)
	})
	if !ok {
		return nil
	}
	return &locales[i]
}

// merge reads the symbols of a chain. What a nearer row says counts.
func merge(chain []*locale, field func(*locale) string) map[string]string {
	symbols := make(map[string]string)
	for _, row := range slices.Backward(chain) {
		for entry := range strings.SplitSeq(field(row), ";") {
			if code, symbol, ok := strings.Cut(entry, "="); ok {
				symbols[code] = symbol
			}
		}
	}
	return symbols
}

// bare is a template without the currency, the spaces around it, and marks of
// direction that stood before it at the end.
func bare(template string) string {
	number := strings.NewReplacer("¤", "", "\u00a0", "", "\u202f", "").Replace(template)
	return strings.TrimRight(number, "\u200e\u200f\u061c")
}

// numbering is the BCP 47 name of the digits that begin with a zero.
func numbering(zero rune) string {
	switch zero {
	case '0':
		return "latn"
	case '٠':
		return "arab"
	case '۰':
		return "arabext"
	case '०':
		return "deva"
	case '০':
		return "beng"
	case '၀':
		return "mymr"
	case '༠':
		return "tibt"
	case '߀':
		return "nkoo"
	case '᱐':
		return "olck"
	case '𑄶':
		return "cakm"
	case '𞥐':
		return "adlm"
	}
	return ""
}
