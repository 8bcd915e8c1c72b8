package money_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/money"
)

type ether struct{}

func (ether) Currency() money.Currency { return money.MustDeclare("ETH", 18) }

type nothing struct{}

func (nothing) Currency() money.Currency { return money.Currency{} }

var (
	_ driver.Valuer  = money.Of[money.USD]{}
	_ sql.Scanner    = (*money.Of[money.USD])(nil)
	_ json.Marshaler = money.Of[money.USD]{}
	_ fmt.Formatter  = money.Of[money.USD]{}
	_ slog.LogValuer = money.Of[money.USD]{}
)

// TestTypedIsAmount compares everything that the typed form does with the form
// that it stands for.
func TestTypedIsAmount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		eth := money.MustDeclare("ETH", 18)
		a, b := amount(t, units().Draw(t, "a"), eth), amount(t, units().Draw(t, "b"), eth)
		x, errX := money.OfAmount[ether](a)
		y, errY := money.OfAmount[ether](b)
		if errX != nil || errY != nil {
			t.Fatal(errX, errY)
		}
		same := func(what string, got money.Of[ether], gotErr error, want money.Amount, wantErr error) {
			if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || wantErr == nil && got.Amount() != want {
				t.Errorf("%s of %s and %s = %v, %v, want %v, %v", what, a, b, got, gotErr, want, wantErr)
			}
		}
		sum, sumErr := x.Add(y)
		wantSum, wantSumErr := a.Add(b)
		same("Add", sum, sumErr, wantSum, wantSumErr)
		diff, diffErr := x.Sub(y)
		wantDiff, wantDiffErr := a.Sub(b)
		same("Sub", diff, diffErr, wantDiff, wantDiffErr)
		same("Neg", x.Neg(), nil, a.Neg(), nil)
		same("Abs", x.Abs(), nil, a.Abs(), nil)
		rate, err := money.NewRate(rapid.Int64Range(-1e6, 1e6).Draw(t, "num"), rapid.Int64Range(1, 1e6).Draw(t, "den"))
		if err != nil {
			t.Fatal(err)
		}
		product, rest, productErr := x.Times(rate, money.HalfEven)
		wantProduct, wantRest, wantProductErr := a.Times(rate, money.HalfEven)
		same("Times", product, productErr, wantProduct, wantProductErr)

		want, err := a.Cmp(b)
		if err != nil {
			t.Fatal(err)
		}
		if x.Cmp(y) != want || x.Equal(y) != (a == b) || (x == y) != (a == b) || !rest.Equal(wantRest) {
			t.Errorf("%s and %s compare as %d, the remainder is %s; want %d, %s", x, y, x.Cmp(y), rest, want, wantRest)
		}
		sameViews(t, x, a)
	})
}

