package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/money"
)

var modes = []money.Rounding{
	money.HalfEven, money.HalfUp, money.HalfDown, money.Up, money.Down, money.Ceiling, money.Floor,
}

// TestRoundingTable is the table in the documentation of Rounding.
func TestRoundingTable(t *testing.T) {
	t.Parallel()
	rates := []string{"5.5", "2.5", "1.6", "1.1", "1.0", "-1.0", "-1.1", "-1.6", "-2.5", "-5.5"}
	tests := []struct {
		mode money.Rounding
		name string
		want []int64
	}{
		{money.HalfEven, "half even", []int64{6, 2, 2, 1, 1, -1, -1, -2, -2, -6}},
		{money.HalfUp, "half up", []int64{6, 3, 2, 1, 1, -1, -1, -2, -3, -6}},
		{money.HalfDown, "half down", []int64{5, 2, 2, 1, 1, -1, -1, -2, -2, -5}},
		{money.Up, "up", []int64{6, 3, 2, 2, 1, -1, -2, -2, -3, -6}},
		{money.Down, "down", []int64{5, 2, 1, 1, 1, -1, -1, -1, -2, -5}},
		{money.Ceiling, "ceiling", []int64{6, 3, 2, 2, 1, -1, -1, -1, -2, -5}},
		{money.Floor, "floor", []int64{5, 2, 1, 1, 1, -1, -2, -2, -3, -6}},
	}
	for _, tt := range tests {
		if tt.mode.String() != tt.name {
			t.Errorf("the mode %q prints as %q", tt.name, tt.mode)
		}
		for i, text := range rates {
			r := money.MustParseRate(text)
			for _, chip := range []string{"1 CHIP/0", "-1 CHIP/0"} {
				a, rate := money.MustParse(chip), r
				if a.Sign() < 0 {
					rate = r.Neg()
				}
				got, left, err := a.Times(rate, tt.mode)
				units, _ := got.Units()
				if err != nil || units != tt.want[i] {
					t.Errorf("%s: %s times %v = %v, %v, want %d", tt.mode, chip, rate, got, err, tt.want[i])
				}
				if want := new(big.Rat).Sub(ratOf(r), big.NewRat(tt.want[i], 1)); ratOf(left).Cmp(want) != 0 {
					t.Errorf("%s: %s times %v leaves %v, want %v", tt.mode, chip, rate, left, want)
				}
			}
		}
	}
}

// TestRoundingCents has sums that a float gets wrong, of kinds that a telephone
// bill is made of.
func TestRoundingCents(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, rate string
		mode    money.Rounding
		want    string
		left    string
	}{
		{"1.00 USD", "0.005", money.HalfEven, "0.00 USD", "0.5"},
		{"1.00 USD", "0.015", money.HalfEven, "0.02 USD", "-0.5"},
		{"1.00 USD", "0.025", money.HalfEven, "0.02 USD", "0.5"},
		{"1.00 USD", "0.035", money.HalfEven, "0.04 USD", "-0.5"},
		{"1.00 USD", "2.675", money.HalfEven, "2.68 USD", "-0.5"},
		{"1.00 USD", "1.115", money.HalfEven, "1.12 USD", "-0.5"},
		{"1.00 USD", "1.005", money.HalfUp, "1.01 USD", "-0.5"},
		{"1.00 USD", "1.005", money.HalfDown, "1.00 USD", "0.5"},
		{"-1.00 USD", "1.005", money.HalfUp, "-1.01 USD", "0.5"},
		{"-1.00 USD", "1.005", money.Floor, "-1.01 USD", "0.5"},
		{"-1.00 USD", "1.005", money.Ceiling, "-1.00 USD", "-0.5"},
		{"307 SEC/0", "0.0013", money.HalfEven, "0 SEC/0", "0.3991"},
		{"3.0700 USDX/4", "13%", money.HalfEven, "0.3991 USDX/4", "0"},
		{"0.39 USD", "6.75%", money.HalfEven, "0.03 USD", "-0.3675"},
		{"0.39 USD", "3.41%", money.Down, "0.01 USD", "0.3299"},
		{"100.00 USD", "1/3", money.HalfEven, "33.33 USD", "1/3"},
		{"100.00 USD", "2/3", money.HalfEven, "66.67 USD", "-1/3"},
		{"0.01 USD", "1/3", money.Up, "0.01 USD", "-2/3"},
		{"-0.01 USD", "1/3", money.Up, "-0.01 USD", "2/3"},
		{"-0.01 USD", "1/3", money.Down, "0.00 USD", "-1/3"},
		{"0.00 USD", "1/3", money.Up, "0.00 USD", "0"},
		{"25.00 USD", "0", money.Up, "0.00 USD", "0"},
		{nines36 + " JPY", "1", money.Up, nines36 + " JPY", "0"},
		{nines36 + " JPY", "-1", money.Up, "-" + nines36 + " JPY", "0"},
		{nines36 + " JPY", "1/1000000000000000000", money.HalfUp, "1000000000000000000 JPY", "-0.000000000000000001"},
		{nines36 + " JPY", "1/2", money.HalfEven, "500000000000000000000000000000000000 JPY", "-0.5"},
		{"1 JPY", nines36, money.Up, nines36 + " JPY", "0"},
	}
	for _, tt := range tests {
		got, left, err := money.MustParse(tt.a).Times(money.MustParseRate(tt.rate), tt.mode)
		if err != nil || got != money.MustParse(tt.want) || left.String() != tt.left {
			t.Errorf("%s times %s, %s = %v and %v, %v, want %s and %s", tt.a, tt.rate, tt.mode, got, left, err, tt.want, tt.left)
		}
	}
}

