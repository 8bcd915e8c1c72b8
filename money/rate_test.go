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
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/money"
)

var (
	_ driver.Valuer  = money.Rate{}
	_ sql.Scanner    = (*money.Rate)(nil)
	_ json.Marshaler = money.Rate{}
	_ fmt.Formatter  = money.Rate{}
	_ slog.LogValuer = money.Rate{}
)

// two256 has 78 digits and is the first whole number that is no rate.
var two256 = new(big.Int).Lsh(big.NewInt(1), money.RateBits)

// TestParseRateAccepts lists texts that are read, with the canonical text
// where that differs.
func TestParseRateAccepts(t *testing.T) {
	t.Parallel()
	largest := new(big.Int).Sub(two256, big.NewInt(1)).String()
	tests := []struct{ in, num, den, out string }{
		{"0", "0", "1", ""},
		{"0.000", "0", "1", "0"},
		{"0/7", "0", "1", "0"},
		{"0%", "0", "1", "0"},
		{"1", "1", "1", ""},
		{"1.0825", "433", "400", ""},
		{"1.08250", "433", "400", "1.0825"},
		{"433/400", "433", "400", "1.0825"},
		{"-0.5", "-1", "2", ""},
		{"-1/2", "-1", "2", "-0.5"},
		{"3/7", "3", "7", ""},
		{"-3/7", "-3", "7", ""},
		{"6/14", "3", "7", "3/7"},
		{"100/1", "100", "1", "100"},
		{"8.25%", "33", "400", "0.0825"},
		{"100%", "1", "1", "1"},
		{"-0.5%", "-1", "200", "-0.005"},
		{"1/3", "1", "3", ""},
		{"0.000000000000000001", "1", "1000000000000000000", ""},
		{"0.0000000000000000001", "1", "10000000000000000000", "1/10000000000000000000"},
		{"1.000000000000000001", "1000000000000000001", "1000000000000000000", ""},
		{"9223372036854775807", "9223372036854775807", "1", ""},
		{"-9223372036854775808", "-9223372036854775808", "1", ""},
		{"9223372036854775808.5", "18446744073709551617", "2", ""},
		{"1/262144", "1", "262144", "0.000003814697265625"},
		{"1/524288", "1", "524288", ""},
		{largest, largest, "1", ""},
		{"-1/" + largest, "-1", largest, ""},
		{largest + "/" + two256.String()[:77], "", "", ""},
	}
	for _, tt := range tests {
		r, err := money.ParseRate(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		want := tt.out
		if want == "" {
			want = tt.in
		}
		if tt.num != "" && (r.Num().String() != tt.num || r.Den().String() != tt.den || r.String() != want) {
			t.Errorf("%s is read as %v/%v and printed as %s, want %s/%s and %s",
				tt.in, r.Num(), r.Den(), r, tt.num, tt.den, want)
		}
		if back, err := money.ParseRate(r.String()); err != nil || !back.Equal(r) {
			t.Errorf("%s prints %s, which is read as %v, %v", tt.in, r, back, err)
		}
	}
}

func TestParseRateRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in     string
		kind   error
		reason string
	}{
		{"", money.ErrSyntax, "it is empty; write a rate"},
		{" 1", money.ErrSyntax, "no blanks"},
		{"1 ", money.ErrSyntax, "no blanks"},
		{"1 / 3", money.ErrSyntax, "no blanks"},
		{"8.25 %", money.ErrSyntax, "no blanks"},
		{"1.5 USD", money.ErrSyntax, "no unit"},
		{"\t1", money.ErrSyntax, "'\\t' is not a digit"},
		{"+1", money.ErrSyntax, "a plus sign is not written"},
		{"-0", money.ErrSyntax, "there is no negative zero"},
		{"-0/5", money.ErrSyntax, "there is no negative zero"},
		{"-0.0%", money.ErrSyntax, "there is no negative zero"},
		{"--1", money.ErrSyntax, "a minus sign comes once"},
		{"1-", money.ErrSyntax, "a minus sign comes once"},
		{".5", money.ErrSyntax, "a digit comes before the point"},
		{"5.", money.ErrSyntax, "digits come after the point"},
		{"1.2.3", money.ErrSyntax, "two points"},
		{"007", money.ErrSyntax, "leading zeros"},
		{"1/07", money.ErrSyntax, "leading zeros"},
		{"1e2", money.ErrSyntax, "exponents are not read"},
		{"1E999999999", money.ErrSyntax, "exponents are not read"},
		{"1p-2", money.ErrSyntax, "'p' is not a digit"},
		{"0x10", money.ErrSyntax, "hexadecimal"},
		{"0b1", money.ErrSyntax, "'b' is not a digit"},
		{"1_000", money.ErrSyntax, "_ is not written"},
		{"1,5", money.ErrSyntax, ", is not written"},
		{"NaN", money.ErrSyntax, "it is not a number"},
		{"Inf", money.ErrSyntax, "it is not a number"},
		{"-Infinity", money.ErrSyntax, "it is not a number"},
		{"\u0661\u0662", money.ErrSyntax, "is not a digit"},
		{"\uff11", money.ErrSyntax, "is not a digit"},
		{"1\x00", money.ErrSyntax, "is not a digit"},
		{"1\xff", money.ErrSyntax, "not text"},
		{"/", money.ErrSyntax, "a number is missing"},
		{"1/", money.ErrSyntax, "a number is missing"},
		{"/3", money.ErrSyntax, "a number is missing"},
		{"1/2/3", money.ErrSyntax, "'/' is not a digit"},
		{"1.5/2", money.ErrSyntax, "a fraction has whole numbers"},
		{"1/2.5", money.ErrSyntax, "a fraction has whole numbers"},
		{"3/-7", money.ErrSyntax, "the sign comes before the fraction"},
		{"1/3%", money.ErrSyntax, "a percentage is a decimal"},
		{"%", money.ErrSyntax, "a number is missing"},
		{"1%%", money.ErrSyntax, "'%' is not a digit"},
		{"1/0", money.ErrDivision, "nothing is divided by zero"},
		{"0/0", money.ErrDivision, "nothing is divided by zero"},
		{two256.String(), money.ErrRange, "more than 256 bits"},
		{"1/" + two256.String(), money.ErrRange, "more than 256 bits"},
		{"0." + strings.Repeat("0", 77) + "1", money.ErrRange, "more than 256 bits"},
		{strings.Repeat("1", money.RateTextMax), money.ErrRange, "more than 256 bits"},
		{strings.Repeat("1", money.RateTextMax+1), money.ErrSyntax, "longer than 160 bytes"},
		{strings.Repeat("9", 1<<24), money.ErrSyntax, "longer than 160 bytes"},
	}
	for _, tt := range tests {
		r, err := money.ParseRate(tt.in)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.reason) || !r.IsZero() {
			t.Errorf("ParseRate(%.40q) = %v, %v, want %q with %q", tt.in, r, err, tt.kind, tt.reason)
		}
	}
}

