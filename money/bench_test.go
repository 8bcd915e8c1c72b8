package money_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
	shop "github.com/shopspring/decimal"

	"github.com/bursar-ledger/bursar/money"
)

// Each benchmark does one thing in four ways, with the same two numbers:
//
//	go test -run '^$' -bench . -benchmem ./money
//
// The other libraries have no currency, so they read and write less text, and
// their numbers have no bound. None of them allocates an amount: the method of the
// largest remainder is written for them below, in the straightforward way.
const (
	benchX = "123456.78"
	benchY = "-987.65"
)

var benchWeights = []int64{20, 70, 5, 5}

// work is what one library does again and again. Its result keeps the compiler
// from leaving it out.
type work struct {
	name string
	run  func() bool
}

// operation is the work of each library on one line of the table. The first
// library is this package.
type operation struct {
	name      string
	libraries []work
}

// sink keeps results alive.
var sink struct {
	amount  money.Amount
	amounts []money.Amount
	rate    money.Rate
	apd     *apd.Decimal
	shop    shop.Decimal
	big     *big.Int
	text    string
	order   int
}

func operations() []operation {
	return []operation{
		{"add", addWork()}, {"compare", compareWork()}, {"multiply by rate", timesWork()},
		{"parse", parseWork()}, {"format", formatWork()}, {"allocate", allocateWork()},
	}
}

func addWork() []work {
	a, b := money.MustParse(benchX+" USD"), money.MustParse(benchY+" USD")
	x, y, z := mustAPD(benchX), mustAPD(benchY), new(apd.Decimal)
	s, u := shop.RequireFromString(benchX), shop.RequireFromString(benchY)
	m, n, o := a.Big(), b.Big(), new(big.Int)
	context := apd.BaseContext.WithPrecision(36)
	return []work{
		{"bursar", func() (ok bool) {
			got, err := a.Add(b)
			sink.amount = got
			return err == nil
		}},
		{"apd", func() bool {
			_, err := context.Add(z, x, y)
			return err == nil
		}},
		{"shopspring", func() bool { sink.shop = s.Add(u); return true }},
		{"math/big", func() bool { o.Add(m, n); return true }},
	}
}

func compareWork() []work {
	a, b := money.MustParse("123456.78 USD"), money.MustParse("123456.79 USD")
	x, y := mustAPD("123456.78"), mustAPD("123456.79")
	s, u := shop.RequireFromString("123456.78"), shop.RequireFromString("123456.79")
	m, n := a.Big(), b.Big()
	return []work{
		{"bursar", func() bool {
			got, err := a.Cmp(b)
			sink.order = got
			return err == nil
		}},
		{"apd", func() bool { sink.order = x.Cmp(y); return true }},
		{"shopspring", func() bool { sink.order = s.Cmp(u); return true }},
		{"math/big", func() bool { sink.order = m.Cmp(n); return true }},
	}
}

// timesWork takes 8.25 % and rounds to cents, halves to even.
func timesWork() []work {
	a, r := money.MustParse(benchX+" USD"), money.MustParseRate("8.25%")
	x, y, z := mustAPD(benchX), mustAPD("0.0825"), new(apd.Decimal)
	s, u := shop.RequireFromString(benchX), shop.RequireFromString("0.0825")
	m, num, den := a.Big(), big.NewInt(33), big.NewInt(400)
	o, left := new(big.Int), new(big.Int)
	context := apd.BaseContext.WithPrecision(36)
	context.Rounding = apd.RoundHalfEven
	return []work{
		{"bursar", func() bool {
			var err error
			sink.amount, sink.rate, err = a.Times(r, money.HalfEven)
			return err == nil
		}},
		{"apd", func() bool {
			_, err := context.Mul(z, x, y)
			if err == nil {
				_, err = context.Quantize(z, z, -2)
			}
			return err == nil
		}},
		{"shopspring", func() bool { sink.shop = s.Mul(u).RoundBank(2); return true }},
		{"math/big", func() bool {
			o.QuoRem(o.Mul(m, num), den, left)
			if half := left.Lsh(left, 1).CmpAbs(den); half > 0 || half == 0 && o.Bit(0) == 1 {
				o.Add(o, big.NewInt(1))
			}
			return true
		}},
	}
}

