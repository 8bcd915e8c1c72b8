package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// decoder reads a JSON body field by field. The grammar is encoding/json's; the strictness is ours, because
// Unmarshal takes keys in any case, the last of two equal ones, and repairs text that is not UTF-8.
//
// There are two kinds of error. What breaks the structure (syntax, an unknown or repeated field, a value of the
// wrong type) ends the reading, and is returned. A text in the right place that says nothing useful, such as an
// amount of "ten", is kept as the fault while the reading goes on: so a batch loses one transfer and not all, and
// malformed comes before everything else, as in the error table.
type decoder struct {
	body  []byte
	json  *json.Decoder
	path  []step
	base  int // where fields of faults begin: the path to the transfer within a batch is left out
	fault error
}

// step is one part of the path to a value: a field or, with an empty name, an index.
type step struct {
	name  string
	index int
}

// decode reads one JSON object, and nothing after it.
func decode(body []byte, read func(d *decoder) error) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return malformed("", "the body is empty: send a JSON object")
	}
	if !utf8.Valid(body) {
		return malformed("", "the body is not UTF-8")
	}
	d := &decoder{body: body, json: json.NewDecoder(bytes.NewReader(body))}
	d.json.UseNumber()
	if err := read(d); err != nil {
		return err
	}
	if _, err := d.json.Token(); err != io.EOF {
		return malformed("", "there is something after the JSON object, at byte %d", d.json.InputOffset())
	}
	return d.fault
}

// object reads an object. read is called with each key, to read its value or to answer errUnknown.
func (d *decoder) object(read func(key string) error) error {
	if err := d.open('{', "an object"); err != nil {
		return err
	}
	var seen [16]string
	known := seen[:0]
	for d.json.More() {
		key, err := d.text()
		if err != nil {
			return err
		}
		d.path = append(d.path, step{name: key})
		if slices.Contains(known, key) {
			return d.malformed("the field comes twice")
		}
		known = append(known, key)
		if err := read(key); err != nil {
			if err == errUnknown {
				return d.malformed("there is no such field here")
			}
			return err
		}
		d.path = d.path[:len(d.path)-1]
	}
	_, err := d.token()
	return err
}

// errUnknown is what a reader of fields answers to a name that it does not know.
var errUnknown = errors.New("unknown field")

// array reads an array. read is called for each element, to read it.
func (d *decoder) array(read func(i int) error) error {
	if err := d.open('[', "an array"); err != nil {
		return err
	}
	for i := 0; d.json.More(); i++ {
		d.path = append(d.path, step{index: i})
		if err := read(i); err != nil {
			return err
		}
		d.path = d.path[:len(d.path)-1]
	}
	_, err := d.token()
	return err
}

func (d *decoder) open(delim json.Delim, want string) error {
	t, err := d.token()
	if err == nil && t != delim {
		err = d.mistyped(t, want)
	}
	return err
}

// text reads a string.
func (d *decoder) text() (string, error) {
	began := d.json.InputOffset()
	t, err := d.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", d.mistyped(t, "a string")
	}
	if strings.ContainsRune(s, utf8.RuneError) && halfSurrogate(d.body[began:d.json.InputOffset()]) {
		return "", d.malformed("the string has half a surrogate pair, which is no character")
	}
	return s, nil
}

// integer reads a whole number.
func (d *decoder) integer() (int64, error) {
	t, err := d.token()
	if err != nil {
		return 0, err
	}
	digits, ok := t.(json.Number)
	if !ok {
		return 0, d.mistyped(t, "a whole number")
	}
	n, err := strconv.ParseInt(digits.String(), 10, 64)
	if err != nil {
		return 0, d.malformed("%s is not a whole number of 64 bits", brief.Text(digits.String()))
	}
	return n, nil
}

// amount reads money: a string with its currency. A JSON number is refused even where it looks exact, because the
// programs that write and read it turn it into a float.
func (d *decoder) amount() (money.Amount, error) {
	a, _, err := d.amountOr("")
	return a, err
}

