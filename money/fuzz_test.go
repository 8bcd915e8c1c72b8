package money_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/money"
)

// written is the grammar of amounts, stated a second time.
var written = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)? [A-Z]([A-Z0-9_.]*[A-Z0-9])?(/(0|[1-9][0-9]?))?$`)

// FuzzParse checks that every text is either refused, with one of the kinds
// and an explanation that can be printed, or fits the grammar and keeps its
// value.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"25.00 USD", "-3 CHIP/0", "0.5 BTC/8", "", " ", "-0 USD", "1e2 USD", "NaN", "+1 USD", "007 JPY",
		"\uff11 USD", "25.00\x00USD", "5. USD", ".5 USD", "25usd", "1EUR", "25 u\x01", "25.\xff USD",
		nines36 + " JPY", ten36 + " JPY", "0.000000000000000000000000000001 Z/30", "25 X/31",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := money.Parse(s)
		if err != nil {
			checkError(t, s, err)
			return
		}
		if !written.MatchString(s) {
			t.Fatalf("Parse(%q) = %v, which is not as amounts are written", s, a)
		}
		number, _, _ := strings.Cut(s, " ")
		value, ok := new(big.Rat).SetString(number)
		one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.Currency().Scale())), nil)
		if !ok || value.Cmp(new(big.Rat).SetFrac(a.Big(), one)) != 0 {
			t.Fatalf("Parse(%q) = %v", s, a)
		}
		if back, err := money.Parse(a.String()); err != nil || back != a {
			t.Fatalf("Parse(%q) prints %q, which is read as %v, %v", s, a, back, err)
		}
		if again := money.MustParse(s); again != a {
			t.Fatalf("Parse(%q) = %v, then %v", s, a, again)
		}
	})
}

func checkError(t *testing.T, s string, err error) {
	t.Helper()
	kinds := 0
	for _, kind := range []error{
		money.ErrSyntax, money.ErrPrecision, money.ErrRange, money.ErrCurrency, money.ErrMismatch,
	} {
		if errors.Is(err, kind) {
			kinds++
		}
	}
	if kinds != 1 {
		t.Fatalf("Parse(%q): %v is of %d kinds", s, err, kinds)
	}
	var detail *money.Error
	if !errors.As(err, &detail) || detail.Reason == "" {
		t.Fatalf("Parse(%q): %v has no reason", s, err)
	}
	for _, r := range err.Error() {
		if !strconv.IsPrint(r) {
			t.Fatalf("Parse(%q): the error %q cannot be printed", s, err)
		}
	}
	if errors.Is(err, money.ErrSyntax) && written.MatchString(s) && len(s) <= money.TextMax &&
		!regexp.MustCompile(`^-0(\.0+)? `).MatchString(s) {
		t.Fatalf("Parse(%q): %v, though it is written as amounts are", s, err)
	}
}

// FuzzFormatRoundTrip checks that every pair of parts is either refused or
// survives text and JSON.
func FuzzFormatRoundTrip(f *testing.F) {
	f.Add(int64(0), int64(2500), "USD", uint8(2))
	f.Add(int64(-1), int64(-1), "CHIP", uint8(0))
	f.Add(int64(999999999999999999), int64(999999999999999999), "ETH", uint8(18))
	f.Add(int64(1), int64(-1), "JPY", uint8(0))
	f.Add(int64(0), int64(1), "Z_9.A", uint8(30))
	f.Fuzz(func(t *testing.T, hi, lo int64, code string, scale uint8) {
		c, err := money.Lookup(code)
		if err != nil {
			c, err = money.Declare(code, int(scale))
		}
		if err != nil {
			return
		}
		a, err := money.FromParts(hi, lo, c)
		if err != nil {
			if !errors.Is(err, money.ErrRange) {
				t.Fatal(err)
			}
			return
		}
		if back, err := money.Parse(a.String()); err != nil || back != a {
			t.Fatalf("%q is read as %v, %v", a, back, err)
		}
		if back, err := money.FromBig(a.Big(), c); err != nil || back != a {
			t.Fatalf("%v comes back from big.Int as %v, %v", a, back, err)
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back money.Amount
		if err := json.Unmarshal(text, &back); err != nil || back != a {
			t.Fatalf("%s is read as %v, %v", text, back, err)
		}
	})
}