func parseWork() []work {
	return []work{
		{"bursar", func() bool {
			var err error
			sink.amount, err = money.Parse(benchX + " USD")
			return err == nil
		}},
		{"apd", func() bool {
			var err error
			sink.apd, _, err = apd.NewFromString(benchX)
			return err == nil
		}},
		{"shopspring", func() bool {
			var err error
			sink.shop, err = shop.NewFromString(benchX)
			return err == nil
		}},
		{"math/big", func() bool {
			var ok bool
			sink.big, ok = new(big.Int).SetString(strings.Replace(benchX, ".", "", 1), 10)
			return ok
		}},
	}
}

func formatWork() []work {
	a, x, s := money.MustParse(benchX+" USD"), mustAPD(benchX), shop.RequireFromString(benchX)
	m := a.Big()
	return []work{
		{"bursar", func() bool { sink.text = a.String(); return true }},
		{"apd", func() bool { sink.text = x.Text('f'); return true }},
		{"shopspring", func() bool { sink.text = s.String(); return true }},
		{"math/big", func() bool { sink.text = m.String(); return true }},
	}
}

func allocateWork() []work {
	a := money.MustParse("1027.59 USD")
	x, s, m := mustAPD("1027.59"), shop.RequireFromString("1027.59"), a.Big()
	return []work{
		{"bursar", func() bool {
			var err error
			sink.amounts, err = a.Allocate(benchWeights...)
			return err == nil
		}},
		{"apd", func() bool { return len(allocateAPD(x, benchWeights)) == len(benchWeights) }},
		{"shopspring", func() bool { return len(allocateShop(s, benchWeights)) == len(benchWeights) }},
		{"math/big", func() bool { return len(allocateBig(m, benchWeights)) == len(benchWeights) }},
	}
}

func mustAPD(s string) *apd.Decimal {
	d, _, err := apd.NewFromString(s)
	if err != nil {
		panic(err)
	}
	return d
}

// The three below divide a positive number with two decimals by the largest
// remainder.

func allocateAPD(x *apd.Decimal, weights []int64) []*apd.Decimal {
	context := apd.BaseContext.WithPrecision(36)
	context.Rounding = apd.RoundDown
	total := int64(0)
	for _, w := range weights {
		total += w
	}
	parts, lost := make([]*apd.Decimal, len(weights)), make([]*apd.Decimal, len(weights))
	rest := new(apd.Decimal).Set(x)
	must := func(_ apd.Condition, err error) {
		if err != nil {
			panic(err)
		}
	}
	for i, w := range weights {
		exact, part, left := new(apd.Decimal), new(apd.Decimal), new(apd.Decimal)
		must(context.Mul(exact, x, apd.New(w, 0)))
		must(context.Quo(exact, exact, apd.New(total, 0)))
		must(context.Quantize(part, exact, -2))
		must(context.Sub(left, exact, part))
		must(context.Sub(rest, rest, part))
		parts[i], lost[i] = part, left
	}
	for cent := apd.New(1, -2); rest.Sign() > 0; must(context.Sub(rest, rest, cent)) {
		most := 0
		for i := range lost {
			if lost[i].Cmp(lost[most]) > 0 {
				most = i
			}
		}
		must(context.Add(parts[most], parts[most], cent))
		lost[most] = apd.New(-1, 0)
	}
	return parts
}

