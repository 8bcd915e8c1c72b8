package money_test

import (
	"os"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/money"
)

// TestGuide holds the tables of docs/money.md against the code.
func TestGuide(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/money.md")
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]money.Rounding{
		"HalfEven": money.HalfEven, "HalfUp": money.HalfUp, "HalfDown": money.HalfDown, "Up": money.Up, "Down": money.Down,
		"Ceiling": money.Ceiling, "Floor": money.Floor,
	}
	var numbers []string
	modesSeen, allocations := 0, 0
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		name := strings.Trim(cells[0], "`")
		switch mode, ok := byName[name]; {
		case name == "mode":
			numbers = cells[1:]
		case ok:
			modesSeen++
			for i, want := range cells[1:] {
				got, _, err := money.MustParse("1 CHIP/0").Times(money.MustParseRate(numbers[i]), mode)
				if err != nil || got.Decimal() != want {
					t.Errorf("%s of %s is %v, %v; the guide says %s", name, numbers[i], got, err, want)
				}
			}
		case name == "Allocate":
			allocations++
			parts, err := money.MustParse("1027.59 USD").Allocate(20, 70, 5, 5)
			if want := strings.Join(cells[1:], " "); err != nil || decimals(parts) != want {
				t.Errorf("the parts are %s, %v; the guide says %s", decimals(parts), err, want)
			}
		}
	}
	if modesSeen != len(byName) || len(numbers) != 10 || allocations != 1 {
		t.Errorf("the guide has %d modes, %d numbers and %d allocations", modesSeen, len(numbers), allocations)
	}
}
