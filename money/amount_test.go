package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/money"
)

const base = 1_000_000_000_000_000_000

func TestAddSub(t *testing.T) {
	t.Parallel()
	tests := []struct{ a, b, sum, diff string }{
		{"0.00 USD", "0.00 USD", "0.00 USD", "0.00 USD"},
		{"25.00 USD", "0.01 USD", "25.01 USD", "24.99 USD"},
		{"0.01 USD", "25.00 USD", "25.01 USD", "-24.99 USD"},
		{"-3 CHIP/0", "3 CHIP/0", "0 CHIP/0", "-6 CHIP/0"},
		{"999999999999999999 CHIP/0", "1 CHIP/0", "1000000000000000000 CHIP/0", "999999999999999998 CHIP/0"},
		{"1000000000000000000 CHIP/0", "1 CHIP/0", "1000000000000000001 CHIP/0", "999999999999999999 CHIP/0"},
		{"-999999999999999999 CHIP/0", "-1 CHIP/0", "-1000000000000000000 CHIP/0", "-999999999999999998 CHIP/0"},
		{
			"1000000000000000001 CHIP/0", "-2000000000000000000 CHIP/0",
			"-999999999999999999 CHIP/0", "3000000000000000001 CHIP/0",
		},
		{nines36 + " JPY", "0 JPY", nines36 + " JPY", nines36 + " JPY"},
		{nines36 + " JPY", nines36 + " JPY", "", "0 JPY"},
		{nines36 + " JPY", "1 JPY", "", "999999999999999999999999999999999998 JPY"},
		{"-" + nines36 + " JPY", "1 JPY", "-999999999999999999999999999999999998 JPY", ""},
		{"-" + nines36 + " JPY", "-" + nines36 + " JPY", "", "0 JPY"},
	}
	for _, tt := range tests {
		a, b := money.MustParse(tt.a), money.MustParse(tt.b)
		sum, err := a.Add(b)
		checkResult(t, "("+tt.a+") + ("+tt.b+")", sum, err, tt.sum)
		diff, err := a.Sub(b)
		checkResult(t, "("+tt.a+") - ("+tt.b+")", diff, err, tt.diff)
	}
}

// checkResult compares with a text, where "" stands for ErrRange.
func checkResult(t *testing.T, what string, got money.Amount, err error, want string) {
	t.Helper()
	if want == "" {
		if !errors.Is(err, money.ErrRange) || got != (money.Amount{}) {
			t.Errorf("%s = %v, %v, want ErrRange", what, got, err)
		}
		return
	}
	if err != nil || got != money.MustParse(want) {
		t.Errorf("%s = %v, %v, want %s", what, got, err, want)
	}
}

func TestCurrenciesDoNotMix(t *testing.T) {
	t.Parallel()
	usd, none := money.MustParse("5.00 USD"), money.Amount{}
	pairs := []struct {
		name string
		a, b money.Amount
	}{
		{"two currencies", usd, money.MustParse("5.00 EUR")},
		{"zero of another", usd, money.MustParse("0.00 EUR")},
		{"two zeros", money.MustParse("0.00 USD"), money.MustParse("0.00 EUR")},
		{"two scales", money.MustParse("5 CHIP/0"), money.MustParse("5 CHIP/1")},
		{"none with one", none, usd},
		{"one with none", usd, none},
		{"none with none", none, none},
		{"units of none", money.FromUnits(1, money.Currency{}), money.FromUnits(1, money.Currency{})},
	}
	for _, p := range pairs {
		if got, err := p.a.Add(p.b); !errors.Is(err, money.ErrMismatch) || got != none {
			t.Errorf("%s: Add = %v, %v, want ErrMismatch", p.name, got, err)
		}
		if got, err := p.a.Sub(p.b); !errors.Is(err, money.ErrMismatch) || got != none {
			t.Errorf("%s: Sub = %v, %v, want ErrMismatch", p.name, got, err)
		}
		if got, err := p.a.Cmp(p.b); !errors.Is(err, money.ErrMismatch) || got != 0 {
			t.Errorf("%s: Cmp = %v, %v, want ErrMismatch", p.name, got, err)
		}
	}
	_, err := usd.Add(money.MustParse("3 CHIP/0"))
	want := `add "5.00 USD, 3 CHIP/0": the currencies differ; exchange one of them first`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if money.Zero(mustLookup(t, "USD")) == money.Zero(mustLookup(t, "EUR")) {
		t.Error("zero USD equals zero EUR")
	}
}