func allocateShop(x shop.Decimal, weights []int64) []shop.Decimal {
	total := int64(0)
	for _, w := range weights {
		total += w
	}
	parts, lost := make([]shop.Decimal, len(weights)), make([]shop.Decimal, len(weights))
	rest := x
	for i, w := range weights {
		parts[i], lost[i] = x.Mul(shop.New(w, 0)).QuoRem(shop.New(total, 0), 2)
		rest = rest.Sub(parts[i])
	}
	for cent := shop.New(1, -2); rest.Sign() > 0; rest = rest.Sub(cent) {
		most := 0
		for i := range lost {
			if lost[i].Cmp(lost[most]) > 0 {
				most = i
			}
		}
		parts[most] = parts[most].Add(cent)
		lost[most] = shop.New(-1, 0)
	}
	return parts
}

func allocateBig(x *big.Int, weights []int64) []*big.Int {
	total := int64(0)
	for _, w := range weights {
		total += w
	}
	parts, lost := make([]*big.Int, len(weights)), make([]*big.Int, len(weights))
	rest := new(big.Int).Set(x)
	for i, w := range weights {
		parts[i], lost[i] = new(big.Int), new(big.Int)
		parts[i].Mul(x, big.NewInt(w)).QuoRem(parts[i], big.NewInt(total), lost[i])
		rest.Sub(rest, parts[i])
	}
	for one := big.NewInt(1); rest.Sign() > 0; rest.Sub(rest, one) {
		most := 0
		for i := range lost {
			if lost[i].Cmp(lost[most]) > 0 {
				most = i
			}
		}
		parts[most].Add(parts[most], one)
		lost[most].SetInt64(-1)
	}
	return parts
}

// TestLibrariesAgree compares the results of the four ways. So the table compares
// like with like.
func TestLibrariesAgree(t *testing.T) {
	a := money.MustParse("1027.59 USD")
	parts, err := a.Allocate(benchWeights...)
	if err != nil {
		t.Fatal(err)
	}
	byAPD := allocateAPD(mustAPD("1027.59"), benchWeights)
	byShop := allocateShop(shop.RequireFromString("1027.59"), benchWeights)
	byBig := allocateBig(a.Big(), benchWeights)
	for i, p := range parts {
		if want := p.Decimal(); byAPD[i].Text('f') != want || byShop[i].StringFixed(2) != want || byBig[i].Cmp(p.Big()) != 0 {
			t.Errorf("part %d is %s, by apd %s, by shopspring %s, by math/big %v",
				i, want, byAPD[i].Text('f'), byShop[i], byBig[i])
		}
	}
	for _, c := range operations() {
		for _, w := range c.libraries {
			if !w.run() {
				t.Errorf("%s by %s fails", c.name, w.name)
			}
		}
	}
}

func bench(b *testing.B, libraries []work) {
	for _, w := range libraries {
		b.Run(w.name, func(b *testing.B) { repeat(b, w) })
	}
}

func repeat(b *testing.B, w work) {
	b.ReportAllocs()
	for b.Loop() {
		if !w.run() {
			b.Fatal("it failed")
		}
	}
}

func BenchmarkAdd(b *testing.B)      { bench(b, addWork()) }
func BenchmarkCompare(b *testing.B)  { bench(b, compareWork()) }
func BenchmarkTimes(b *testing.B)    { bench(b, timesWork()) }
func BenchmarkParse(b *testing.B)    { bench(b, parseWork()) }
func BenchmarkFormat(b *testing.B)   { bench(b, formatWork()) }
func BenchmarkAllocate(b *testing.B) { bench(b, allocateWork()) }

// BenchmarkSizes is about what everyday amounts are not: many digits, and
// assets that carry their scale.
func BenchmarkSizes(b *testing.B) {
	for _, text := range []string{"123.456789 ETH/18", nines36 + " JPY"} {
		a := money.MustParse(text)
		bench(b, []work{
			{"parse " + text, func() bool {
				var err error
				sink.amount, err = money.Parse(text)
				return err == nil
			}},
			{"format " + text, func() bool { sink.text = a.String(); return true }},
			{"allocate " + text, func() bool {
				var err error
				sink.amounts, err = a.Allocate(benchWeights...)
				return err == nil
			}},
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		if _, err := money.Lookup("USD"); err != nil {
			b.Fatal(err)
		}
	}
}
