package money_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/money"
)

const (
	nines36 = "999999999999999999999999999999999999"
	ten36   = "1000000000000000000000000000000000000"
)

// TestParseAccepts lists texts that are read, with their smallest units and
// the canonical text where that differs.
func TestParseAccepts(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, units, out string }{
		{"0 USD", "0", "0.00 USD"},
		{"0.0 USD", "0", "0.00 USD"},
		{"0.00 USD", "0", ""},
		{"0.01 USD", "1", ""},
		{"0.1 USD", "10", "0.10 USD"},
		{"25 USD", "2500", "25.00 USD"},
		{"25.5 USD", "2550", "25.50 USD"},
		{"25.00 USD", "2500", ""},
		{"-25.00 USD", "-2500", ""},
		{"-0.01 USD", "-1", ""},
		{"10 USD", "1000", "10.00 USD"},
		{"1000000.00 USD", "100000000", ""},
		{"92233720368547758.07 USD", "9223372036854775807", ""},
		{"92233720368547758.08 USD", "9223372036854775808", ""},
		{"-92233720368547758.08 USD", "-9223372036854775808", ""},
		{"9999999999999999.99 USD", "999999999999999999", ""},
		{"10000000000000000.00 USD", "1000000000000000000", ""},
		{"10000000000000000 USD", "1000000000000000000", "10000000000000000.00 USD"},
		{"10000000000000000.01 USD", "1000000000000000001", ""},
		{"-10000000000000000.01 USD", "-1000000000000000001", ""},
		{"9999999999999999999999999999999999.99 USD", nines36, ""},
		{"-9999999999999999999999999999999999.99 USD", "-" + nines36, ""},
		{nines36 + " JPY", nines36, ""},
		{"-" + nines36 + " CHIP/0", "-" + nines36, ""},
		{"100000000000000000000000000000000000 JPY", "100000000000000000000000000000000000", ""},
		{"1 JPY", "1", ""},
		{"0 JPY", "0", ""},
		{"1.5 BHD", "1500", "1.500 BHD"},
		{"1.234 KWD", "1234", ""},
		{"0.0001 CLF", "1", ""},
		{"1 UYW", "10000", "1.0000 UYW"},
		{"-3 CHIP/0", "-3", ""},
		{"25 CHIP/0", "25", ""},
		{"0.5 BTC/8", "50000000", "0.50000000 BTC/8"},
		{"0.00000001 BTC/8", "1", ""},
		{"21000000 BTC/8", "2100000000000000", "21000000.00000000 BTC/8"},
		{"1 ETH/18", "1000000000000000000", "1.000000000000000000 ETH/18"},
		{"0.000000000000000001 ETH/18", "1", ""},
		{"-0.999999999999999999 ETH/18", "-999999999999999999", ""},
		{"120000000 ETH/18", "120000000000000000000000000", "120000000.000000000000000000 ETH/18"},
		{"999999999999999999.999999999999999999 ETH/18", nines36, ""},
		{"1 X/19", "10000000000000000000", "1.0000000000000000000 X/19"},
		{"1.1 X/19", "11000000000000000000", "1.1000000000000000000 X/19"},
		{"7 Y/24", "7000000000000000000000000", "7.000000000000000000000000 Y/24"},
		{"999999.999999999999999999999999999999 Z/30", nines36, ""},
		{"0.000000000000000000000000000001 Z/30", "1", ""},
		{"-0.1 Z/30", "-100000000000000000000000000000", "-0.100000000000000000000000000000 Z/30"},
		{"1.5 XAU/6", "1500000", "1.500000 XAU/6"},
		{"7 XDR/2", "700", "7.00 XDR/2"},
		{"5 ABCDEFGHIJKLMNOP/30", "5000000000000000000000000000000", "5.000000000000000000000000000000 ABCDEFGHIJKLMNOP/30"},
		{"1 GOLD_BAR/0", "1", ""},
		{"1 USDC.ETH/6", "1000000", "1.000000 USDC.ETH/6"},
		{"1 A1/1", "10", "1.0 A1/1"},
		{"5 XCG", "500", "5.00 XCG"},
		{"5 ZWG", "500", "5.00 ZWG"},
		{"5 SLE", "500", "5.00 SLE"},
		{"5 XAD", "500", "5.00 XAD"},
		{"5.00 BGN", "500", ""},
		{"5.00 DEM", "500", ""},
		{"1000 ITL", "1000", ""},
	}
	for _, tt := range tests {
		a, err := money.Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if got := a.Big().String(); got != tt.units {
			t.Errorf("Parse(%q) = %s units, want %s", tt.in, got, tt.units)
		}
		want := tt.out
		if want == "" {
			want = tt.in
		}
		if got := a.String(); got != want {
			t.Errorf("Parse(%q) prints %q, want %q", tt.in, got, want)
		}
		number, _, _ := strings.Cut(tt.in, " ")
		if b, err := money.ParseDecimal(number, a.Currency()); err != nil || b != a {
			t.Errorf("ParseDecimal(%q, %v) = %v, %v, want %v", number, a.Currency(), b, err, a)
		}
	}
}

