package money_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/money"
)

func Example() {
	price, err := money.Parse("25.00 USD")
	if err != nil {
		fmt.Println(err)
		return
	}
	fee := money.MustParse("0.75 USD")
	total, err := price.Add(fee)
	fmt.Println(total, err)

	_, err = total.Add(money.MustParse("3 CHIP/0"))
	fmt.Println(errors.Is(err, money.ErrMismatch))
	// Output:
	// 25.75 USD <nil>
	// true
}

func ExampleParse() {
	for _, text := range []string{"25 USD", "0.5 BTC/8", "10.999 USD", "1,000.00 USD", "1e2 USD", "25 CHIP"} {
		amount, err := money.Parse(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(amount)
	}
	// Output:
	// 25.00 USD
	// 0.50000000 BTC/8
	// amount "10.999 USD": USD has 2 decimals, not 3; round it first
	// amount "1,000.00 USD": , is not written in a number; write digits and one point, such as 1000.00
	// amount "1e2 USD": exponents are not read; write all the digits
	// amount "25 CHIP": CHIP is not in ISO 4217; write an asset of your own with its scale, such as CHIP/2
}

func ExampleFromUnits() {
	yen, err := money.Lookup("JPY")
	if err != nil {
		fmt.Println(err)
		return
	}
	dinar, err := money.Lookup("KWD")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(money.FromUnits(2500, yen))
	fmt.Println(money.FromUnits(2500, dinar))
	// Output:
	// 2500 JPY
	// 2.500 KWD
}

func ExampleDeclare() {
	ether, err := money.Declare("ETH", 18)
	if err != nil {
		fmt.Println(err)
		return
	}
	wei := money.FromUnits(1, ether)
	fmt.Println(wei)
	// Output: 0.000000000000000001 ETH/18
}

func ExampleRegistry() {
	chip, err := money.Declare("CHIP", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	registry, err := money.NewRegistry(chip)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(registry.Parse("25 CHIP"))
	// Output: 25 CHIP/0 <nil>
}

func ExampleAmount_UnmarshalJSON() {
	var order struct{ Total money.Amount }
	fmt.Println(json.Unmarshal([]byte(`{"Total": "12.50 EUR"}`), &order), order.Total)
	fmt.Println(json.Unmarshal([]byte(`{"Total": 12.5}`), &order))
	// Output:
	// <nil> 12.50 EUR
	// amount "12.5": a JSON number is not read; write a string with the currency, such as "25.00 USD"
}

func ExampleAmount_Format() {
	fmt.Printf("%+14s\n", money.MustParse("25 USD"))
	fmt.Printf("%+14s\n", money.MustParse("-3.5 USD"))
	// Output:
	//     +25.00 USD
	//      -3.50 USD
}