// sameViews compares what can be read from a typed amount with the amount.
func sameViews(t *rapid.T, x money.Of[ether], a money.Amount) {
	t.Helper()
	xHi, xLo := x.Parts()
	aHi, aLo := a.Parts()
	xUnits, xFits := x.Units()
	aUnits, aFits := a.Units()
	got := []any{x.Currency(), xHi, xLo, xUnits, xFits, x.Big().String(), x.Sign(), x.IsZero(), x.String(), x.Decimal(),
		string(x.AppendTo(nil)), string(x.AppendDecimal(nil)), x.LogValue().String(),
		fmt.Sprintf("%v|%+s|%50s|%q|%d", x, x, x, x, x)}
	want := []any{a.Currency(), aHi, aLo, aUnits, aFits, a.Big().String(), a.Sign(), a.IsZero(), a.String(), a.Decimal(),
		string(a.AppendTo(nil)), string(a.AppendDecimal(nil)), a.LogValue().String(),
		fmt.Sprintf("%v|%+s|%50s|%q|%d", a, a, a, a, a)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTypedDivides(t *testing.T) {
	t.Parallel()
	texts := func(parts []money.Of[money.USD]) []string {
		var texts []string
		for _, p := range parts {
			texts = append(texts, p.String())
		}
		return texts
	}
	parts, err := money.MustParseOf[money.USD]("-0.05 USD").Allocate(3, 0, 7)
	if diff := cmp.Diff([]string{"-0.02 USD", "0.00 USD", "-0.03 USD"}, texts(parts)); diff != "" || err != nil {
		t.Error(err, diff)
	}
	parts, err = money.MustParseOf[money.USD]("100.00 USD").Split(3)
	if diff := cmp.Diff([]string{"33.34 USD", "33.33 USD", "33.33 USD"}, texts(parts)); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if parts, err := money.OfUnits[money.USD](1).Allocate(); parts != nil || !errors.Is(err, money.ErrWeights) {
		t.Errorf("Allocate() = %v, %v, want ErrWeights", parts, err)
	}
	if parts, err := money.OfUnits[money.USD](1).Split(0); parts != nil || !errors.Is(err, money.ErrWeights) {
		t.Errorf("Split(0) = %v, %v, want ErrWeights", parts, err)
	}
}

func TestTypedIsChecked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		kind error
		text string
	}{
		{"another currency", second(money.OfAmount[money.USD](money.MustParse("5 EUR"))), money.ErrMismatch,
			`typed amount "5.00 EUR": it is not in USD; exchange it first`},
		{"another scale", second(money.OfAmount[ether](money.MustParse("5 ETH/9"))), money.ErrMismatch,
			`typed amount "5.000000000 ETH/9": it is not in ETH/18; exchange it first`},
		{"no currency", second(money.OfAmount[money.USD](money.Amount{})), money.ErrMismatch,
			`typed amount "0 (no currency)": it has no currency; start from USD`},
		{"no currency in the type", second(money.OfAmount[nothing](money.Amount{})), money.ErrMismatch,
			`typed amount "0 (no currency)": the Unit of this type has no currency`},
		{"text of another currency", second(money.ParseOf[money.USD]("5 EUR")), money.ErrMismatch,
			`typed amount "5.00 EUR": it is not in USD; exchange it first`},
		{"text", second(money.ParseOf[money.USD]("5,00 USD")), money.ErrSyntax,
			`amount "5,00 USD": , is not written in a number; write digits and one point, such as 1000.00`},
		{"writing no currency", second(money.Of[nothing]{}.MarshalText()), money.ErrCurrency,
			"amount: an amount without a currency cannot be written; start from money.Zero(currency)"},
	}
	for _, tt := range tests {
		if !errors.Is(tt.err, tt.kind) || tt.err.Error() != tt.text {
			t.Errorf("%s: %v, want %s", tt.name, tt.err, tt.text)
		}
	}
}

// second returns the error of a call.
func second[T any](_ T, err error) error { return err }

