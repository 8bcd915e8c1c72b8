package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// line is one line of a bookkeeper's script: a request and, after the last " = ", the answer that it must get.
//
//	# a remark
//	clock 2026-01-02T00:00:00Z
//	account users:1 USD [min=-50.00] [max=500.00] [nomin] = ok
//	transfer users:1 > shops:7 25.00 USD, users:1 > fees 0.25 USD [id=pay | attempt=pay] [ref=R7] [if=users:1>=30.00]
//	         [version=users:1:2] [notafter=TIME] [effective=TIME] [note=TEXT] = ok
//	batch 3                        the next three transfers in one call
//	balance users:1 [seq=4] [at=TIME] [effective=TIME] = 75.00 USD
//	statement users:1 = 100.00 -25.00
//	trial USD = 3 accounts 100.00 -100.00
//
// The word id names a thing, and the word attempt an attempt. The answer to a transfer or an account is "ok", "again"
// when its id was known with the same content, or the code and the field of an error.
type line struct {
	number int
	verb   string
	words  []string          // what follows the verb, without the options
	option map[string]string // name=value words
	want   string
}

// parseScript reads a script and names the first line that makes no sense.
func parseScript(text string) ([]line, error) {
	var lines []line
	for i, raw := range strings.Split(text, "\n") {
		raw = strings.TrimSpace(raw)
		if raw == "" || strings.HasPrefix(raw, "#") {
			continue
		}
		l, err := parseLine(raw)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		l.number = i + 1
		lines = append(lines, l)
	}
	return lines, nil
}

// verbs are the verbs of a script with the options that each takes. The verbs in silent get no answer.
var (
	verbs = map[string][]string{
		"clock": nil, "batch": nil, "statement": nil, "trial": nil,
		"account":  {"min", "max", "nomin"},
		"transfer": {"id", "attempt", "ref", "if", "version", "notafter", "effective", "note"},
		"balance":  {"seq", "at", "effective"},
	}
	silent = map[string]bool{"clock": true, "batch": true}
)

func parseLine(raw string) (line, error) {
	done, want, found := raw, "", false
	if i := strings.LastIndex(raw, " = "); i >= 0 {
		done, want, found = raw[:i], strings.TrimSpace(raw[i+3:]), true
	}
	words := strings.Fields(done)
	l := line{verb: words[0], option: map[string]string{}, want: want}
	options, known := verbs[l.verb]
	if !known {
		return l, fmt.Errorf("there is no verb %q", l.verb)
	}
	if found == silent[l.verb] || found && want == "" {
		return l, fmt.Errorf("%s comes to a result: %v", l.verb, !silent[l.verb])
	}
	for _, word := range words[1:] {
		name, value, isOption := strings.Cut(word, "=")
		if !isOption && word != "nomin" {
			l.words = append(l.words, word)
			continue
		}
		if _, twice := l.option[name]; twice || !slices.Contains(options, name) {
			return l, fmt.Errorf("%s takes no option %q here", l.verb, name)
		}
		l.option[name] = value
	}
	return l, nil
}

// opening is what an account line asks for.
func (l *line) opening() (o bursar.Opening, err error) {
	if len(l.words) != 2 {
		return o, fmt.Errorf("write: account PATH CURRENCY")
	}
	o.Path = l.words[0]
	if o.Currency, err = money.ParseCurrency(l.words[1]); err != nil {
		return o, err
	}
	_, o.NoMin = l.option["nomin"]
	for name, limit := range map[string]**money.Amount{"min": &o.Min, "max": &o.Max} {
		if text, ok := l.option[name]; ok {
			amount, err := money.ParseDecimal(text, o.Currency)
			if err != nil {
				return o, err
			}
			*limit = &amount
		}
	}
	return o, nil
}

// transfer is what a transfer line asks for.
func (l *line) transfer() (t bursar.Transfer, err error) {
	for part := range strings.SplitSeq(strings.Join(l.words, " "), ", ") {
		words := strings.Fields(part)
		if len(words) != 5 || words[1] != ">" {
			return t, fmt.Errorf("%q is no leg: write FROM > TO AMOUNT CURRENCY", part)
		}
		amount, err := money.Parse(words[3] + " " + words[4])
		if err != nil {
			return t, err
		}
		t.Legs = append(t.Legs, bursar.Leg{From: words[0], To: words[2], Amount: amount})
	}
	thing, isThing := l.option["id"]
	try, isAttempt := l.option["attempt"]
	switch {
	case isThing && isAttempt:
		return t, fmt.Errorf("a transfer is a thing or an attempt: write id=%s or attempt=%s", thing, try)
	case isThing:
		t.ID = bursar.IDOf("script", thing)
	case isAttempt:
		t.ID = attemptOf("script", try)
	}
	t.Reference = l.option["ref"]
	if note, ok := l.option["note"]; ok {
		t.Metadata = bursar.Metadata{"note": note}
	}
	if t.NotAfter, err = l.time("notafter"); err != nil {
		return t, err
	}
	if t.Effective, err = l.time("effective"); err != nil {
		return t, err
	}
	t.Conditions, err = l.conditions(t.Legs[0].Amount.Currency())
	return t, err
}

func (l *line) conditions(unit money.Currency) (list []bursar.Condition, err error) {
	if text, ok := l.option["if"]; ok {
		path, least, _ := strings.Cut(text, ">=")
		amount, err := money.ParseDecimal(least, unit)
		if err != nil {
			return nil, err
		}
		list = append(list, bursar.Condition{Path: path, AtLeast: &amount})
	}
	if text, ok := l.option["version"]; ok {
		i := strings.LastIndex(text, ":")
		var version int64
		if _, err := fmt.Sscanf(text[i+1:], "%d", &version); err != nil || i < 0 {
			return nil, fmt.Errorf("%q is no version: write PATH:NUMBER", text)
		}
		list = append(list, bursar.Condition{Path: text[:i], Version: &version})
	}
	return list, nil
}

func (l *line) time(name string) (t time.Time, err error) {
	if text, ok := l.option[name]; ok {
		t, err = time.Parse(time.RFC3339, text)
	}
	return t, err
}

// asOf is the point that a balance line asks for.
func (l *line) asOf() (asOf bursar.AsOf, err error) {
	if text, ok := l.option["seq"]; ok {
		if _, err := fmt.Sscanf(text, "%d", &asOf.Seq); err != nil {
			return asOf, err
		}
	}
	if asOf.At, err = l.time("at"); err != nil {
		return asOf, err
	}
	asOf.Effective, err = l.time("effective")
	return asOf, err
}
