// Package money holds exact amounts of money: a whole number of a currency's
// smallest unit, together with that currency.
//
// The names to know are [Amount], [Currency] and [Parse]:
//
//	price, err := money.Parse("25.00 USD")
//	total, err := price.Add(fee) // an error if fee is in another currency
//
// # Amounts
//
// The count of units lies strictly between -10^36 and 10^36. A result outside
// of that is an error, never a wrap. It is held as two int64 in base 10^18,
// value = hi*10^18 + lo, both of one sign; the same pair goes into a database
// and into the journal, where comparing (hi, lo) is comparing the amounts.
//
// An amount is a small immutable value. It may be copied, used as a map key,
// compared with == and shared between goroutines. Zero of one currency is not
// zero of another, and the zero Amount, which has no currency, takes part in
// no arithmetic.
//
// # Currencies
//
// A currency is either one of ISO 4217 (USD, JPY, BHD) or an asset that you
// declare by a code and a number of decimals (CHIP/0, BTC/8, ETH/18). There is
// no list of declared assets behind your back: the text of an asset carries
// its own scale, so that whoever reads it needs nothing else. A [Registry],
// which an application owns, lets people write the bare code.
//
// # Text
//
// The one written form is number, blank, currency: "25.00 USD", "-3 CHIP/0".
// What is printed has all decimals of the currency. What is read may have
// fewer; more are an error even when they are zeros, since nothing is rounded
// here. JSON, SQL and slog use the same text.
//
// # What it does not do
//
// No function takes or returns a float. There is no locale formatting, no
// symbol ("$"), and no conversion between currencies.
package money
