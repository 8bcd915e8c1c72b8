package money_test

import (
	"fmt"

	"github.com/bursar-ledger/bursar/money"
)

func ExampleParseRate() {
	for _, text := range []string{"1.0825", "433/400", "8.25%", "3/7", "1e-2", "1/0"} {
		rate, err := money.ParseRate(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(rate)
	}
	// Output:
	// 1.0825
	// 1.0825
	// 0.0825
	// 3/7
	// rate "1e-2": exponents are not read; write all the digits
	// rate "1/0": nothing is divided by zero
}

func ExampleAmount_Times() {
	net, tax := money.MustParse("9.99 USD"), money.MustParseRate("7.25%")
	product, remainder, err := net.Times(tax, money.HalfEven)
	fmt.Println(product, remainder, err)

	// There is no default: a mode has to be named.
	_, _, err = net.Times(tax, 0)
	fmt.Println(err)
	// Output:
	// 0.72 USD 0.4275 <nil>
	// multiply "Rounding(0)": it is no rounding mode; name one, such as money.HalfEven
}

// A tax is due on the whole invoice, and each line shows its own. What the
// lines lose by rounding adds up, and is posted as a leg of its own.
func ExampleAmount_Times_remainder() {
	tax := money.MustParseRate("7.25%")
	line := money.MustParse("9.99 USD")
	total, lost := money.Zero(line.Currency()), money.Rate{}
	for range 3 {
		product, remainder, err := line.Times(tax, money.HalfEven)
		if err != nil {
			fmt.Println(err)
			return
		}
		if total, err = total.Add(product); err != nil {
			fmt.Println(err)
			return
		}
		if lost, err = lost.Add(remainder); err != nil {
			fmt.Println(err)
			return
		}
	}
	// One smallest unit, so many times, is what the remainders come to.
	cent := money.FromUnits(1, line.Currency())
	rounding, left, err := cent.Times(lost, money.HalfEven)
	fmt.Println(total, "on the lines,", rounding, "lost by rounding,", left, "of a cent to carry,", err)

	invoice := money.MustParse("29.97 USD")
	fmt.Println(invoice.Times(tax, money.HalfEven))
	// Output:
	// 2.16 USD on the lines, 0.01 USD lost by rounding, 0.2825 of a cent to carry, <nil>
	// 2.17 USD 0.2825 <nil>
}

func ExampleAmount_Allocate() {
	parts, err := money.MustParse("1027.59 USD").Allocate(20, 70, 5, 5)
	fmt.Println(parts, err)
	// Output: [205.52 USD 719.31 USD 51.38 USD 51.38 USD] <nil>
}

func ExampleAmount_Split() {
	parts, err := money.MustParse("100.00 USD").Split(3)
	fmt.Println(parts, err)
	// Output: [33.34 USD 33.33 USD 33.33 USD] <nil>
}