func TestFromPartsRefuses(t *testing.T) {
	t.Parallel()
	usd := mustLookup(t, "USD")
	tests := []struct {
		hi, lo int64
		c      money.Currency
		kind   error
	}{
		{0, base, usd, money.ErrRange},
		{0, -base, usd, money.ErrRange},
		{base, 0, usd, money.ErrRange},
		{-base, 0, usd, money.ErrRange},
		{1, -1, usd, money.ErrRange},
		{-1, 1, usd, money.ErrRange},
		{math.MaxInt64, math.MaxInt64, usd, money.ErrRange},
		{math.MinInt64, math.MinInt64, usd, money.ErrRange},
		{0, math.MinInt64, usd, money.ErrRange},
		{0, 1, money.Currency{}, money.ErrCurrency},
	}
	for _, tt := range tests {
		if a, err := money.FromParts(tt.hi, tt.lo, tt.c); !errors.Is(err, tt.kind) || a != (money.Amount{}) {
			t.Errorf("FromParts(%d, %d, %q) = %v, %v, want kind %q", tt.hi, tt.lo, tt.c, a, err, tt.kind)
		}
	}
	if _, err := money.FromParts(1, -2, usd); err.Error() !=
		`amount "1, -2": the parts are not canonical; both are below 10^18 in size and of one sign` {
		t.Errorf("got %v", err)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	usd := mustLookup(t, "USD")
	for _, units := range []int64{0, 1, -1, base - 1, base, base + 1, -base, -base - 1,
		9 * base, -9 * base, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1} {
		a := money.FromUnits(units, usd)
		if got, ok := a.Units(); !ok || got != units {
			t.Errorf("FromUnits(%d).Units() = %d, %v", units, got, ok)
		}
		hi, lo := a.Parts()
		if back, err := money.FromParts(hi, lo, usd); err != nil || back != a {
			t.Errorf("FromParts(%d, %d) = %v, %v, want %v", hi, lo, back, err, a)
		}
	}
	for _, s := range []string{
		"9223372036854775808 JPY", "-9223372036854775809 JPY", "9999999999999999999 JPY",
		"10000000000000000000 JPY", "-10000000000000000000 JPY", nines36 + " JPY", "-" + nines36 + " JPY",
	} {
		if got, ok := money.MustParse(s).Units(); ok || got != 0 {
			t.Errorf("(%s).Units() = %d, %v, want none", s, got, ok)
		}
	}
}

func TestFromBig(t *testing.T) {
	t.Parallel()
	usd := mustLookup(t, "USD")
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(36), nil)
	most := new(big.Int).Sub(limit, big.NewInt(1))
	for _, n := range []*big.Int{big.NewInt(0), big.NewInt(-1), most, new(big.Int).Neg(most)} {
		before := n.String()
		a, err := money.FromBig(n, usd)
		if err != nil || a.Big().Cmp(n) != 0 {
			t.Errorf("FromBig(%v) = %v, %v", n, a, err)
		}
		a.Big().SetInt64(7)
		if n.String() != before {
			t.Errorf("FromBig changed its argument from %s to %v", before, n)
		}
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 1<<16)
	for _, n := range []*big.Int{limit, new(big.Int).Neg(limit), huge, new(big.Int).Lsh(big.NewInt(1), 120)} {
		if a, err := money.FromBig(n, usd); !errors.Is(err, money.ErrRange) || a != (money.Amount{}) {
			t.Errorf("FromBig of %d bits = %v, %v, want ErrRange", n.BitLen(), a, err)
		}
	}
	if _, err := money.FromBig(nil, usd); !errors.Is(err, money.ErrSyntax) {
		t.Errorf("FromBig(nil): %v", err)
	}
	if _, err := money.FromBig(limit, money.Currency{}); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("FromBig without a currency: %v", err)
	}
}

