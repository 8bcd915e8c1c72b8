package money

import (
	"testing"

	"pgregory.net/rapid"
)

// TestShortAndLongParsingAgree checks that the quick way reads nothing that
// the long way refuses or reads as something else, and that it takes what it is
// made for.
func TestShortAndLongParsingAgree(t *testing.T) {
	t.Parallel()
	number := rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,3})?`),
		rapid.StringMatching(`[-+]?[0-9.]{0,21}`),
	)
	code := rapid.OneOf(
		rapid.SampledFrom([]string{"USD", "JPY", "KWD", "CLF", "DEM", "XAU", "usd"}),
		rapid.StringMatching(`[A-Z/0-9]{0,4}`),
	)
	blank := rapid.SampledFrom([]string{" ", " ", " ", " ", "", "  ", "\t"})
	rapid.Check(t, func(t *rapid.T) {
		s := number.Draw(t, "number") + blank.Draw(t, "blank") + code.Draw(t, "code")
		short, ok := parseShort(s)
		long, err := parseLong(s, nil)
		if ok && (err != nil || short != long) {
			t.Fatalf("%q is read as %v, the long way as %v, %v", s, short, long, err)
		}
		if everyday := err == nil && long.hi == 0 && long.currency.iso; everyday && !ok {
			t.Fatalf("%q is %v, and not read the quick way", s, long)
		}
	})
}
