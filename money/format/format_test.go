package format_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/language"

	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/money/format"
)

var cases = []example{
	{"en-US", "", "1234567.89 USD", "$1,234,567.89"},
	{"en-US", "accounting", "-1234.5 USD", "($1,234.50)"},
	{"en-CA", "", "25 USD", "US$25.00"},
	{"en-GB", "", "-1234.5 GBP", "-£1,234.50"},
	{"en-IN", "", "1234567.8 INR", "₹12,34,567.80"},
	{"de-DE", "", "1234.5 EUR", "1.234,50\u00a0€"},
	{"de-CH", "", "-1234.5 CHF", "CHF-1'234.50"},
	{"de-AT", "", "1234.5 EUR", "€\u00a01.234,50"},
	{"fr-FR", "", "1234567.5 EUR", "1\u202f234\u202f567,50\u00a0€"},
	{"fr-FR", "accounting", "-1234567.5 EUR", "(1\u202f234\u202f567,50\u00a0€)"},
	{"fr-CH", "", "1234.5 CHF", "1\u202f234.50\u00a0CHF"},
	{"es-ES", "", "1234.5 EUR", "1234,50\u00a0€"},
	{"es-ES", "", "12345.6 EUR", "12.345,60\u00a0€"},
	{"es-MX", "", "1234.5 MXN", "$1,234.50"},
	{"pt-BR", "", "-1234.5 BRL", "-R$\u00a01.234,50"},
	{"pt-PT", "", "1234.5 EUR", "1234,50\u00a0€"},
	{"pt-PT", "", "12345.6 EUR", "12\u00a0345,60\u00a0€"},
	{"it-IT", "", "12345.6 EUR", "12.345,60\u00a0€"},
	{"nl-NL", "", "-1234.5 EUR", "€\u00a0-1.234,50"},
	{"nl-NL", "accounting", "-1234.5 EUR", "(€\u00a01.234,50)"},
	{"sv-SE", "", "-1234.5 SEK", "−1\u00a0234,50\u00a0kr"},
	{"nb-NO", "", "-1234.5 NOK", "−1\u00a0234,50\u00a0kr"},
	{"da-DK", "", "1234.5 DKK", "1.234,50\u00a0kr."},
	{"fi-FI", "", "-1234.5 EUR", "−1\u00a0234,50\u00a0€"},
	{"pl-PL", "", "1234.5 PLN", "1234,50\u00a0zł"},
	{"pl-PL", "", "12345.6 PLN", "12\u00a0345,60\u00a0zł"},
	{"cs-CZ", "", "1234.5 CZK", "1\u00a0234,50\u00a0Kč"},
	{"sk-SK", "", "1234.5 EUR", "1\u00a0234,50\u00a0€"},
	{"hu-HU", "", "12345 HUF", "12\u00a0345,00\u00a0Ft"},
	{"ro-RO", "", "1234.5 RON", "1.234,50\u00a0RON"},
	{"bg-BG", "", "12345.6 EUR", "12\u00a0345,60\u00a0€"},
	{"ru-RU", "", "1234.5 RUB", "1\u00a0234,50\u00a0₽"},
	{"uk-UA", "", "1234.5 UAH", "1\u00a0234,50\u00a0₴"},
	{"tr-TR", "", "1234.5 TRY", "₺1.234,50"},
	{"el-GR", "", "1234.5 EUR", "1.234,50\u00a0€"},
	{"he-IL", "", "-1234.5 ILS", "\u200f\u200e-1,234.50\u00a0\u200f₪"},
	{"ar-EG", "", "-1234.5 EGP", "\u061c-\u200f١٬٢٣٤٫٥٠\u00a0ج.م.\u200f"},
	{"fa-IR", "", "1234567 IRR", "\u200eریال\u00a0۱٬۲۳۴٬۵۶۷٫۰۰"},
	{"hi-IN", "", "1234567.8 INR", "₹12,34,567.80"},
	{"bn-BD", "accounting", "-1234567.8 BDT", "(১২,৩৪,৫৬৭.৮০৳)"},
	{"th-TH", "", "1234.5 THB", "฿1,234.50"},
	{"vi-VN", "", "1234567 VND", "1.234.567\u00a0₫"},
	{"id-ID", "", "1234567 IDR", "Rp\u00a01.234.567,00"},
	{"ja-JP", "accounting", "-1234567 JPY", "(￥1,234,567)"},
	{"zh-CN", "", "1234.5 CNY", "¥1,234.50"},
	{"zh-TW", "", "1234.5 TWD", "$1,234.50"},
	{"ko-KR", "", "1234567 KRW", "₩1,234,567"},
	{"my-MM", "", "1234.5 MMK", "၁,၂၃၄.၅၀\u00a0K"},
	{"ur-PK", "", "-1234.5 PKR", "\u200e-Rs\u00a01,234.50"},
	{"mr-IN", "", "1234567.8 INR", "₹१,२३४,५६७.८०"},
	{"de-LI", "", "1234.5 CHF", "CHF\u00a01'234.50"},
	{"et-EE", "", "12345.6 EUR", "12\u00a0345,60\u00a0€"},
	{"lv-LV", "", "1234.5 EUR", "1234,50\u00a0€"},
	{"lt-LT", "", "-1234.5 EUR", "−1\u00a0234,50\u00a0€"},
	{"sl-SI", "", "-12345.6 EUR", "−12.345,60\u00a0€"},
	{"hr-HR", "", "1234.5 EUR", "1.234,50\u00a0€"},
	{"sr-Latn-RS", "", "1234.5 RSD", "1.234,50\u00a0RSD"},
	{"en-ZA", "", "1234.5 ZAR", "R\u00a01\u00a0234,50"},
	{"fr-CA", "", "1234.5 CAD", "1\u00a0234,50\u00a0$"},
	{"es-AR", "", "-1234.5 ARS", "-$\u00a01.234,50"},
	{"ca-ES", "", "1234.5 EUR", "1.234,50\u00a0€"},
	{"ms-MY", "", "1234.5 MYR", "RM\u00a01,234.50"},
	{"fil-PH", "", "1234.5 PHP", "₱1,234.50"},
	{"sw-KE", "", "1234.5 KES", "Ksh\u00a01,234.50"},
	{"en-SE", "", "1234.5 EUR", "€1,234.50"},
	{"en-SE", "", "1234.5 SEK", "1\u00a0234,50\u00a0kr"},
	{"zh-HK", "", "1234.5 HKD", "HK$1,234.50"},
	{"ne-NP", "", "1234567.8 NPR", "नेरू\u00a0१२,३४,५६७.८०"},
	// What the options change.
	{"en-US", "code", "1234.5 USD", "USD\u00a01,234.50"},
	{"en-US", "code accounting", "-1234.5 USD", "(USD\u00a01,234.50)"},
	{"en-US", "", "1234.5 CAD", "CA$1,234.50"},
	{"en-US", "narrow", "1234.5 CAD", "$1,234.50"},
	{"en-US", "", "1234.5 CHF", "CHF\u00a01,234.50"},
	{"en-US", "none", "1234.5 USD", "1,234.50"},
	{"en-US", "none", "-1234.5 USD", "-1,234.50"},
	{"en-US", "none accounting", "-1234.5 USD", "(1,234.50)"},
	{"en-US", "plus", "1234.5 USD", "+$1,234.50"},
	{"en-US", "plus accounting", "1234.5 USD", "+$1,234.50"},
	{"en-US", "plus accounting", "-1234.5 USD", "($1,234.50)"},
	{"en-US", "unsigned", "-1234.5 USD", "$1,234.50"},
	{"en-US", "unsigned accounting", "-1234.5 USD", "$1,234.50"},
	{"en-US", "plus", "0 USD", "$0.00"},
	{"en-US", "accounting", "0 USD", "$0.00"},
	{"en-US", "ungrouped", "1234567.5 USD", "$1234567.50"},
	{"de-DE", "ungrouped", "1234567.5 EUR", "1234567,50\u00a0€"},
	{"de-DE", "code", "1234.5 EUR", "1.234,50\u00a0EUR"},
	{"de-DE", "none", "1234.5 EUR", "1.234,50"},
	{"de-CH", "none", "-1234.5 CHF", "-1'234.50"},
	{"nl-NL", "none", "-1234.5 EUR", "-1.234,50"},
	{"he-IL", "none", "1234.5 ILS", "\u200f1,234.50"},
	{"hi-IN", "plus accounting", "-1234567.8 INR", "-₹12,34,567.80"},
	{"ar-EG", "none", "1234.5 EGP", "\u200f١٬٢٣٤٫٥٠"},
	{"ar-EG-u-nu-latn", "none", "1234.5 EGP", "\u200f1,234.50"},
	{"fa-IR", "plus", "-1234.5 USD", "\u200e−\u200e$۱٬۲۳۴٫۵۰"},

	// Decimals are those of ISO 4217, of which CLDR knows cash usage.
	{"en-US", "", "5 JPY", "¥5"},
	{"en-US", "", "5 KWD", "KWD\u00a05.000"},
	{"en-US", "", "5 CLF", "CLF\u00a05.0000"},
	{"en-US", "", "5 IQD", "IQD\u00a05.000"},
	{"de-DE", "", "5 HUF", "5,00\u00a0HUF"},

	// Currencies younger than many tables.
	{"en-US", "", "1 MRU", "MRU\u00a01.00"},
	{"en-US", "", "1 SLE", "SLE\u00a01.00"},
	{"en-SL", "", "1 SLE", "Le\u00a01.00"},
	{"es-UY", "", "1 UYW", "UP\u00a01,0000"},
	{"es-VE", "", "1 VED", "VED\u00a01,00"},
	{"es-VE", "", "1 VES", "Bs.S\u00a01,00"},
	{"nl-CW", "", "1 XCG", "Cg.\u00a01,00"},
	{"en-ZW", "", "1 ZWG", "ZWG\u00a01.00"},

	// An escudo stands where the decimal mark does, with a symbol of no width.
	{"pt-CV", "", "1234.5 CVE", "1234$50\u00a0\u200b"},
	{"pt-CV", "", "12345.6 EUR", "12\u00a0345,60\u00a0€"},

	// Declared assets show their code, and all of their decimals.
	{"en-US", "", "25 CHIP/0", "CHIP\u00a025"},
	{"en-US", "accounting", "-25 CHIP/0", "(CHIP\u00a025)"},
	{"de-DE", "", "1234.5 BTC/8", "1.234,50000000\u00a0BTC"},
	{"fr-FR", "narrow", "0.000000000000000001 ETH/18", "0,000000000000000001\u00a0ETH"},
	{"en-US", "narrow", "1 US.D/2", "US.D\u00a01.00"},

	// 36 digits.
	{"en-US", "", "-9999999999999999999999999999999999.99 USD", "-$9,999,999,999,999,999,999,999,999,999,999,999.99"},
	{
		"hi-IN", "none", "123456789012345678901234567890123456 CHIP/0",
		"1,23,45,67,89,01,23,45,67,89,01,23,45,67,89,01,23,456",
	},
	{"my-MM", "none", "999999.999999999999999999999999999999 X/30", "၉၉၉,၉၉၉.၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉၉"},

	// What a locale may look like.
	{"en_US", "", "1 USD", "$1.00"},
	{"EN-us", "", "1 USD", "$1.00"},
	{"iw", "none", "1 ILS", "\u200f1.00"},
	{"sr-ME", "", "1 EUR", "1,00\u00a0€"},
	{"zh-Hant-HK", "", "1 HKD", "HK$1.00"},
	{"en-AQ", "", "1 USD", "$1.00"},
	{"de-DE-1996", "", "1 EUR", "1,00\u00a0€"},
	{"en-US-u-cu-eur", "", "1 USD", "$1.00"},
	{"lkt", "", "1 USD", "US$\u00a01.00"},
	{"und", "", "-1 EUR", "-€\u00a01.00"},
}