func TestNewRate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		num, den int64
		want     string
	}{
		{0, 5, "0"},
		{0, -5, "0"},
		{6, 4, "1.5"},
		{-6, 4, "-1.5"},
		{6, -4, "-1.5"},
		{-6, -4, "1.5"},
		{1, 1, "1"},
		{7, 7, "1"},
		{1, math.MaxInt64, "1/9223372036854775807"},
		{math.MaxInt64, math.MaxInt64, "1"},
		{math.MinInt64, 1, "-9223372036854775808"},
		{math.MinInt64, -1, "9223372036854775808"},
		{1, math.MinInt64, "-1/9223372036854775808"},
		{math.MinInt64, math.MinInt64, "1"},
		{math.MinInt64, math.MaxInt64, "-9223372036854775808/9223372036854775807"},
	}
	for _, tt := range tests {
		r, err := money.NewRate(tt.num, tt.den)
		if err != nil || r.String() != tt.want {
			t.Errorf("NewRate(%d, %d) = %v, %v, want %s", tt.num, tt.den, r, err, tt.want)
		}
		same, err := money.RateOf(big.NewInt(tt.num), big.NewInt(tt.den))
		if err != nil || !same.Equal(r) {
			t.Errorf("RateOf(%d, %d) = %v, %v, want %s", tt.num, tt.den, same, err, tt.want)
		}
	}
	if r, err := money.NewRate(1, 0); !errors.Is(err, money.ErrDivision) || !r.IsZero() {
		t.Errorf("NewRate(1, 0) = %v, %v", r, err)
	}
}

