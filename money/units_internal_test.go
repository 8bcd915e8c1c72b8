package money

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// unitType is a type of units.go with its method.
var unitType = regexp.MustCompile(`(?m)^type (\w+) struct\{\}\n\n// Currency returns \w+\.\n` +
	`func \((\w+)\) Currency\(\) Currency \{ return Currency\{code: "(\w+)", scale: (\d), iso: true\} \}$`)

// TestUnitsAreTheTables holds the types against the tables: one for each code
// with decimals, in use or withdrawn, and no other.
func TestUnitsAreTheTables(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("units.go")
	if err != nil {
		t.Fatal(err)
	}
	types := make(map[string]Currency)
	for _, m := range unitType.FindAllStringSubmatch(string(source), -1) {
		scale, err := strconv.ParseUint(m[4], 10, 8)
		if err != nil || m[1] != m[2] || m[1] != m[3] {
			t.Errorf("%q stands for another currency: %v", m[0], err)
		}
		types[m[1]] = Currency{code: m[3], scale: uint8(scale), iso: true}
	}
	for _, row := range slices.Concat(isoActive[:], isoWithdrawn[:]) {
		got, ok := types[row.code]
		if want := row.scale >= 0; ok != want || want && got != row.currency() {
			t.Errorf("%s: type %v, %+v; run go generate", row.code, ok, got)
		}
		delete(types, row.code)
	}
	for code := range types {
		t.Errorf("%s is in no table; run go generate", code)
	}
}

func TestUnitsAreCurrencies(t *testing.T) {
	t.Parallel()
	for code, got := range map[string]Currency{
		"USD": USD{}.Currency(), "JPY": JPY{}.Currency(), "KWD": KWD{}.Currency(),
		"CLF": CLF{}.Currency(), "ALL": ALL{}.Currency(),
	} {
		if want, err := Lookup(code); err != nil || got != want {
			t.Errorf("%s{}.Currency() = %+v, Lookup gives %+v, %v", code, got, want, err)
		}
	}
	if want, err := LookupHistoric("DEM"); err != nil || (DEM{}).Currency() != want {
		t.Errorf("DEM{}.Currency() = %+v, LookupHistoric gives %+v, %v", DEM{}.Currency(), want, err)
	}
}
