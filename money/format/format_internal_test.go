package format

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/money"
)

func TestTableHolds(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(locales[:], func(a, b locale) int { return strings.Compare(a.key, b.key) }) {
		t.Error("locales is not sorted by key, which findLocale needs")
	}
	for _, l := range locales {
		if int(max(l.style, l.latin, l.ownStyle)) >= len(styles) || styles[l.latin].zero != '0' {
			t.Errorf("%s has no style, or other digits where Latin ones are meant", l.key)
		}
		if l.own != "" && styles[l.ownStyle].zero != styles[l.style].zero {
			t.Errorf("%s writes %s in other digits", l.key, l.own)
		}
		if key := l.key[:max(0, strings.LastIndexByte(l.key, '-'))]; key != "" && len(chainOf(key)) == 1 {
			t.Errorf("%s has no parent", l.key)
		}
		for entry := range strings.SplitSeq(l.symbols+";"+l.narrow, ";") {
			code, symbol, _ := strings.Cut(entry, "=")
			if _, err := money.ParseCurrency(code); entry != "" && (err != nil || symbol == "") {
				t.Errorf("%s: %q is no symbol: %v", l.key, entry, err)
			}
		}
	}
	for i, s := range styles {
		if int(s.shape) >= len(shapes) || s.decimal == "" || s.group == "" || s.decimal == s.group || s.sign == "" ||
			s.primary == 0 || s.secondary == 0 || s.least == 0 || numbering(s.zero) == "" {
			t.Errorf("style %d is not complete: %+v", i, s)
		}
		for digit := range rune(10) {
			if !unicode.IsDigit(s.zero + digit) {
				t.Errorf("style %d: %q is no digit", i, s.zero+digit)
			}
		}
	}
	for i, s := range shapes {
		for _, template := range []string{s.plain, s.minus, s.plus(), s.books, s.booksMinus, s.booksPlus} {
			if strings.Count(template, "¤") != 1 || strings.Count(template, "#") != 1 ||
				strings.Count(bare(template), "#") != 1 {
				t.Errorf("shape %d: %q is no template", i, template)
			}
		}
	}
}

// plainText undoes what a layout did to a number without a currency.
func plainText(l *layout, text string) string {
	var out strings.Builder
	for _, r := range strings.NewReplacer(l.decimal, ".", l.group, "", l.sign, "-").Replace(text) {
		switch {
		case r >= l.zero && r <= l.zero+9:
			out.WriteRune('0' + r - l.zero)
		case !unicode.Is(unicode.Cf, r):
			out.WriteRune(r)
		}
	}
	if number, ok := strings.CutSuffix(out.String(), "-"); ok { // West Frisian
		return "-" + number
	}
	return out.String()
}

// TestNothingIsLost takes the numbers of every locale back to plain ones.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	var formatters []*Formatter
	for _, l := range locales {
		for _, name := range []string{l.key, l.key + "-u-nu-latn"} {
			f, err := New(name, &Options{Currency: NumberOnly})
			if err != nil {
				t.Fatal(err)
			}
			formatters = append(formatters, f)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		hi := rapid.Int64Range(0, 1e18-1).Draw(t, "hi")
		lo := rapid.Int64Range(0, 1e18-1).Draw(t, "lo")
		if rapid.Bool().Draw(t, "short") {
			hi = 0
		}
		scale := rapid.IntRange(0, money.ScaleMax).Draw(t, "scale")
		c, err := money.ParseCurrency(fmt.Sprintf("CHIP/%d", scale))
		if err != nil {
			t.Fatal(err)
		}
		a, err := money.FromParts(hi, lo, c)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "negative") {
			a = a.Neg()
		}
		for _, f := range formatters {
			if got := plainText(&f.usual, f.Format(a)); got != a.Decimal() {
				t.Fatalf("%s is written %+q, which is %s", a, f.Format(a), got)
			}
		}
	})
}