func TestRateOf(t *testing.T) {
	t.Parallel()
	one, huge := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 1<<20)
	tests := []struct {
		name     string
		num, den *big.Int
		kind     error
	}{
		{"nil above", nil, one, money.ErrSyntax},
		{"nil below", one, nil, money.ErrSyntax},
		{"zero below", one, new(big.Int), money.ErrDivision},
		{"too large above", two256, one, money.ErrRange},
		{"too large below", one, two256, money.ErrRange},
		{"too large to be reduced", huge, huge, money.ErrRange},
	}
	for _, tt := range tests {
		if r, err := money.RateOf(tt.num, tt.den); !errors.Is(err, tt.kind) || !r.IsZero() {
			t.Errorf("%s: %v, %v, want %v", tt.name, r, err, tt.kind)
		}
	}
	if r, err := money.RateOf(two256, two256); err != nil || r.String() != "1" {
		t.Errorf("common factors: %v, %v, want 1", r, err)
	}
	// Neither what went in nor what comes out is tied to the rate.
	for _, text := range []string{"3", "115792089237316195423570985008687907853269984665640564039457584007913129639935"} {
		num, _ := new(big.Int).SetString(text, 10)
		den := big.NewInt(7)
		r, err := money.RateOf(num, den)
		if err != nil {
			t.Fatal(err)
		}
		before := r.String()
		num.SetInt64(0)
		den.SetInt64(1)
		r.Num().SetInt64(5)
		r.Den().SetInt64(5)
		if _, _, err := money.MustParse("10 JPY").Times(r, money.Down); err != nil && !errors.Is(err, money.ErrRange) {
			t.Fatal(err)
		}
		if neg := r.Neg(); r.String() != before || neg.String() != "-"+before || neg.Neg().String() != before {
			t.Errorf("the rate was %s and is %s, with the opposite %s", before, r, neg)
		}
	}
}

