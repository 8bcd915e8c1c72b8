package money_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/money"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	chip, gold, usd := mustDeclare(t, "CHIP", 0), mustDeclare(t, "XAU", 6), mustLookup(t, "USD")
	registry, err := money.NewRegistry(gold, usd, chip, chip)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]money.Currency{chip, gold}, registry.Currencies()); diff != "" {
		t.Error(diff)
	}
	for in, want := range map[string]string{
		"25 CHIP": "25 CHIP/0", "25 CHIP/0": "25 CHIP/0", "1.5 XAU": "1.500000 XAU/6", "5 USD": "5.00 USD",
		"5 DEM": "5.00 DEM", "5 FOO/1": "5.0 FOO/1",
	} {
		if a, err := registry.Parse(in); err != nil || a.String() != want {
			t.Errorf("Parse(%q) = %v, %v, want %s", in, a, err, want)
		}
	}
	if c, err := registry.ParseCurrency("CHIP"); err != nil || c != chip {
		t.Errorf("ParseCurrency(CHIP) = %v, %v", c, err)
	}
	refused := []struct {
		in     string
		kind   error
		reason string
	}{
		{"25 CHIP/2", money.ErrCurrency, "it is declared as CHIP/0; write that"},
		{"25 FOO", money.ErrCurrency, "is not in ISO 4217"},
		{"25 chip", money.ErrCurrency, "write CHIP"},
		{"25 USD/2", money.ErrCurrency, "write USD"},
		{"2.5 CHIP", money.ErrPrecision, "CHIP/0 has no decimals"},
		{"+1 CHIP", money.ErrSyntax, "plus sign"},
	}
	for _, tt := range refused {
		if a, err := registry.Parse(tt.in); !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("Parse(%q) = %v, %v, want %q with %q", tt.in, a, err, tt.kind, tt.reason)
		}
	}
}

func TestRegistryOfNothing(t *testing.T) {
	t.Parallel()
	empty, err := money.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*money.Registry{"nil": nil, "zero": {}, "empty": empty} {
		if a, err := r.Parse("5 USD"); err != nil || a.String() != "5.00 USD" {
			t.Errorf("%s: Parse(5 USD) = %v, %v", name, a, err)
		}
		if _, err := r.Parse("5 CHIP"); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("%s: Parse(5 CHIP): %v", name, err)
		}
		if got := r.Currencies(); len(got) != 0 {
			t.Errorf("%s: has %v", name, got)
		}
	}
}

func TestNewRegistryRefuses(t *testing.T) {
	t.Parallel()
	r, err := money.NewRegistry(mustDeclare(t, "CHIP", 0), mustDeclare(t, "CHIP", 2))
	want := `registry "CHIP": it is declared twice, as CHIP/0 and as CHIP/2; keep one`
	if !errors.Is(err, money.ErrCurrency) || r != nil || err.Error() != want {
		t.Errorf("got %v, %v, want %s", r, err, want)
	}
	if r, err := money.NewRegistry(money.Currency{}); !errors.Is(err, money.ErrCurrency) || r != nil {
		t.Errorf("got %v, %v", r, err)
	}
}
