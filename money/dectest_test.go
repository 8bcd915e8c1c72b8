package money_test

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/money"
)

// The vectors of the General Decimal Arithmetic specification, by Mike
// Cowlishaw, come with the apd module, which is needed by tests only.
const vectorModule = "github.com/cockroachdb/apd/v3"

// vectorFiles says how many cases of each file are run at least. The number is
// what was counted; a reader that has gone blind would find fewer.
var vectorFiles = map[string]int{
	"abs": 52, "add": 1312, "base": 1154, "compare": 436, "divide": 363, "minus": 69, "multiply": 183, "plus": 69,
	"quantize": 467, "rounding": 686, "subtract": 525, "tointegralx": 142,
}

// Why a case cannot be said in amounts and rates. Each case is either run or
// counted under one of these.
const (
	otherOperation = "another operation (power, apply)"
	otherMode      = "rounding mode 05up"
	unknownResult  = "a result that depends on the implementation"
	notFinite      = "NaN or infinity"
	minusZero      = "negative zero operand"
	tooPrecise     = "more than 30 decimals"
	tooLarge       = "more than 36 digits"
	rateTooLarge   = "a rate of more than 256 bits"
	contextLimit   = "a limit on digits or exponents, which amounts do not have"
	zeroDivisor    = "division by zero"
)

// inexpressible is the reason why a case is not run.
type inexpressible string

func (r inexpressible) Error() string { return string(r) }

func TestDecimalVectors(t *testing.T) {
	t.Parallel()
	dir := vectorDir(t)
	total, ran, skipped := 0, 0, map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(vectorFiles)) {
		vectors := readVectors(t, filepath.Join(dir, name+".decTest"))
		done := 0
		for _, v := range vectors {
			err := v.run()
			var reason inexpressible
			switch {
			case errors.As(err, &reason):
				skipped[string(reason)]++
			case err != nil:
				t.Errorf("%s %s %s -> %s: %v", v.id, v.op, strings.Join(v.operands, " "), v.result, err)
			default:
				done++
			}
		}
		t.Logf("%-12s %5d cases, %5d run", name, len(vectors), done)
		if done < vectorFiles[name] {
			t.Errorf("%s: %d cases were run, want at least %d", name, done, vectorFiles[name])
		}
		total, ran = total+len(vectors), ran+done
	}
	t.Logf("%-12s %5d cases, %5d run and %d not, because of:", "together", total, ran, total-ran)
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		t.Logf("%5d  %s", skipped[reason], reason)
	}
}

// vectorDir finds the folder in the module cache.
func vectorDir(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", vectorModule).Output()
	module := strings.TrimSpace(string(out))
	if err == nil && module == "" {
		err = errors.New("go list names no folder")
	}
	dir := filepath.Join(module, "testdata")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("the test vectors of %s are not in the module cache: %v", vectorModule, err)
	}
	t.Skipf("the test vectors of %s are not in the module cache, go mod download fetches them: %v", vectorModule, err)
	return ""
}