// rates draws a rate of any size within the bounds, small ones often.
func rates() *rapid.Generator[money.Rate] {
	return rapid.Custom(func(t *rapid.T) money.Rate {
		part := rapid.OneOf(
			rapid.StringMatching(`[0-9]{1,4}`), rapid.StringMatching(`[0-9]{18,20}`), rapid.StringMatching(`[0-9]{1,77}`),
			rapid.SampledFrom([]string{"1", "2", "9223372036854775807", "9223372036854775808", "1000000000000000000"}),
		)
		num, _ := new(big.Int).SetString(part.Draw(t, "num"), 10)
		den, _ := new(big.Int).SetString(part.Draw(t, "den"), 10)
		if den.Sign() == 0 {
			den.SetInt64(1)
		}
		if rapid.Bool().Draw(t, "negative") {
			num.Neg(num)
		}
		r, err := money.RateOf(num, den)
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

func ratOf(r money.Rate) *big.Rat { return new(big.Rat).SetFrac(r.Num(), r.Den()) }

func TestRateArithmeticAgreesWithBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, s := rates().Draw(t, "r"), rates().Draw(t, "s")
		x, y := ratOf(r), ratOf(s)
		same := func(op string, got money.Rate, err error, want *big.Rat) {
			if max(want.Num().BitLen(), want.Denom().BitLen()) > money.RateBits {
				if !errors.Is(err, money.ErrRange) || !got.IsZero() {
					t.Fatalf("%v %s %v: %v, %v, want ErrRange", r, op, s, got, err)
				}
				return
			}
			if err != nil || ratOf(got).Cmp(want) != 0 {
				t.Fatalf("%v %s %v: %v, %v, want %v", r, op, s, got, err, want)
			}
			if back, err := money.ParseRate(got.String()); err != nil || !back.Equal(got) || back.String() != got.String() {
				t.Fatalf("%v is read as %v, %v", got, back, err)
			}
		}
		sum, err := r.Add(s)
		same("+", sum, err, new(big.Rat).Add(x, y))
		diff, err := r.Sub(s)
		same("-", diff, err, new(big.Rat).Sub(x, y))
		product, err := r.Mul(s)
		same("*", product, err, new(big.Rat).Mul(x, y))
		same("negated", r.Neg(), nil, new(big.Rat).Neg(x))
		inverse, err := r.Inv()
		if x.Sign() == 0 {
			if !errors.Is(err, money.ErrDivision) {
				t.Fatalf("1/0 = %v, %v", inverse, err)
			}
		} else {
			same("inverted", inverse, err, new(big.Rat).Inv(x))
		}
		if r.Cmp(s) != x.Cmp(y) || r.Equal(s) != (x.Cmp(y) == 0) || r.Sign() != x.Sign() || r.IsZero() != (x.Sign() == 0) {
			t.Fatalf("%v and %v: compare %d, equal %v, sign %d, zero %v", r, s, r.Cmp(s), r.Equal(s), r.Sign(), r.IsZero())
		}
	})
}

func TestRateEncodings(t *testing.T) {
	t.Parallel()
	type terms struct {
		Tax  money.Rate            `json:"tax"`
		Less *money.Rate           `json:"less"`
		By   map[string]money.Rate `json:"by"`
	}
	text, err := json.Marshal(terms{
		Tax: money.MustParseRate("8.25%"),
		By:  map[string]money.Rate{"a": money.MustParseRate("3/7")},
	})
	if err != nil || string(text) != `{"tax":"0.0825","less":null,"by":{"a":"3/7"}}` {
		t.Fatalf("got %s, %v", text, err)
	}
	var got terms
	if err := json.Unmarshal(text, &got); err != nil || got.Tax.String() != "0.0825" || got.By["a"].String() != "3/7" {
		t.Fatalf("%s is read as %v, %v", text, got, err)
	}
	value, err := got.Tax.Value()
	if err != nil || value != "0.0825" {
		t.Fatalf("Value() = %v, %v", value, err)
	}
	for _, src := range []any{value, []byte("8.25%")} {
		var r money.Rate
		if err := r.Scan(src); err != nil || !r.Equal(got.Tax) {
			t.Errorf("Scan(%v) = %v, %v", src, r, err)
		}
	}
	if got := got.Tax.LogValue().String(); got != "0.0825" {
		t.Errorf("slog writes %q", got)
	}
}

func TestRateEncodingsRefuse(t *testing.T) {
	t.Parallel()
	before := money.MustParseRate("1/3")
	for in, reason := range map[string]string{
		`1.5`: "never a number", `2`: "never a number", `null`: "null is no rate", `true`: "never a number",
		`["1"]`: "never a number", ``: "never a number", `"1`: "malformed",
		`""`: "it is empty", `"1e2"`: "exponents", `"1/0"`: "divided by zero",
		`"` + strings.Repeat("1", 1<<16) + `"`: "it is too long",
	} {
		r := before
		if err := r.UnmarshalJSON([]byte(in)); err == nil || !strings.Contains(err.Error(), reason) || !r.Equal(before) {
			t.Errorf("%.40s: %v, now %v, want %q", in, err, r, reason)
		}
	}
	for _, tt := range []struct {
		src    any
		reason string
	}{
		{1.5, "the column is a float"},
		{float32(1.5), "the column is a float"},
		{int64(2), "the column is a int64"},
		{nil, "the column is null"},
		{"1e2", "exponents"},
		{[]byte(strings.Repeat("1", 1<<16)), "longer than 160 bytes"},
	} {
		r := before
		err := r.Scan(tt.src)
		if !errors.Is(err, money.ErrSyntax) || !strings.Contains(err.Error(), tt.reason) || !r.Equal(before) {
			t.Errorf("Scan(%.40v): %v, now %v, want %q", tt.src, err, r, tt.reason)
		}
	}
}

