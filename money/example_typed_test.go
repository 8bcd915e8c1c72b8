package money_test

import (
	"fmt"

	"github.com/bursar-ledger/bursar/money"
)

// A currency type of one's own is these three lines.
var chip = money.MustDeclare("CHIP", 0)

type CHIP struct{}

func (CHIP) Currency() money.Currency { return chip }

func ExampleUnit() {
	stack := money.MustParseOf[CHIP]("100 CHIP/0")
	bet := money.OfUnits[CHIP](25)
	rest, err := stack.Sub(bet) // stack.Sub(dollars) does not compile
	fmt.Println(rest, err)
	// Output: 75 CHIP/0 <nil>
}

func ExampleOf() {
	price := money.MustParseOf[money.USD]("25.00 USD")
	fee := money.OfUnits[money.USD](75)
	total, err := price.Add(fee)
	fmt.Println(total, err, total.Cmp(price))

	var nothing money.Of[money.EUR]
	fmt.Println(nothing)

	dollars, err := money.OfAmount[money.USD](money.MustParse("3 EUR"))
	fmt.Println(dollars, err)
	// Output:
	// 25.75 USD <nil> 1
	// 0.00 EUR
	// 0.00 USD typed amount "3.00 EUR": it is not in USD; exchange it first
}