// units returns the number in units of 10^-scale. The scale must be enough.
func (d decimal) units(scale int) *big.Int {
	return new(big.Int).Mul(d.coefficient, powerOfTen(d.exponent+scale))
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// operand reads an operand that amounts and rates can say, or says why not.
func operand(s string) (decimal, error) {
	d, ok := readDecimal(s)
	switch {
	case !ok:
		return decimal{}, inexpressible(notFinite)
	case d.negative && d.coefficient.Sign() == 0:
		return decimal{}, inexpressible(minusZero)
	}
	return d, nil
}

// amountOf returns a number as an amount of the given scale. It says by its own
// reckoning whether there is one, so that an amount wrongly refused is an error
// and not a case left out.
func amountOf(d decimal, scale int) (money.Amount, error) {
	switch {
	case scale > money.ScaleMax:
		return money.Amount{}, inexpressible(tooPrecise)
	case d.coefficient.Sign() != 0 && d.exponent+scale > 36:
		return money.Amount{}, inexpressible(tooLarge)
	}
	n := new(big.Int)
	if d.coefficient.Sign() != 0 {
		n = d.units(scale)
	}
	if n.CmpAbs(bound) >= 0 {
		return money.Amount{}, inexpressible(tooLarge)
	}
	c, err := money.Declare("VECTOR", scale)
	if err != nil {
		return money.Amount{}, err
	}
	return money.FromBig(n, c)
}

// scaleFor returns the scale that all the numbers have room in.
func scaleFor(ds ...decimal) int {
	scale := 0
	for _, d := range ds {
		scale = max(scale, -d.exponent)
	}
	return scale
}

// rateOf returns a number as a rate.
func rateOf(d decimal) (money.Rate, error) {
	if d.coefficient.BitLen() > money.RateBits {
		return money.Rate{}, inexpressible(rateTooLarge)
	}
	r, err := money.RateOf(d.coefficient, big.NewInt(1))
	if err != nil {
		return money.Rate{}, err
	}
	return shifted(r, d.exponent)
}

func tenTo(n int) *big.Rat {
	if n < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), powerOfTen(-n))
	}
	return new(big.Rat).SetInt(powerOfTen(n))
}

// mode returns the rounding mode in force.
func (v vector) mode() (money.Rounding, error) {
	for _, m := range modes {
		if v.rounding == strings.ReplaceAll(m.String(), " ", "_") {
			return m, nil
		}
	}
	if v.rounding == "05up" {
		return 0, inexpressible(otherMode)
	}
	return 0, fmt.Errorf("there is no rounding mode %q", v.rounding)
}

// run returns nil if the case agrees, an inexpressible if it was not run, and
// what is wrong otherwise.
func (v vector) run() error {
	if v.result == "?" {
		return inexpressible(unknownResult)
	}
	switch v.op {
	case "tosci", "toeng":
		return v.runText()
	case "add", "subtract", "plus", "minus", "abs":
		return v.runSum()
	case "compare":
		return v.runCompare()
	case "quantize", "tointegralx":
		return v.runQuantize()
	case "multiply", "divide":
		return v.runProduct()
	}
	return inexpressible(otherOperation)
}