func TestFormat(t *testing.T) {
	t.Parallel()
	locales := make(map[string]bool)
	for _, c := range cases {
		locales[c.locale] = true
		f, err := format.New(c.locale, optionsOf(c.options))
		if err != nil {
			t.Error(err)
			continue
		}
		a := money.MustParse(c.amount)
		if got := f.Format(a); got != c.text {
			t.Errorf("%s, %q: %s = %+q, want %+q", c.locale, c.options, a, got, c.text)
		}
		if got := string(f.Append([]byte("x "), a)); got != "x "+c.text {
			t.Errorf("%s, %q: Append(%s) = %+q", c.locale, c.options, a, got)
		}
	}
	t.Logf("%d cases in %d locales", len(cases), len(locales))
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		locale  string
		options format.Options
		kind    error
		text    string
	}{
		{locale: "", kind: format.ErrLocale,
			text: `format: unknown locale "": it is no BCP 47 tag; write one such as en-GB`},
		{locale: "C", kind: format.ErrLocale,
			text: `format: unknown locale "C": it is no BCP 47 tag; write one such as en-GB`},
		{locale: "en-US.UTF-8", kind: format.ErrLocale,
			text: `format: unknown locale "en-US.UTF-8": it is no BCP 47 tag; write one such as en-GB`},
		{locale: "xx-DE", kind: format.ErrLocale,
			text: `format: unknown locale "xx-DE": there is no language, script or country xx`},
		{locale: "en-ZQQ", kind: format.ErrLocale,
			text: `format: unknown locale "en-ZQQ": there is no language, script or country zqq`},
		{locale: "tlh", kind: format.ErrLocale,
			text: `format: unknown locale "tlh": nothing is known about how this language writes money`},
		{locale: "th-u-nu-thai", kind: format.ErrLocale,
			text: `format: unknown locale "th-u-nu-thai": digits of thai are not offered;` +
				` leave -u-nu- out, or write -u-nu-latn`},
		{locale: strings.Repeat("en-", 1000), kind: format.ErrLocale,
			text: `format: unknown locale "en-en-en-en-en-en-en-en-en-en-en"...: it is longer than 64 bytes`},
		{locale: "en", options: format.Options{Currency: 4}, kind: format.ErrOptions,
			text: "format: unknown option: Currency 4, Sign 0; take the constants of package format"},
		{locale: "en", options: format.Options{Sign: 3}, kind: format.ErrOptions,
			text: "format: unknown option: Currency 0, Sign 3; take the constants of package format"},
	}
	for _, tt := range tests {
		f, err := format.New(tt.locale, &tt.options)
		if f != nil || !errors.Is(err, tt.kind) {
			t.Errorf("New(%q) = %v, %v, want %v", tt.locale, f, err, tt.kind)
			continue
		}
		if diff := cmp.Diff(tt.text, err.Error()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWithoutLocaleOrCurrency(t *testing.T) {
	t.Parallel()
	a := money.MustParse("-1234.5 USD")
	var none *format.Formatter
	for _, f := range []*format.Formatter{none, {}} {
		if got := f.Format(a); got != a.String() {
			t.Errorf("Format = %q, want %q", got, a)
		}
	}
	f, err := format.New("de-DE", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Format(money.Amount{}), (money.Amount{}).String(); got != want {
		t.Errorf("Format = %q, want %q", got, want)
	}
}

// known lists the tags that x/text has locale data for.
func known() []string {
	var tags []string
	seen := make(map[int]bool)
	add := func(parts ...any) bool {
		tag, err := language.Compose(parts...)
		i, exact := language.CompactIndex(tag)
		if err != nil || !exact || seen[i] {
			return false
		}
		seen[i] = true
		tags = append(tags, tag.String())
		return true
	}
	regions := language.Supported.Regions()
	for _, base := range language.Supported.BaseLanguages() {
		if !add(base) {
			continue
		}
		for _, region := range regions {
			add(base, region)
		}
		for _, script := range language.Supported.Scripts() {
			if !add(base, script) {
				continue
			}
			for _, region := range regions {
				add(base, script, region)
			}
		}
	}
	return tags
}

func TestEveryLocale(t *testing.T) {
	t.Parallel()
	tags := known()
	a := money.MustParse("-1234567.89 EUR")
	for _, tag := range tags {
		for _, options := range []string{"", "accounting", "narrow", "code", "none"} {
			f, err := format.New(tag, optionsOf(options))
			if err != nil {
				t.Error(err)
				break
			}
			if got := f.Format(a); len(got) < len("1234567.89") {
				t.Errorf("%s: Format(%s) = %q", tag, a, got)
			}
		}
	}
	t.Logf("%d locales", len(tags))
	if len(tags) < 750 {
		t.Errorf("%d locales were found, want 750 or more", len(tags))
	}
}

func TestAllocations(t *testing.T) {
	f, err := format.New("hi-IN", nil)
	if err != nil {
		t.Fatal(err)
	}
	a := money.MustParse("1234567.89 INR")
	buf := make([]byte, 0, 128)
	if n := testing.AllocsPerRun(100, func() { buf = f.Append(buf[:0], a) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = f.Format(a) }); n > 1 {
		t.Errorf("Format allocates %v times", n)
	}
}

func FuzzNew(f *testing.F) {
	for _, c := range cases {
		f.Add(c.locale)
	}
	a := money.MustParse("-1234567.89 EUR")
	f.Fuzz(func(t *testing.T, locale string) {
		formatter, err := format.New(locale, nil)
		if err != nil {
			if !errors.Is(err, format.ErrLocale) {
				t.Errorf("New(%q): %v", locale, err)
			}
			return
		}
		if got := formatter.Format(a); got == "" {
			t.Errorf("New(%q) writes nothing", locale)
		}
	})
}
