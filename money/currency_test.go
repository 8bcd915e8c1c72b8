package money_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/money"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	usd := mustLookup(t, "USD")
	if usd.Code() != "USD" || usd.Scale() != 2 || usd.Name() != "US Dollar" || usd.Numeric() != 840 ||
		usd.String() != "USD" || usd.Withdrawn() != "" || !usd.IsISO() || usd.IsZero() {
		t.Errorf("USD is %q, scale %d, %q, %d", usd, usd.Scale(), usd.Name(), usd.Numeric())
	}
	tests := []struct{ code, reason string }{
		{"", "there is no currency code"},
		{"usd", "upper case; write USD"},
		{"US", "is not in ISO 4217"},
		{"USDX", "is not in ISO 4217"},
		{"USD/2", "a currency code is A-Z"},
		{"XAU", "declare it with a scale, such as XAU/6"},
		{"DEM", "DEM was withdrawn in 2002-03; LookupHistoric finds it"},
		{"ANG", "ANG was withdrawn in 2025-03"},
		{"BGN", "BGN was withdrawn in 2026-01"},
		{"HRK", "HRK was withdrawn in 2023-01"},
		{"SLL", "SLL was withdrawn in 2023-12"},
		{"ZWL", "ZWL was withdrawn in 2024-09"},
		{strings.Repeat("A", 1000), "at most 16 characters"},
	}
	for _, tt := range tests {
		c, err := money.Lookup(tt.code)
		if !errors.Is(err, money.ErrCurrency) || !c.IsZero() || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("Lookup(%.20q) = %v, %v, want a reason with %q", tt.code, c, err, tt.reason)
		}
	}
}

func TestLookupHistoric(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code, withdrawn string
		scale           int
	}{
		{"DEM", "2002-03", 2}, {"ITL", "2002-03", 0}, {"BYR", "2017-01", 0}, {"ANG", "2025-03", 2}, {"BGN", "2026-01", 2},
	}
	for _, tt := range tests {
		c, err := money.LookupHistoric(tt.code)
		if err != nil || c.Code() != tt.code || c.Scale() != tt.scale || c.Withdrawn() != tt.withdrawn {
			t.Errorf("LookupHistoric(%q) = %v, scale %d, withdrawn %q, %v", tt.code, c, c.Scale(), c.Withdrawn(), err)
		}
		if read, err := money.ParseCurrency(tt.code); err != nil || read != c {
			t.Errorf("ParseCurrency(%q) = %v, %v, want %v", tt.code, read, err, c)
		}
	}
	for code, reason := range map[string]string{
		"USD": "Lookup finds those in use", "XAU": "Lookup finds those in use", "FOO": "declare it", "": "declare it",
	} {
		if c, err := money.LookupHistoric(code); !errors.Is(err, money.ErrCurrency) || !c.IsZero() ||
			!strings.Contains(err.Error(), reason) {
			t.Errorf("LookupHistoric(%q) = %v, %v, want a reason with %q", code, c, err, reason)
		}
	}
}

func TestDeclare(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"CHIP/0", "BTC/8", "ETH/18", "A/30", "A1/1", "GOLD_BAR/0", "USDC.ETH/6",
		"ABCDEFGHIJKLMNOP/10", "XAU/6", "XTS/2", "A__B/0"} {
		c, err := money.ParseCurrency(text)
		if err != nil {
			t.Errorf("ParseCurrency(%q): %v", text, err)
			continue
		}
		if again := mustDeclare(t, c.Code(), c.Scale()); again != c || c.String() != text {
			t.Errorf("ParseCurrency(%q) = %v, declared anew %v", text, c, again)
		}
		if c.IsISO() || c.Name() != "" || c.Numeric() != 0 || c.Withdrawn() != "" {
			t.Errorf("%v claims to be of ISO 4217", c)
		}
	}
	tests := []struct {
		code   string
		scale  int
		reason string
	}{
		{"USD", 2, "USD is an ISO 4217 currency with 2 decimals; write USD"},
		{"USD", 4, "write USD"},
		{"BGN", 2, "write BGN"},
		{"CHIP", -1, "a scale is 0 to 30, not -1"},
		{"CHIP", 31, "a scale is 0 to 30, not 31"},
		{"CHIP", 256, "a scale is 0 to 30, not 256"},
		{"", 0, "there is no currency code"},
		{"chip", 0, "upper case; write CHIP"},
		{"CH P", 0, "no blanks"},
		{"CHIP/0", 0, "a currency code is A-Z"},
		{"1UP", 0, "beginning with a letter"},
		{".A", 0, "beginning with a letter"},
		{"A_", 0, "inside"},
		{"\u00c4", 0, "a currency code is A-Z"},
		{"A\x00B", 0, "a currency code is A-Z"},
		{"ABCDEFGHIJKLMNOPQ", 0, "at most 16 characters"},
	}
	for _, tt := range tests {
		c, err := money.Declare(tt.code, tt.scale)
		if !errors.Is(err, money.ErrCurrency) || !c.IsZero() || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("Declare(%q, %d) = %v, %v, want a reason with %q", tt.code, tt.scale, c, err, tt.reason)
		}
	}
}

func TestCurrencyText(t *testing.T) {
	t.Parallel()
	type settings struct {
		Main  money.Currency            `json:"main"`
		Names map[money.Currency]string `json:"names"`
	}
	want := settings{Main: mustLookup(t, "EUR"), Names: map[money.Currency]string{mustDeclare(t, "CHIP", 0): "chips"}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != `{"main":"EUR","names":{"CHIP/0":"chips"}}` {
		t.Errorf("got %s", text)
	}
	var got settings
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	kept := want.Main
	for _, bad := range []string{"", "eur", "EUR ", "CHIP", strings.Repeat("A", 1<<16)} {
		if err := kept.UnmarshalText([]byte(bad)); !errors.Is(err, money.ErrCurrency) || kept != want.Main {
			t.Errorf("UnmarshalText(%.20q): %v, now %v", bad, err, kept)
		}
	}
	if _, err := (money.Currency{}).MarshalText(); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("MarshalText of no currency: %v", err)
	}
	if got := (money.Currency{}).String(); got != "" {
		t.Errorf("no currency prints as %q", got)
	}
}
