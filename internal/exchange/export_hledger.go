package exchange

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// hledgerWriter writes a journal that hledger reads to the same balances: one transaction for each transfer, with both
// sides of every leg written out, so that hledger infers nothing.
type hledgerWriter struct {
	out      *bufio.Writer
	declared map[money.Currency]bool
}

func newHledgerWriter(out *bufio.Writer) *hledgerWriter {
	return &hledgerWriter{out: out, declared: make(map[money.Currency]bool)}
}

func (w *hledgerWriter) begin(book bursar.Book) error {
	fmt.Fprintf(w.out, "; book %s %v\n", book.Name, bursar.ID(book.UUID))
	_, err := w.out.WriteString("decimal-mark .\n")
	return err
}

func (w *hledgerWriter) end() error { return nil }

// open declares the account, so that one without entries is known too.
func (w *hledgerWriter) open(e *bursar.Entry) error {
	w.declare(e.Amount.Currency())
	_, err := fmt.Fprintf(w.out, "\naccount %s  ; bursar-opened:%v, bursar-currency:%v\n", e.To, e.At, e.Amount.Currency())
	return err
}

// declare writes how a currency is printed before it is first used.
func (w *hledgerWriter) declare(c money.Currency) {
	if w.declared[c] {
		return
	}
	w.declared[c] = true
	fmt.Fprintf(w.out, "\ncommodity 1000.%s %s\n", strings.Repeat("0", c.Scale()), commodity(c))
}

// commodity is the currency's symbol. hledger wants quotes around all but letters.
func commodity(c money.Currency) string {
	symbol := c.String()
	if strings.ContainsFunc(symbol, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return `"` + symbol + `"`
	}
	return symbol
}

func (w *hledgerWriter) transfer(t *exported) error {
	first, last := &t.legs[0], &t.legs[len(t.legs)-1]
	for i := range t.legs {
		w.declare(t.legs[i].Amount.Currency())
	}
	date, description := last.At.Time().Format("2006-01-02"), t.reference
	if first.Backdated {
		date = first.Effective.Time().Format("2006-01-02") + "=" + date
	}
	if description == "" {
		description = first.Transfer.String()
	}
	fmt.Fprintf(w.out, "\n%s * (%d) %s\n", date, last.Seq, descriptionText(description))
	w.tag("bursar-id", first.Transfer.String())
	w.tag("bursar-at", last.At.String())
	if first.Backdated {
		w.tag("bursar-effective", first.Effective.String())
	}
	if t.reference != "" {
		w.tag("bursar-reference", t.reference)
	}
	for _, key := range slices.Sorted(maps.Keys(t.metadata)) {
		w.tag(tagName(key), t.metadata[key])
	}
	for i := range t.legs {
		e := &t.legs[i]
		w.posting(e.From, e.Amount.Neg())
		w.posting(e.To, e.Amount)
	}
	return w.flushed()
}

func (w *hledgerWriter) tag(name, value string) {
	fmt.Fprintf(w.out, "    ; %s:%s\n", name, tagValue(value))
}

func (w *hledgerWriter) posting(account string, amount money.Amount) {
	fmt.Fprintf(w.out, "    %s  %s %s\n", account, amount.Decimal(), commodity(amount.Currency()))
}

// flushed is the first error of the writes before; a bufio.Writer keeps it.
func (w *hledgerWriter) flushed() error {
	_, err := w.out.Write(nil)
	return err
}

// descriptionText is text for the first line of a transaction, where a semicolon begins a comment. The tag
// bursar-reference has the exact text.
func descriptionText(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, ";", ",")), " ")
}

// tagValue percent-encodes what would end a tag's value or be trimmed from it: commas, line ends and other control
// characters, blanks at either end, and the percent sign itself.
func tagValue(s string) string {
	return percent(s, func(i int, r rune) bool {
		edge := i == 0 || i == len(s)-utf8.RuneLen(r)
		return r == ',' || r == '%' || !unicode.IsPrint(r) && r != ' ' || edge && unicode.IsSpace(r)
	})
}

// tagName percent-encodes all but letters, digits, - and _. The two names that mean something to hledger get a prefix.
func tagName(s string) string {
	if s == "date" || s == "date2" {
		return "meta-" + s
	}
	return percent(s, func(_ int, r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
	})
}

func percent(s string, escape func(i int, r rune) bool) string {
	var b strings.Builder
	for i, r := range s {
		if !escape(i, r) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
