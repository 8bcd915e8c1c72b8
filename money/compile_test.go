package money_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const moneyPath = "github.com/bursar-ledger/bursar/money"

// program wraps statements in a program that has what they speak of.
const program = `package main

import (
	"fmt"

	"github.com/bursar-ledger/bursar/money"
)

var chip = money.MustDeclare("CHIP", 0)

type CHIP struct{}

func (CHIP) Currency() money.Currency { return chip }

type Cents int32

func pay(a money.Of[money.USD]) {}

func post(a money.Amount) {}

func main() {
	usd, eur := money.OfUnits[money.USD](25), money.OfUnits[money.EUR](25)
	chips, amount := money.OfUnits[CHIP](25), money.MustParse("25.00 USD")
	rate, err := money.ParseRate("1.5")
	number, text, count := 10.5, "25.00 USD", uint64(25)
	fmt.Println(usd, eur, chips, amount, rate, err, number, text, count)
	%s
}
`

// compileCases are statements with a part of what the compiler says of them,
// which is nothing where they are right.
var compileCases = []struct{ code, refused string }{
	// Currencies do not mix.
	{`usd.Add(usd)`, ""},
	{`usd.Add(eur)`, "cannot use eur (variable of struct type money.Of[money.EUR])" +
		" as money.Of[money.USD] value in argument to usd.Add"},
	{`usd.Add(chips)`, "cannot use chips (variable of struct type money.Of[CHIP]) as money.Of[money.USD] value"},
	{`chips.Sub(chips)`, ""},
	{`chips.Sub(usd)`, "cannot use usd (variable of struct type money.Of[money.USD]) as money.Of[CHIP] value"},
	{`usd.Cmp(usd)`, ""},
	{`usd.Cmp(eur)`, "as money.Of[money.USD] value in argument to usd.Cmp"},
	{`usd.Equal(eur)`, "as money.Of[money.USD] value in argument to usd.Equal"},
	{`_ = usd == usd`, ""},
	{`_ = usd == eur`, "mismatched types money.Of[money.USD] and money.Of[money.EUR]"},
	{`_ = usd < usd`, "operator < not defined"},
	{`_ = usd + usd`, "operator + not defined"},
	{`_ = amount + amount`, "operator + not defined"},
	{`usd = eur`, "cannot use eur (variable of struct type money.Of[money.EUR])" +
		" as money.Of[money.USD] value in assignment"},
	{`pay(usd)`, ""},
	{`pay(eur)`, "as money.Of[money.USD] value in argument to pay"},
	{`_ = map[money.Of[money.USD]]int{usd: 1}`, ""},
	{`_ = money.Of[money.USD](usd)`, ""},
	{`_ = money.Of[money.EUR](usd)`, "cannot convert usd"},
	{`parts, err := usd.Split(3); pay(parts[0]); _ = err`, ""},
	{`parts, err := eur.Allocate(1, 2); pay(parts[0]); _ = err`, "as money.Of[money.USD] value in argument to pay"},

	// A typed amount and an Amount become each other by name only.
	{`post(usd.Amount())`, ""},
	{`post(usd)`, "cannot use usd (variable of struct type money.Of[money.USD]) as money.Amount value"},
	{`post(money.Amount(usd))`, "cannot convert usd"},
	{`dollars, err := money.OfAmount[money.USD](amount); pay(dollars); _ = err`, ""},
	{`pay(amount)`, "cannot use amount (variable of struct type money.Amount) as money.Of[money.USD] value"},
	{`pay(money.OfAmount[money.USD](amount))`, "too many arguments in call to pay"},
	{`usd.Add(amount)`, "as money.Of[money.USD] value"},
	{`amount.Add(usd)`, "as money.Amount value"},
	{`amount.Add(eur.Amount())`, ""},

	// Integers are units, and floats are not.
	{`post(money.FromUnits(25, chip))`, ""},
	{`post(money.FromUnits(count, chip))`, ""},
	{`post(money.FromUnits(Cents(25), chip))`, ""},
	{`post(money.FromUnits(number, chip))`, "float64 does not satisfy money.Integer"},
	{`post(money.FromUnits(10.5, chip))`, "float64 does not satisfy money.Integer"},
	{`post(money.FromUnits(10.0, chip))`, "float64 does not satisfy money.Integer"},
	{`post(money.FromUnits(1e2, chip))`, "float64 does not satisfy money.Integer"},
	{`post(money.FromUnits(float32(1), chip))`, "float32 does not satisfy money.Integer"},
	{`post(money.FromUnits(1i, chip))`, "complex128 does not satisfy money.Integer"},
	{`post(money.FromUnits("25", chip))`, "string does not satisfy money.Integer"},
	{`post(money.FromUnits(text, chip))`, "string does not satisfy money.Integer"},
	{`post(money.FromUnits(25, "USD"))`, `cannot use "USD" (untyped string constant) as money.Currency value`},
	{`pay(money.OfUnits[money.USD](count))`, ""},
	{`pay(money.OfUnits[money.USD](number))`, "float64 does not satisfy money.Integer"},
	{`pay(money.OfUnits[money.USD](10.5))`, "float64 does not satisfy money.Integer"},
	{`pay(money.OfUnits[money.USD](10.0))`, "float64 does not satisfy money.Integer"},
	{`pay(money.OfUnits[money.USD](text))`, "string does not satisfy money.Integer"},
	{`pay(money.OfUnits[money.USD, int64](10.5))`, "(truncated)"},
	{`pay(money.OfUnits[money.EUR](25))`, "as money.Of[money.USD] value in argument to pay"},
	{`post(money.FromParts(10.5, 0, chip))`, "(truncated)"},

	// An amount is not a number and not a text.
	{`post(25)`, "cannot use 25 (untyped int constant) as money.Amount value"},
	{`post(10.5)`, "cannot use 10.5 (untyped float constant) as money.Amount value"},
	{`post("25.00 USD")`, `cannot use "25.00 USD" (untyped string constant) as money.Amount value`},
	{`pay("25.00 USD")`, `cannot use "25.00 USD" (untyped string constant) as money.Of[money.USD] value`},
	{`pay(text)`, "cannot use text (variable of type string) as money.Of[money.USD] value"},
	{`usd.Add(10.5)`, "cannot use 10.5 (untyped float constant) as money.Of[money.USD] value"},
	{`amount.Add("1.00 USD")`, `cannot use "1.00 USD" (untyped string constant) as money.Amount value`},
	{`_ = float64(amount)`, "cannot convert amount"},
	{`pay(money.MustParseOf[money.USD](text))`, ""},
	{`post(money.MustParse(10.5))`, "cannot use 10.5 (untyped float constant) as string value"},

	// A rate is not a float, and rounding is named.
	{`usd.Times(rate, money.HalfEven)`, ""},
	{`usd.Times(1.5, money.HalfEven)`, "cannot use 1.5 (untyped float constant) as money.Rate value"},
	{`amount.Times(number, money.HalfEven)`, "cannot use number (variable of type float64) as money.Rate value"},
	{`usd.Times(rate)`, "not enough arguments in call to usd.Times"},
	{`usd.Allocate(0.5, 0.5)`, "(truncated)"},
	{`money.NewRate(1.5, 1)`, "(truncated)"},

	// A unit is an empty struct that names a currency.
	{`var a money.Of[int]; _ = a`, "int does not satisfy money.Unit"},
	{`var a money.Of[money.Currency]; _ = a`, "money.Currency does not satisfy money.Unit"},
	{`var a money.Of[money.Amount]; _ = a`, "money.Amount does not satisfy money.Unit"},
	{`var a money.Of[*CHIP]; _ = a`, "*CHIP does not satisfy money.Unit"},
	{`var a money.Of[struct{}]; _ = a`, "struct{} does not satisfy money.Unit"},
	{`_ = money.Of[money.USD]{5}`, "unexported field"},
}