// TestParseRefuses lists texts that are not read, the kind of error, and a
// part of the reason.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in     string
		kind   error
		reason string
	}{
		{"", money.ErrSyntax, "it is empty"},
		{" ", money.ErrSyntax, "begins with a blank"},
		{"-", money.ErrSyntax, "a number is missing"},
		{"- USD", money.ErrSyntax, "a number is missing"},
		{"USD", money.ErrSyntax, "there is no number; write one before the currency, such as 25 USD"},
		{" USD", money.ErrSyntax, "begins with a blank"},
		{"25.00", money.ErrSyntax, "there is no currency; write 25.00 USD"},
		{"25.00 ", money.ErrSyntax, "ends with a blank"},
		{" 25.00 USD", money.ErrSyntax, "begins with a blank"},
		{"25.00 USD ", money.ErrSyntax, "ends with a blank"},
		{"25.00  USD", money.ErrSyntax, "two blanks"},
		{"25 .00 USD", money.ErrSyntax, "more than one blank"},
		{"- 25.00 USD", money.ErrSyntax, "more than one blank"},
		{"1 000.00 USD", money.ErrSyntax, "more than one blank"},
		{"25.00 U SD", money.ErrSyntax, "more than one blank"},
		{"25.00USD", money.ErrSyntax, "one blank comes between number and currency"},
		{"1EUR", money.ErrSyntax, "one blank comes between number and currency"},
		{"25CHIP/0", money.ErrSyntax, "one blank comes between number and currency"},
		{"25.00\tUSD", money.ErrSyntax, `'\t' is not a digit`},
		{"25.00\nUSD", money.ErrSyntax, `'\n' is not a digit`},
		{"\t25.00 USD", money.ErrSyntax, `'\t' is not a digit`},
		{"25.00\u00a0USD", money.ErrSyntax, `'\u00a0' is not a digit`},
		{"25.00\u2009USD", money.ErrSyntax, `'\u2009' is not a digit`},
		{"\ufeff25.00 USD", money.ErrSyntax, `'\ufeff' is not a digit`},
		{"25.00 USD\n", money.ErrCurrency, "a currency code is A-Z"},
		{"25.00\x00 USD", money.ErrSyntax, `'\x00' is not a digit`},
		{"25.00 USD\x00", money.ErrCurrency, "a currency code is A-Z"},
		{"\x00", money.ErrSyntax, `'\x00' is not a digit`},
		{"25.\xff0 USD", money.ErrSyntax, "a byte that is not text"},
		{"NaN USD", money.ErrSyntax, "no NaN and no infinity"},
		{"nan USD", money.ErrSyntax, "no NaN and no infinity"},
		{"NaN", money.ErrSyntax, "no NaN and no infinity"},
		{"-NaN USD", money.ErrSyntax, "no NaN and no infinity"},
		{"Inf USD", money.ErrSyntax, "no NaN and no infinity"},
		{"-Inf USD", money.ErrSyntax, "no NaN and no infinity"},
		{"+Inf USD", money.ErrSyntax, "no NaN and no infinity"},
		{"Infinity USD", money.ErrSyntax, "no NaN and no infinity"},
		{"INFINITY", money.ErrSyntax, "no NaN and no infinity"},
		{"1e2 USD", money.ErrSyntax, "exponents are not read"},
		{"1E2 USD", money.ErrSyntax, "exponents are not read"},
		{"1E2", money.ErrSyntax, "exponents are not read"},
		{"1.5e-3 USD", money.ErrSyntax, "exponents are not read"},
		{"1e1000000000 USD", money.ErrSyntax, "exponents are not read"},
		{"1E", money.ErrSyntax, "exponents are not read"},
		{"-0 USD", money.ErrSyntax, "no negative zero; write 0"},
		{"-0.00 USD", money.ErrSyntax, "no negative zero; write 0.00"},
		{"-0 CHIP/0", money.ErrSyntax, "no negative zero; write 0"},
		{"+1 USD", money.ErrSyntax, "a plus sign is not written"},
		{"+0.00 USD", money.ErrSyntax, "a plus sign is not written"},
		{"--1 USD", money.ErrSyntax, "a minus sign comes once"},
		{"-+1 USD", money.ErrSyntax, "a plus sign is not written"},
		{"1- USD", money.ErrSyntax, "a minus sign comes once"},
		{"1-1 USD", money.ErrSyntax, "a minus sign comes once"},
		{"\u221225.00 USD", money.ErrSyntax, `'\u2212' is not a digit`},
		{"(25.00) USD", money.ErrSyntax, `'(' is not a digit`},
		{"0x10 USD", money.ErrSyntax, "hexadecimal"},
		{"-0X10 USD", money.ErrSyntax, "hexadecimal"},
		{"5x USD", money.ErrSyntax, `'x' is not a digit`},
		{"1X0 USD", money.ErrSyntax, `'X' is not a digit`},
		{"0b11 USD", money.ErrSyntax, `'b' is not a digit`},
		{"0o17 USD", money.ErrSyntax, `'o' is not a digit`},
		{"1_000 USD", money.ErrSyntax, "_ is not written in a number"},
		{"1,000.00 USD", money.ErrSyntax, ", is not written in a number"},
		{"1.000,00 USD", money.ErrSyntax, ", is not written in a number"},
		{"1,50 USD", money.ErrSyntax, ", is not written in a number"},
		{"1'000.00 USD", money.ErrSyntax, "' is not written in a number"},
		{"1.000.00 USD", money.ErrSyntax, "there are two points"},
		{"1..00 USD", money.ErrSyntax, "there are two points"},
		{".5 USD", money.ErrSyntax, "write 0.5, not .5"},
		{"-.5 USD", money.ErrSyntax, "write 0.5, not .5"},
		{". USD", money.ErrSyntax, "write 0.5, not .5"},
		{"5. USD", money.ErrSyntax, "write 5 or 5.00, not 5."},
		{"-5. USD", money.ErrSyntax, "write 5 or 5.00, not 5."},
		{"007 USD", money.ErrSyntax, "write 7, not 007"},
		{"00 USD", money.ErrSyntax, "leading zeros"},
		{"00.50 USD", money.ErrSyntax, "leading zeros"},
		{"-01.00 USD", money.ErrSyntax, "leading zeros"},
		{"\uff11\uff12 USD", money.ErrSyntax, `'\uff11' is not a digit`},
		{"1\uff0e50 USD", money.ErrSyntax, `'\uff0e' is not a digit`},
		{"\u0661\u0662 USD", money.ErrSyntax, `'\u0661' is not a digit`},
		{"1\u066b5 USD", money.ErrSyntax, `'\u066b' is not a digit`},
		{"\u0967\u0968 INR", money.ErrSyntax, `'\u0967' is not a digit`},
		{"\u00bd USD", money.ErrSyntax, `'\u00bd' is not a digit`},
		{"1/3 USD", money.ErrSyntax, `'/' is not a digit`},
		{"$25.00", money.ErrSyntax, `'$' is not a digit`},
		{"USD 25.00", money.ErrSyntax, `'U' is not a digit`},
		{"ten USD", money.ErrSyntax, `'t' is not a digit`},
		{"\"25.00 USD\"", money.ErrSyntax, `'"' is not a digit`},
		{strings.Repeat("1", 61) + " USD", money.ErrSyntax, "longer than 64 bytes"},
		{strings.Repeat("9", 1<<20), money.ErrSyntax, "longer than 64 bytes"},

		{"25 usd", money.ErrCurrency, "upper case; write USD"},
		{"25 Usd", money.ErrCurrency, "upper case; write USD"},
		{"25 u\x01", money.ErrCurrency, "upper case, such as USD"},
		{"25 chip/0", money.ErrCurrency, "upper case; write CHIP"},
		{"25 $", money.ErrCurrency, "a currency code is A-Z"},
		{"25 \u20ac", money.ErrCurrency, "a currency code is A-Z"},
		{"25 U", money.ErrCurrency, "is not in ISO 4217"},
		{"25 US", money.ErrCurrency, "is not in ISO 4217"},
		{"25 USDD", money.ErrCurrency, "write an asset of your own with its scale, such as USDD/2"},
		{"25 FOO", money.ErrCurrency, "FOO is not in ISO 4217"},
		{"25 CHIP", money.ErrCurrency, "with its scale, such as CHIP/2"},
		{"25 840", money.ErrCurrency, "beginning with a letter"},
		{"25 XAU", money.ErrCurrency, "declare it with a scale, such as XAU/6"},
		{"25 XDR", money.ErrCurrency, "no smallest unit"},
		{"25 XTS", money.ErrCurrency, "no smallest unit"},
		{"25 XXX", money.ErrCurrency, "no smallest unit"},
		{"25 USD/2", money.ErrCurrency, "USD is an ISO 4217 currency with 2 decimals; write USD"},
		{"25 JPY/0", money.ErrCurrency, "JPY is an ISO 4217 currency with no decimals; write JPY"},
		{"25 DEM/2", money.ErrCurrency, "write DEM"},
		{"25 CHIP/", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/x", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/00", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/08", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/-1", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/+1", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/31", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/256", money.ErrCurrency, "after the slash comes a scale"},
		{"25 CHIP/0/0", money.ErrCurrency, "after the slash comes a scale"},
		{"25 /0", money.ErrCurrency, "there is no currency code"},
		{"25 9CHIP/0", money.ErrCurrency, "beginning with a letter"},
		{"25 _CHIP/0", money.ErrCurrency, "beginning with a letter"},
		{"25 CHIP_/0", money.ErrCurrency, "inside"},
		{"25 CHIP./0", money.ErrCurrency, "inside"},
		{"25 CH-IP/0", money.ErrCurrency, "a currency code is A-Z"},
		{"25 ABCDEFGHIJKLMNOPQ/0", money.ErrCurrency, "at most 16 characters"},
		{"25 ABCDEFGHIJKLMNOPQRSTUVWXYZ/0", money.ErrCurrency, "at most 16 characters"},

		{"10.999 USD", money.ErrPrecision, "USD has 2 decimals, not 3; round it first"},
		{"10.990 USD", money.ErrPrecision, "USD has 2 decimals, not 3"},
		{"0.000 USD", money.ErrPrecision, "USD has 2 decimals, not 3"},
		{"1.0 JPY", money.ErrPrecision, "JPY has no decimals, not 1"},
		{"1.0 CHIP/0", money.ErrPrecision, "CHIP/0 has no decimals, not 1"},
		{"1.00 A/1", money.ErrPrecision, "A/1 has 1 decimal, not 2"},
		{"1.0000 BHD", money.ErrPrecision, "BHD has 3 decimals, not 4"},
		{"1.123456789 BTC/8", money.ErrPrecision, "BTC/8 has 8 decimals, not 9"},
		{nines36 + ".999 USD", money.ErrPrecision, "USD has 2 decimals"},

		{ten36 + " JPY", money.ErrRange, "more than 36 digits"},
		{"-" + ten36 + " JPY", money.ErrRange, "more than 36 digits"},
		{"1" + nines36 + " CHIP/0", money.ErrRange, "more than 36 digits"},
		{nines36 + " USD", money.ErrRange, "more than 36 digits"},
		{"10000000000000000000000000000000000.00 USD", money.ErrRange, "more than 36 digits"},
		{"1000000000000000000 ETH/18", money.ErrRange, "more than 36 digits"},
		{"1000000 Z/30", money.ErrRange, "more than 36 digits"},
	}
	for _, tt := range tests {
		a, err := money.Parse(tt.in)
		if !errors.Is(err, tt.kind) {
			t.Errorf("Parse(%.70q) = %v, %v, want kind %q", tt.in, a, err, tt.kind)
			continue
		}
		if a != (money.Amount{}) {
			t.Errorf("Parse(%.70q) gives %v with its error", tt.in, a)
		}
		var detail *money.Error
		if !errors.As(err, &detail) || !strings.Contains(detail.Reason, tt.reason) {
			t.Errorf("Parse(%.70q): %v\nwant a reason with %q", tt.in, err, tt.reason)
		}
		if len(err.Error()) > 400 {
			t.Errorf("Parse(%.70q): the error has %d bytes", tt.in, len(err.Error()))
		}
	}
}