func TestTimesRefuses(t *testing.T) {
	t.Parallel()
	usd := money.MustParse("1.00 USD")
	half := money.MustParseRate("1/2")
	tests := []struct {
		name string
		a    money.Amount
		r    money.Rate
		mode money.Rounding
		kind error
	}{
		{"no mode", usd, half, 0, money.ErrRounding},
		{"no mode, though nothing is to be rounded", usd, money.Rate{}, 0, money.ErrRounding},
		{"unknown mode", usd, half, money.Floor + 1, money.ErrRounding},
		{"no currency", money.Amount{}, half, money.Up, money.ErrCurrency},
		{"ten to the 36", money.MustParse(nines36 + " JPY"), money.MustParseRate("1.000001"), money.Down, money.ErrRange},
		{
			"rounded up to ten to the 36",
			money.MustParse("1 JPY"), money.MustParseRate(nines36 + ".5"), money.Up, money.ErrRange,
		},
		{
			"rounded up, small", money.MustParse(nines36 + " JPY"),
			money.MustParseRate("1000000000000000000/999999999999999999"), money.Up, money.ErrRange,
		},
		{
			"rounded up to 2 to the 128", money.MustParse("77371252455345063274217473 JPY"),
			money.MustParseRate("8796093022207/2"), money.Up, money.ErrRange,
		},
		{
			"far beyond, small", money.MustParse(nines36 + " JPY"),
			money.MustParseRate("9223372036854775807"), money.Up, money.ErrRange,
		},
		{
			"far beyond, large", money.MustParse("-" + nines36 + " JPY"),
			money.MustParseRate(nines36 + nines36), money.Up, money.ErrRange,
		},
	}
	for _, tt := range tests {
		got, left, err := tt.a.Times(tt.r, tt.mode)
		if !errors.Is(err, tt.kind) || got != (money.Amount{}) || !left.IsZero() {
			t.Errorf("%s: %v and %v, %v, want %v", tt.name, got, left, err, tt.kind)
		}
	}
	if got := money.Rounding(9).String(); got != "Rounding(9)" {
		t.Errorf("an unknown mode prints as %q", got)
	}
}

// roundRat is what rounding means, written from its definition: the nearest
// whole numbers below and above, and the rule that chooses.
func roundRat(x *big.Rat, mode money.Rounding) *big.Int {
	below := new(big.Int).Div(x.Num(), x.Denom()) // Euclidean: downward for a positive denominator
	if x.IsInt() {
		return below
	}
	above := new(big.Int).Add(below, big.NewInt(1))
	toZero, fromZero := below, above
	if x.Sign() < 0 {
		toZero, fromZero = above, below
	}
	middle := new(big.Rat).SetFrac(new(big.Int).Add(below, above), big.NewInt(2))
	nearest := below
	if x.Cmp(middle) > 0 {
		nearest = above
	}
	even := below
	if below.Bit(0) == 1 {
		even = above
	}
	tie := x.Cmp(middle) == 0
	switch {
	case mode == money.Ceiling:
		return above
	case mode == money.Floor:
		return below
	case mode == money.Up, tie && mode == money.HalfUp:
		return fromZero
	case mode == money.Down, tie && mode == money.HalfDown:
		return toZero
	case tie:
		return even
	}
	return nearest
}