// plain is how amounts are written, stated once more.
var plain = regexp.MustCompile(`^(-?)(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// runText reads a text. What is not plain has to be refused, which is a case
// that agrees too; what is plain has to keep its value.
func (v vector) runText() error {
	s := v.operands[0]
	d, finite := readDecimal(s)
	c, err := money.Declare("VECTOR", money.ScaleMax)
	if err != nil {
		return err
	}
	got, err := money.ParseDecimal(s, c)
	if !plain.MatchString(s) || d.negative && d.coefficient.Sign() == 0 {
		if err == nil {
			return fmt.Errorf("%q is read as %v", s, got)
		}
		return nil
	}
	if !finite || v.conditions["conversion_syntax"] {
		return errors.New("it is plain, but not a number for the vectors")
	}
	want, reason := amountOf(d, money.ScaleMax)
	if reason != nil {
		if err == nil {
			return fmt.Errorf("%q is read as %v", s, got)
		}
		return nil
	}
	if err != nil || got != want {
		return fmt.Errorf("%q is read as %v, %v, want %v", s, got, err, want)
	}
	return nil
}

// runSum calculates exactly and then rounds to the digits of the result.
func (v vector) runSum() error {
	var ds []decimal
	for _, s := range v.operands {
		d, err := operand(s)
		if err != nil {
			return err
		}
		ds = append(ds, d)
	}
	scale := scaleFor(ds...)
	var as []money.Amount
	for _, d := range ds {
		a, err := amountOf(d, scale)
		if err != nil {
			return err
		}
		as = append(as, a)
	}
	got, want := as[0], ds[0].units(scale)
	var err error
	switch v.op {
	case "add":
		got, err = as[0].Add(as[1])
		want.Add(want, ds[1].units(scale))
	case "subtract":
		got, err = as[0].Sub(as[1])
		want.Sub(want, ds[1].units(scale))
	case "minus":
		got = got.Neg()
	case "abs":
		got = got.Abs()
	}
	if want.CmpAbs(bound) >= 0 && errors.Is(err, money.ErrRange) {
		return nil
	}
	if err != nil {
		return err
	}
	return v.check(got, money.MustParseRate("1"), scale)
}

func (v vector) runCompare() error {
	x, err := operand(v.operands[0])
	if err != nil {
		return err
	}
	y, err := operand(v.operands[1])
	if err != nil {
		return err
	}
	scale := scaleFor(x, y)
	a, err := amountOf(x, scale)
	if err != nil {
		return err
	}
	b, err := amountOf(y, scale)
	if err != nil {
		return err
	}
	got, err := a.Cmp(b)
	if err != nil || strconv.Itoa(got) != v.result {
		return fmt.Errorf("got %d, %v", got, err)
	}
	return nil
}

func (v vector) runQuantize() error {
	x, err := operand(v.operands[0])
	if err != nil {
		return err
	}
	if v.op == "quantize" {
		if _, ok := readDecimal(v.operands[1]); !ok {
			return inexpressible(notFinite)
		}
	}
	a, err := amountOf(x, scaleFor(x))
	if err != nil {
		return err
	}
	return v.check(a, money.MustParseRate("1"), scaleFor(x))
}

// runProduct takes the second operand as a rate, and its inverse to divide.
func (v vector) runProduct() error {
	x, err := operand(v.operands[0])
	if err != nil {
		return err
	}
	y, err := operand(v.operands[1])
	if err != nil {
		return err
	}
	a, err := amountOf(x, scaleFor(x))
	if err != nil {
		return err
	}
	r, err := rateOf(y)
	if err != nil {
		return err
	}
	if v.op == "divide" {
		r, err = r.Inv()
		if y.coefficient.Sign() == 0 {
			if errors.Is(err, money.ErrDivision) {
				return inexpressible(zeroDivisor)
			}
			return fmt.Errorf("1/0 = %v, %v", r, err)
		}
		if err != nil {
			return err
		}
	}
	return v.check(a, r, scaleFor(x))
}

// check multiplies by r, rounds to the exponent of the expected result, and
// compares the digits. The remainder has to be zero exactly where the vectors
// say that nothing was lost.
func (v vector) check(a money.Amount, r money.Rate, scale int) error {
	want, ok := readDecimal(v.result)
	if !ok {
		// The operands are finite, so this is a context that has no room.
		return inexpressible(contextLimit)
	}
	mode, err := v.mode()
	if err != nil {
		return err
	}
	// In units of the result's exponent its digits are a whole amount.
	r, err = shifted(r, -want.exponent-scale)
	if err != nil {
		return err
	}
	if want.coefficient.CmpAbs(bound) >= 0 {
		return inexpressible(tooLarge)
	}
	whole, err := money.Declare("VECTOR", 0)
	if err != nil {
		return err
	}
	n, err := money.FromBig(a.Big(), whole)
	if err != nil {
		return err
	}
	got, left, err := n.Times(r, mode)
	if err != nil {
		return err
	}
	if got.Big().Cmp(want.coefficient) != 0 {
		return fmt.Errorf("got %v * 10^%d", got.Decimal(), want.exponent)
	}
	if left.IsZero() == v.conditions["inexact"] {
		return fmt.Errorf("the remainder is %v", left)
	}
	return nil
}

// shifted returns r * 10^n.
func shifted(r money.Rate, n int) (money.Rate, error) {
	if r.IsZero() {
		return r, nil
	}
	// Such a shift cannot be made good by the digits of a rate, and some vectors
	// have exponents of nine digits.
	if n > 200 || n < -200 {
		return money.Rate{}, inexpressible(rateTooLarge)
	}
	f := ratOf(r)
	f.Mul(f, tenTo(n))
	if max(f.Num().BitLen(), f.Denom().BitLen()) > money.RateBits {
		return money.Rate{}, inexpressible(rateTooLarge)
	}
	return money.RateOf(f.Num(), f.Denom())
}
