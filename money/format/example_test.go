package format_test

import (
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/money/format"
)

// visible shows the spaces that no line breaks at.
func visible(text string) string {
	return strings.NewReplacer("\u00a0", "_", "\u202f", "_").Replace(text)
}

func Example() {
	price := money.MustParse("1234567.5 EUR")
	for _, locale := range []string{"en-IE", "en-IN", "de-DE", "fr-FR", "nl-NL", "bn-BD"} {
		f, err := format.New(locale, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(locale, visible(f.Format(price)))
	}
	// Output:
	// en-IE €1,234,567.50
	// en-IN €12,34,567.50
	// de-DE 1.234.567,50_€
	// fr-FR 1_234_567,50_€
	// nl-NL €_1.234.567,50
	// bn-BD ১২,৩৪,৫৬৭.৫০€
}

func ExampleOptions() {
	loss := money.MustParse("-1234.5 CAD")
	for _, o := range []*format.Options{
		nil,
		{Currency: format.NarrowSymbol},
		{Currency: format.Code},
		{Accounting: true},
		{Accounting: true, Currency: format.NumberOnly, Ungrouped: true},
		{Sign: format.SignNever},
	} {
		f, err := format.New("en-US", o)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(visible(f.Format(loss)))
	}
	// Output:
	// -CA$1,234.50
	// -$1,234.50
	// -CAD_1,234.50
	// (CA$1,234.50)
	// (1234.50)
	// CA$1,234.50
}

func ExampleFormatter_Append() {
	f, err := format.New("de-CH", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	line := []byte("Total: ")
	line = f.Append(line, money.MustParse("1234.5 CHF"))
	fmt.Println(visible(string(line)))
	// Output: Total: CHF_1'234.50
}