// checkTimes holds a product against math/big: the right whole number, and a
// remainder that makes it exact again.
func checkTimes(t fataler, a money.Amount, r money.Rate, mode money.Rounding) {
	got, left, err := a.Times(r, mode)
	exact := new(big.Rat).Mul(new(big.Rat).SetInt(a.Big()), ratOf(r))
	want := roundRat(exact, mode)
	if want.CmpAbs(bound) >= 0 {
		if !errors.Is(err, money.ErrRange) {
			t.Fatalf("%v times %v, %v: %v, %v, want ErrRange", a, r, mode, got, err)
		}
		return
	}
	if err != nil || got.Big().Cmp(want) != 0 || got.Currency() != a.Currency() {
		t.Fatalf("%v times %v, %v: %v, %v, want %v units", a, r, mode, got, err, want)
	}
	if back := new(big.Rat).Add(new(big.Rat).SetInt(got.Big()), ratOf(left)); back.Cmp(exact) != 0 {
		t.Fatalf("%v times %v, %v: %v and %v are not %v", a, r, mode, got, left, exact)
	}
	hi, lo := got.Parts()
	if again, err := money.FromParts(hi, lo, got.Currency()); err != nil || again != got {
		t.Fatalf("parts %d, %d of %v: %v, %v", hi, lo, got, again, err)
	}
	if back, err := money.RateOf(left.Num(), left.Den()); err != nil || !back.Equal(left) {
		t.Fatalf("the remainder %v comes back as %v, %v", left, back, err)
	}
}

// fataler is what tests, fuzz targets and properties have in common.
type fataler interface {
	Fatalf(format string, args ...any)
}

func TestTimesAgreesWithBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := amount(t, units().Draw(t, "n"), currencies().Draw(t, "c"))
		checkTimes(t, a, rates().Draw(t, "r"), rapid.SampledFrom(modes).Draw(t, "mode"))
	})
}

// TestTimesHalves draws what lies on a half or a unit of the denominator beside
// it, where rounding goes wrong first.
func TestTimesHalves(t *testing.T) {
	t.Parallel()
	jpy := money.MustParse("0 JPY").Currency()
	rapid.Check(t, func(t *rapid.T) {
		half := rapid.Int64Range(1, math.MaxInt64/4).Draw(t, "half")
		whole := rapid.Int64Range(-1, 1).Draw(t, "whole")
		near := rapid.Int64Range(-1, 1).Draw(t, "near")
		r, err := money.NewRate(whole*2*half+half+near, 2*half)
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range modes {
			checkTimes(t, money.FromUnits(1, jpy), r, mode)
			checkTimes(t, money.FromUnits(-1, jpy), r, mode)
		}
	})
}

// FuzzTimes checks products of any two parts, rate and mode against math/big.
func FuzzTimes(f *testing.F) {
	f.Add(int64(0), int64(2500), int64(33), int64(400), uint64(1), uint8(1))
	f.Add(int64(999999999999999999), int64(999999999999999999), int64(1), int64(2), uint64(1), uint8(2))
	f.Add(int64(-1), int64(-1), int64(math.MinInt64), int64(math.MaxInt64), uint64(math.MaxUint64), uint8(7))
	f.Fuzz(func(t *testing.T, hi, lo, num, den int64, factor uint64, mode uint8) {
		a, err := money.FromParts(hi, lo, money.MustParse("0 JPY").Currency())
		if err != nil {
			return
		}
		below := new(big.Int).Mul(big.NewInt(den), new(big.Int).SetUint64(factor))
		r, err := money.RateOf(big.NewInt(num), below)
		if err != nil {
			if below.Sign() != 0 {
				t.Fatal(err)
			}
			return
		}
		checkTimes(t, a, r, modes[int(mode)%len(modes)])
	})
}