func TestSignNegAbs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in       string
		sign     int
		neg, abs string
	}{
		{"0.00 USD", 0, "0.00 USD", "0.00 USD"},
		{"0.01 USD", 1, "-0.01 USD", "0.01 USD"},
		{"-0.01 USD", -1, "0.01 USD", "0.01 USD"},
		{"1000000000000000000 JPY", 1, "-1000000000000000000 JPY", "1000000000000000000 JPY"},
		{"-" + nines36 + " JPY", -1, nines36 + " JPY", nines36 + " JPY"},
	}
	for _, tt := range tests {
		a := money.MustParse(tt.in)
		if got := a.Sign(); got != tt.sign {
			t.Errorf("(%v).Sign() = %d, want %d", a, got, tt.sign)
		}
		if got := a.IsZero(); got != (tt.sign == 0) {
			t.Errorf("(%v).IsZero() = %v", a, got)
		}
		if got := a.Neg().String(); got != tt.neg {
			t.Errorf("(%v).Neg() = %s, want %s", a, got, tt.neg)
		}
		if got := a.Abs().String(); got != tt.abs {
			t.Errorf("(%v).Abs() = %s, want %s", a, got, tt.abs)
		}
	}
}

// TestIdentity pins what makes amounts usable as values: ==, map keys, and
// go-cmp without options.
func TestIdentity(t *testing.T) {
	t.Parallel()
	read, err := money.Parse("2 CHIP/1")
	if err != nil {
		t.Fatal(err)
	}
	made := money.FromUnits(20, mustDeclare(t, "CHIP", 1))
	if read != made || !read.Equal(made) || !read.Currency().Equal(made.Currency()) {
		t.Errorf("%#v differs from %#v", read, made)
	}
	if diff := cmp.Diff(map[money.Amount]bool{read: true}, map[money.Amount]bool{made: true}); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(read, money.FromUnits(2, mustDeclare(t, "CHIP", 0))) {
		t.Error("2.0 CHIP/1 equals 2 CHIP/0")
	}
	if size := unsafe.Sizeof(read); size > 40 {
		t.Errorf("an amount takes %d bytes, want at most 40", size)
	}
}

func TestAllocations(t *testing.T) {
	a, b := money.MustParse("123456.78 USD"), money.MustParse("-9999999999999999999999.99 USD")
	asset := money.MustParse("123.456 ETH/18")
	longest := money.MustParse("-" + nines36 + " JPY")
	registry, err := money.NewRegistry(asset.Currency())
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, money.TextMax)
	tests := []struct {
		name string
		max  float64
		run  func()
	}{
		{"Add", 0, func() { _, _ = a.Add(b) }},
		{"Sub", 0, func() { _, _ = a.Sub(b) }},
		{"Cmp", 0, func() { _, _ = a.Cmp(b) }},
		{"Neg and Abs", 0, func() { _ = b.Neg().Abs() }},
		{"AppendTo", 0, func() { buf = asset.AppendTo(buf[:0]) }},
		{"String", 1, func() { _ = b.String() }},
		{"String of 36 digits", 1, func() { _ = longest.String() }},
		{"String of an asset", 1, func() { _ = asset.String() }},
		{"Decimal", 1, func() { _ = b.Decimal() }},
		{"Parse", 0, func() { _, _ = money.Parse("9999999999999999999999.99 USD") }},
		{"Parse of an asset", 1, func() { _, _ = money.Parse("123.456 ETH/18") }},
		{"Parse by registry", 0, func() { _, _ = registry.Parse("123.456 ETH/18") }},
		{"MarshalText", 1, func() { _, _ = b.MarshalText() }},
		{"MarshalJSON", 1, func() { _, _ = b.MarshalJSON() }},
	}
	for _, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.run); got > tt.max {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.max)
		}
	}
}