func TestRateFormat(t *testing.T) {
	t.Parallel()
	r := money.MustParseRate("-3/8")
	for format, want := range map[string]string{
		"%v": "-0.375", "%+v": "-0.375", "%s": "-0.375", "%q": `"-0.375"`, "%#v": `money.MustParseRate("-0.375")`,
		"%9s|": "   -0.375|", "%-9v|": "-0.375   |", "%d": "%!d(money.Rate=-0.375)", "%.1f": "%!f(money.Rate=-0.375)",
	} {
		if got := fmt.Sprintf(format, r); got != want {
			t.Errorf("%s prints %q, want %q", format, got, want)
		}
	}
	if got := fmt.Sprint(money.Rate{}); got != "0" {
		t.Errorf("the zero Rate prints %q", got)
	}
}

func TestMustParseRatePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, ok := recover().(string); !ok || !strings.HasPrefix(got, `money.MustParseRate: rate "x"`) {
			t.Errorf("the panic is %q", got)
		}
	}()
	money.MustParseRate("x")
}

// writtenRate is the grammar of rates, stated a second time.
var writtenRate = regexp.MustCompile(`^-?(0|[1-9][0-9]*)((\.[0-9]+)?%?|/(0|[1-9][0-9]*))$`)

// FuzzParseRate checks that every text is either refused, with a kind and an
// explanation that can be printed, or fits the grammar and keeps its value.
func FuzzParseRate(f *testing.F) {
	for _, seed := range []string{
		"1.0825", "-0.5", "3/7", "8.25%", "0", "-0", "1/0", "1e9", "0x1", "1_0", "1/2/3", "%", "5.", ".5", "007",
		"0." + strings.Repeat("0", 90) + "1", strings.Repeat("9", 77) + "/" + strings.Repeat("8", 77), "\uff11", "1\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := money.ParseRate(s)
		if err != nil {
			checkRateError(t, s, err)
			return
		}
		if !writtenRate.MatchString(s) {
			t.Fatalf("ParseRate(%q) = %v, which is not as rates are written", s, r)
		}
		digits, percent := strings.CutSuffix(s, "%")
		value, ok := new(big.Rat).SetString(digits)
		if percent {
			value.Mul(value, big.NewRat(1, 100))
		}
		if !ok || value.Cmp(ratOf(r)) != 0 {
			t.Fatalf("ParseRate(%q) = %v", s, r)
		}
		back, err := money.ParseRate(r.String())
		if err != nil || !back.Equal(r) || back.String() != r.String() || len(r.String()) > money.RateTextMax {
			t.Fatalf("ParseRate(%q) prints %q, which is read as %v, %v", s, r, back, err)
		}
	})
}

func checkRateError(t *testing.T, s string, err error) {
	t.Helper()
	negativeZero := regexp.MustCompile(`^-0(\.0+)?(%|/.*)?$`)
	fits := writtenRate.MatchString(s) && len(s) <= money.RateTextMax && !negativeZero.MatchString(s)
	if errors.Is(err, money.ErrSyntax) == fits {
		t.Fatalf("ParseRate(%q): %v, though it is written as rates are: %v", s, err, fits)
	}
	if fits && !errors.Is(err, money.ErrRange) && !errors.Is(err, money.ErrDivision) {
		t.Fatalf("ParseRate(%q): %v is of no kind", s, err)
	}
	for _, r := range err.Error() {
		if !strconv.IsPrint(r) {
			t.Fatalf("ParseRate(%q): the error %q cannot be printed", s, err)
		}
	}
}
