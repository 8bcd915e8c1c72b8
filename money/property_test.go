package money_test

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/money"
)

// bound is 10^36, which no amount reaches.
var bound = new(big.Int).Exp(big.NewInt(10), big.NewInt(36), nil)

// units draws a number of units: any size, with the edges of the two parts
// drawn often.
func units() *rapid.Generator[*big.Int] {
	edges := []string{"0", "1", "999999999999999999", "1000000000000000000", "1000000000000000001",
		"9223372036854775807", "9223372036854775808", "999999999999999999000000000000000000", nines36}
	return rapid.Custom(func(t *rapid.T) *big.Int {
		text := rapid.OneOf(
			rapid.StringMatching(`[0-9]{1,36}`),
			rapid.SampledFrom(edges),
		).Draw(t, "units")
		n, _ := new(big.Int).SetString(text, 10)
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		return n
	})
}

func currencies() *rapid.Generator[money.Currency] {
	return rapid.Custom(func(t *rapid.T) money.Currency {
		text := rapid.OneOf(
			rapid.SampledFrom([]string{"USD", "JPY", "KWD", "CLF", "DEM", "BTC/8", "ETH/18"}),
			rapid.StringMatching(`[A-Z][A-Z0-9_.]{2,13}[A-Z0-9]/([0-9]|[12][0-9]|30)`),
		).Draw(t, "currency")
		c, err := money.ParseCurrency(text)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func amount(t *rapid.T, n *big.Int, c money.Currency) money.Amount {
	a, err := money.FromBig(n, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// agree checks a result against math/big: the same number inside of the
// bounds, and ErrRange outside.
func agree(t *rapid.T, op string, got money.Amount, err error, want *big.Int) {
	if want.CmpAbs(bound) >= 0 {
		if !errors.Is(err, money.ErrRange) {
			t.Fatalf("%s: got %v, %v, want ErrRange for %v", op, got, err, want)
		}
		return
	}
	if err != nil || got.Big().Cmp(want) != 0 {
		t.Fatalf("%s: got %v, %v, want %v units", op, got, err, want)
	}
	canonical(t, got)
}

// canonical checks that the parts are such as FromParts takes back.
func canonical(t *rapid.T, a money.Amount) {
	hi, lo := a.Parts()
	if back, err := money.FromParts(hi, lo, a.Currency()); err != nil || back != a {
		t.Fatalf("parts %d, %d of %v: %v, %v", hi, lo, a, back, err)
	}
}

func TestArithmeticAgreesWithBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := currencies().Draw(t, "c")
		x, y := units().Draw(t, "x"), units().Draw(t, "y")
		a, b := amount(t, x, c), amount(t, y, c)
		sum, err := a.Add(b)
		agree(t, "add", sum, err, new(big.Int).Add(x, y))
		diff, err := a.Sub(b)
		agree(t, "subtract", diff, err, new(big.Int).Sub(x, y))
		agree(t, "negate", a.Neg(), nil, new(big.Int).Neg(x))
		agree(t, "abs", a.Abs(), nil, new(big.Int).Abs(x))
		if got, err := a.Cmp(b); err != nil || got != x.Cmp(y) {
			t.Fatalf("compare %v with %v: %d, %v", a, b, got, err)
		}
		if got := a.Sign(); got != x.Sign() {
			t.Fatalf("sign of %v: %d", a, got)
		}
		if got, ok := a.Units(); ok != x.IsInt64() || (ok && got != x.Int64()) {
			t.Fatalf("units of %v: %d, %v", a, got, ok)
		}
	})
}

// TestPartsOrderAsAmounts is what a comparison in SQL relies on.
func TestPartsOrderAsAmounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := currencies().Draw(t, "c")
		x, y := units().Draw(t, "x"), units().Draw(t, "y")
		xHi, xLo := amount(t, x, c).Parts()
		yHi, yLo := amount(t, y, c).Parts()
		less := xHi < yHi || (xHi == yHi && xLo < yLo)
		if less != (x.Cmp(y) < 0) {
			t.Fatalf("(%d, %d) < (%d, %d) is %v for %v, %v", xHi, xLo, yHi, yLo, less, x, y)
		}
	})
}

func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, c := units().Draw(t, "n"), currencies().Draw(t, "c")
		a := amount(t, n, c)
		if back, err := money.Parse(a.String()); err != nil || back != a {
			t.Fatalf("Parse(%q) = %v, %v", a.String(), back, err)
		}
		if back, err := money.ParseDecimal(a.Decimal(), c); err != nil || back != a {
			t.Fatalf("ParseDecimal(%q) = %v, %v", a.Decimal(), back, err)
		}
		if len(a.String()) > money.TextMax {
			t.Fatalf("%q has %d bytes", a.String(), len(a.String()))
		}
		// The text has the value that math/big reads in it.
		value, ok := new(big.Rat).SetString(a.Decimal())
		one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Scale())), nil)
		if !ok || value.Cmp(new(big.Rat).SetFrac(n, one)) != 0 {
			t.Fatalf("%v units of %v print as %q", n, c, a.Decimal())
		}
	})
}
