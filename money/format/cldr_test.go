package format_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/money/format"
)

// apart says why an example is written in another way than ICU's, or "".
func apart(name string, a money.Amount) string {
	if (name == "pt-CV" || name == "kea-CV") && a.Currency().Code() != "CVE" {
		return "ICU takes the sign of the escudo for the decimal mark of all other money too"
	}
	return ""
}

// example is a line of testdata/cldr.tsv.
type example struct {
	locale, options, amount, text string
}

func readExamples(t *testing.T) []example {
	t.Helper()
	data, err := os.ReadFile("testdata/cldr.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var examples []example
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(column) != 4 {
			t.Fatalf("%q has %d columns", line, len(column))
		}
		text, err := strconv.Unquote(column[3])
		if err != nil {
			t.Fatal(line, err)
		}
		examples = append(examples, example{locale: column[0], options: column[1], amount: column[2], text: text})
	}
	return examples
}

func optionsOf(words string) *format.Options {
	var o format.Options
	for word := range strings.FieldsSeq(words) {
		switch word {
		case "accounting":
			o.Accounting = true
		case "code":
			o.Currency = format.Code
		case "narrow":
			o.Currency = format.NarrowSymbol
		case "none":
			o.Currency = format.NumberOnly
		case "plus":
			o.Sign = format.SignAlways
		case "unsigned":
			o.Sign = format.SignNever
		case "ungrouped":
			o.Ungrouped = true
		}
	}
	return &o
}

// TestAgreesWithCLDR compares with what another implementation writes, in every
// locale that has a row in the table.
func TestAgreesWithCLDR(t *testing.T) {
	t.Parallel()
	examples := readExamples(t)
	differ := make(map[string]int)
	for _, e := range examples {
		f, err := format.New(e.locale, optionsOf(e.options))
		if err != nil {
			t.Error(err)
			continue
		}
		a := money.MustParse(e.amount)
		got := f.Format(a)
		if why := apart(e.locale, a); why != "" && got != e.text {
			differ[why]++
			continue
		}
		if got != e.text {
			t.Errorf("%s, %s: %s = %+q, want %+q", e.locale, e.options, a, got, e.text)
		}
	}
	t.Logf("%d examples", len(examples))
	for why, count := range differ {
		t.Logf("%d differ: %s", count, why)
	}
	if len(examples) < 2900 || len(differ) != 1 {
		t.Errorf("%d examples and %d reasons to differ, want 2900 or more and 1", len(examples), len(differ))
	}
}