func TestParseErrorText(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"10.999 USD", `amount "10.999 USD": USD has 2 decimals, not 3; round it first`},
		{"1e2 USD", `amount "1e2 USD": exponents are not read; write all the digits`},
		{"", `amount: it is empty; write an amount such as 25.00 USD`},
		{
			strings.Repeat("\u20ac", 100),
			`amount "` + strings.Repeat("\u20ac", 16) + `...": it is longer than 64 bytes, the most that an amount has`,
		},
		{
			"x" + strings.Repeat("\u20ac", 100),
			`amount "x` + strings.Repeat("\u20ac", 15) + `...": it is longer than 64 bytes, the most that an amount has`,
		},
	}
	for _, tt := range tests {
		if _, err := money.Parse(tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%q):\n got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

func TestParseDecimalRefuses(t *testing.T) {
	t.Parallel()
	usd := mustLookup(t, "USD")
	tests := []struct {
		in   string
		c    money.Currency
		kind error
	}{
		{"", usd, money.ErrSyntax},
		{"25.00 USD", usd, money.ErrSyntax},
		{" 25.00", usd, money.ErrSyntax},
		{"-0", usd, money.ErrSyntax},
		{strings.Repeat("1", 65), usd, money.ErrSyntax},
		{"25.001", usd, money.ErrPrecision},
		{ten36, usd, money.ErrRange},
		{"25.00", money.Currency{}, money.ErrCurrency},
	}
	for _, tt := range tests {
		if a, err := money.ParseDecimal(tt.in, tt.c); !errors.Is(err, tt.kind) || a != (money.Amount{}) {
			t.Errorf("ParseDecimal(%q, %q) = %v, %v, want kind %q", tt.in, tt.c, a, err, tt.kind)
		}
	}
}

func TestMustParsePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		want := `money.MustParse: amount "1": there is no currency; write 1 USD, or whichever it is`
		if got := recover(); got != want {
			t.Errorf("recovered %v, want %s", got, want)
		}
	}()
	money.MustParse("1")
}

func mustLookup(t testing.TB, code string) money.Currency {
	t.Helper()
	c, err := money.Lookup(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustDeclare(t testing.TB, code string, scale int) money.Currency {
	t.Helper()
	c, err := money.Declare(code, scale)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