// amountOr reads money, or the word in its place.
func (d *decoder) amountOr(word string) (a money.Amount, isWord bool, err error) {
	t, err := d.token()
	if err != nil {
		return a, false, err
	}
	switch t := t.(type) {
	case string:
		if t == word && word != "" {
			return a, true, nil
		}
		return d.parseAmount(t), false, nil
	case json.Delim:
		return a, false, d.mistyped(t, "a string")
	case json.Number:
		d.reject(bursar.Errorf(bursar.CodeAmountInvalid, `%s is a JSON number: send a string with the currency, such as "25.00 USD"`, brief.Text(t.String())))
	default:
		d.reject(bursar.Errorf(bursar.CodeAmountInvalid, `%s is no amount: send a string, such as "25.00 USD"`, literal(t)))
	}
	return a, false, nil
}

func (d *decoder) parseAmount(text string) money.Amount {
	a, err := money.Parse(text)
	if err != nil {
		d.reject(coded.Error(err))
	}
	return a
}

// instant reads a time.
func (d *decoder) instant() (at bursar.Instant, err error) {
	text, err := d.text()
	if err == nil {
		d.reject(at.UnmarshalText([]byte(text)))
	}
	return at, err
}

// uuid reads an id.
func (d *decoder) uuid() (bursar.ID, error) {
	text, err := d.text()
	if err != nil {
		return bursar.ID{}, err
	}
	id, err := bursar.ParseID(text)
	d.reject(err)
	return id, nil
}

// metadata reads an object of strings.
func (d *decoder) metadata() (bursar.Metadata, error) {
	if err := d.open('{', "an object of strings"); err != nil {
		return nil, err
	}
	m := bursar.Metadata{}
	for d.json.More() {
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		d.path = append(d.path, step{name: key})
		if _, twice := m[key]; twice {
			return nil, d.malformed("the field comes twice")
		}
		if m[key], err = d.text(); err != nil {
			return nil, err
		}
		d.path = d.path[:len(d.path)-1]
	}
	_, err := d.token()
	return m, err
}

func (d *decoder) token() (json.Token, error) {
	t, err := d.json.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return t, nil
	case errors.As(err, &syntax):
		return nil, d.malformed("this is not JSON at byte %d: %v", syntax.Offset, syntax)
	default:
		return nil, d.malformed("the JSON ends too early")
	}
}

// reject keeps the first error about a value. nil is no error.
func (d *decoder) reject(err error) {
	if err == nil || d.fault != nil {
		return
	}
	named := bursar.Error{Code: bursar.CodeOf(err), Message: err.Error()}
	var coded *bursar.Error
	if errors.As(err, &coded) {
		named = *coded
	}
	named.Field = d.field(d.base)
	d.fault = &named
}

func (d *decoder) malformed(format string, args ...any) error {
	return malformed(d.field(0), format, args...)
}

func (d *decoder) mistyped(got json.Token, want string) error {
	if got == nil {
		return d.malformed("null is not read: leave the field out, or send %s", want)
	}
	return d.malformed("this is %s, not %s", literal(got), want)
}

func literal(t json.Token) string {
	switch t := t.(type) {
	case string:
		return "a string"
	case json.Number:
		return "the number " + brief.Text(t.String())
	case bool:
		return strconv.FormatBool(t)
	case json.Delim:
		if t == '{' {
			return "an object"
		}
		return "an array"
	default:
		return "null"
	}
}

// field is the path to the value being read, such as legs[1].amount.
func (d *decoder) field(from int) string {
	var b strings.Builder
	for _, s := range d.path[from:] {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case b.Len() > 0:
			b.WriteString("." + brief.Text(s.name))
		default:
			b.WriteString(brief.Text(s.name))
		}
	}
	return b.String()
}

// halfSurrogate reports whether a JSON string, as it is written, has a \u escape of one half of a surrogate pair.
// encoding/json puts the replacement character in its place, and the ledger must not store what nobody sent.
func halfSurrogate(raw []byte) bool {
	escape := func(i int) rune {
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		first := escape(i)
		if !utf16.IsSurrogate(first) {
			i++ // past the character after the backslash
			continue
		}
		if utf16.DecodeRune(first, escape(i+6)) == utf8.RuneError {
			return true
		}
		i += 11
	}
	return false
}