func TestTypedText(t *testing.T) {
	t.Parallel()
	type order struct {
		Net   money.Of[money.USD]            `json:"net"`
		Names map[money.Of[money.USD]]string `json:"names"`
	}
	want := order{Net: money.OfUnits[money.USD](-2500), Names: map[money.Of[money.USD]]string{{}: "nothing"}}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"net":"-25.00 USD","names":{"0.00 USD":"nothing"}}` {
		t.Errorf("got %s, %v", text, err)
	}
	var got order
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	seven := money.OfUnits[money.USD](7)
	for _, tt := range []struct {
		name string
		read func(a *money.Of[money.USD]) error
		kind error
	}{
		{"JSON of another currency", func(a *money.Of[money.USD]) error {
			return json.Unmarshal([]byte(`"1 EUR"`), a)
		}, money.ErrMismatch},
		{"JSON number", func(a *money.Of[money.USD]) error { return json.Unmarshal([]byte(`1.5`), a) }, money.ErrSyntax},
		{"text of another currency", func(a *money.Of[money.USD]) error {
			return a.UnmarshalText([]byte("1 EUR"))
		}, money.ErrMismatch},
		{"malformed text", func(a *money.Of[money.USD]) error { return a.UnmarshalText([]byte("1e2 USD")) }, money.ErrSyntax},
		{"column of another currency", func(a *money.Of[money.USD]) error { return a.Scan("1 EUR") }, money.ErrMismatch},
		{"float from a driver", func(a *money.Of[money.USD]) error { return a.Scan(1.5) }, money.ErrSyntax},
	} {
		a := seven
		if err := tt.read(&a); !errors.Is(err, tt.kind) || a != seven {
			t.Errorf("%s: %v, amount %s; want kind %q and 0.07 USD", tt.name, err, a, tt.kind)
		}
	}
	value, err := seven.Value()
	var back money.Of[money.USD]
	if scanErr := back.Scan(value); err != nil || scanErr != nil || value != "0.07 USD" || back != seven {
		t.Errorf("Value = %v, %v; Scan: %s, %v", value, err, back, scanErr)
	}
	if got := fmt.Sprintf("%#v", seven); got != `money.MustParseOf[money.USD]("0.07 USD")` {
		t.Errorf("%%#v = %s", got)
	}
}

func TestFromUnitsTakesEveryInteger(t *testing.T) {
	t.Parallel()
	type cents int16
	jpy := mustLookup(t, "JPY")
	for want, got := range map[string]money.Amount{
		"-128 JPY":                 money.FromUnits(int8(math.MinInt8), jpy),
		"-32768 JPY":               money.FromUnits(cents(math.MinInt16), jpy),
		"255 JPY":                  money.FromUnits(uint8(math.MaxUint8), jpy),
		"-2147483648 JPY":          money.FromUnits(int32(math.MinInt32), jpy),
		"4294967295 JPY":           money.FromUnits(uint32(math.MaxUint32), jpy),
		"-9223372036854775808 JPY": money.FromUnits(int64(math.MinInt64), jpy),
		"9223372036854775807 JPY":  money.FromUnits(int64(math.MaxInt64), jpy),
		"9223372036854775808 JPY":  money.FromUnits(uint64(math.MaxInt64)+1, jpy),
		"18446744073709551615 JPY": money.FromUnits(uint64(math.MaxUint64), jpy),
		"18446744073709551614 JPY": money.OfUnits[money.JPY](uint64(math.MaxUint64) - 1).Amount(),
		"2500 JPY":                 money.OfUnits[money.JPY](2500).Amount(),
		"97 JPY":                   money.FromUnits('a', jpy),
	} {
		if got.String() != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		if got := money.FromUnits(n, jpy).Big(); got.Cmp(new(big.Int).SetUint64(n)) != 0 {
			t.Errorf("FromUnits(%d) is %d units", n, got)
		}
	})
}

func TestTypedIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(money.Of[money.USD]{}); size != 16 {
		t.Errorf("a typed amount has %d bytes, want 16", size)
	}
	a, b := money.OfUnits[money.USD](2500), money.OfUnits[money.USD](75)
	total := 0
	if n := testing.AllocsPerRun(100, func() {
		sum, err := a.Add(b)
		if err == nil {
			diff, err := sum.Neg().Abs().Sub(b)
			if err == nil {
				total += diff.Cmp(a) + diff.Amount().Sign()
			}
		}
	}); n != 0 {
		t.Errorf("arithmetic allocates %v times", n)
	}
	if total == 0 {
		t.Error("nothing was calculated")
	}
}

func TestMustPanics(t *testing.T) {
	t.Parallel()
	for want, call := range map[string]func(){
		`money.MustParseOf: typed amount "1.00 EUR": it is not in USD; exchange it first`: func() {
			money.MustParseOf[money.USD]("1 EUR")
		},
		`money.MustDeclare: currency "USD": USD is an ISO 4217 currency with 2 decimals; write USD`: func() {
			money.MustDeclare("USD", 2)
		},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %s", got, want)
				}
			}()
			call()
		}()
	}
}

func TestMustLookup(t *testing.T) {
	t.Parallel()
	if got := money.MustLookup("USD"); got != mustLookup(t, "USD") {
		t.Errorf("USD is %v", got)
	}
	defer func() {
		const want = `money.MustLookup: currency "USX": USX is not in ISO 4217; `
		if got, _ := recover().(string); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("panic %v, want %s…", got, want)
		}
	}()
	money.MustLookup("USX")
}
