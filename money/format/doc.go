// Package format writes amounts of money as people of a language and a country
// expect them:
//
//	german, err := format.New("de-DE", nil)
//	german.Format(price) // 1.234,50 €
//
// The names to know are [New], [Options] and [Formatter]. A formatter knows the
// grouping and decimal marks, the digits, the minus sign, the symbol of each
// currency, its side and its spacing. All decimals of the currency are written,
// as ISO 4217 or the declaration of the asset says, and no digit is computed:
// an amount of 36 digits is written as exactly as one of three.
//
// # Locales
//
// A locale is a BCP 47 tag such as "pt-BR" or "zh-Hant-HK". One that is not
// known in full is written as its language is. The extension -u-nu-latn asks
// for digits 0 to 9 where others are usual; other extensions change nothing.
// The data is that of the Unicode CLDR, in cldr.go.
//
// # Text
//
// The text is for reading. It holds no-break spaces, and in languages that are
// written from right to left invisible direction marks; a locale may change how
// it writes from one version of this package to the next. Compare, store and
// send [money.Amount.String] instead.
//
// # What it does not do
//
// It reads nothing: [money.Parse] does. It neither rounds nor shortens, writes
// no currency in words ("US dollars"), and does not choose a locale.
package format
