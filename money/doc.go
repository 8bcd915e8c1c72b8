// Package money holds exact amounts of money: a whole number of a currency's
// smallest unit, together with that currency.
//
// The names to know are [Amount], [Currency], [Parse], [Rate] and
// [Amount.Allocate]:
//
//	price, err := money.Parse("25.00 USD")
//	total, err := price.Add(fee) // an error if fee is in another currency
//	tax, remainder, err := total.Times(rate, money.HalfEven)
//	shares, err := total.Allocate(20, 70, 5, 5)
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
// An [Of] has its currency in its type, such as Of[USD]: adding dollars to euros
// does not compile. [OfAmount] and [Of.Amount] lead from one form to the other.
//
// # Text
//
// The one written form is number, blank, currency: "25.00 USD", "-3 CHIP/0".
// What is printed has all decimals of the currency. What is read may have
// fewer; more are an error even when they are zeros, since nothing is rounded
// here. JSON, SQL and slog use the same text.
//
// # Rates and rounding
//
// A [Rate] is an exact fraction: "1.0825", "3/7", "8.25%". [Amount.Times] alone
// rounds. Its caller names the [Rounding], for there is no default, and gets
// back what the rounding left, so that it can be posted: product and remainder
// are the exact result.
//
// # Dividing
//
// [Amount.Allocate] divides by weights and [Amount.Split] into equal parts. The
// parts sum to the amount exactly, each is less than one unit away from its
// share, and who gets the odd units is settled: those that lost most, then the
// earlier ones.
//
// # What it does not do
//
// No function takes or returns a float. Nothing exchanges one currency for
// another: a rate changes the number and leaves the currency. There is no
// fraction of a smallest unit but in a remainder. What people of a locale expect
// to read is written by package money/format, and read by nobody.
package money