// TestWhatCompiles type-checks a small program for each case.
func TestWhatCompiles(t *testing.T) {
	t.Parallel()
	set := gotoken.NewFileSet()
	imports := moneyImporter(t, set)
	right := 0
	for _, tt := range compileCases {
		file, err := parser.ParseFile(set, "main.go", fmt.Sprintf(program, tt.code), parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", tt.code, err)
			continue
		}
		config := types.Config{Importer: imports, Error: func(error) {}}
		_, err = config.Check("main", set, []*ast.File{file}, nil)
		switch {
		case tt.refused == "":
			right++
			if err != nil {
				t.Errorf("%s does not compile: %v", tt.code, err)
			}
		case err == nil:
			t.Errorf("%s compiles", tt.code)
		case !strings.Contains(err.Error(), tt.refused):
			t.Errorf("%s: %v, want %s", tt.code, err, tt.refused)
		}
	}
	t.Logf("%d programs compile, %d do not", right, len(compileCases)-right)
}

// moneyImporter reads what the go command has compiled: package money as it is
// now, and all that a program needs besides.
func moneyImporter(t *testing.T, set *gotoken.FileSet) types.Importer {
	t.Helper()
	list := exec.CommandContext(t.Context(),
		"go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", moneyPath)
	var talk bytes.Buffer
	list.Stderr = &talk
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, talk.String())
	}
	exports := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[path] = file
	}
	return importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, errors.New("package money does not need " + path)
		}
		return os.Open(exports[path])
	})
}
