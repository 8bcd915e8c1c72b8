package httpapi

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar/internal/brief"
)

// The steps of reading JSON: its tokens, where they stand, and the errors about its structure.

// object reads an object whose names are known and few. read is called with each name, to read its value or to return
// errUnknown.
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

// errUnknown says that an object has no field of this name.
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
