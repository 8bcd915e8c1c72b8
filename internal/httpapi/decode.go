package httpapi

import (
	"bytes"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// decoder reads a JSON body into a struct, by the json tags of its fields. The grammar is encoding/json's. The
// strictness is ours: Unmarshal takes keys in any case, keeps the last of two equal ones, and repairs text that is not
// UTF-8.
//
// There are two kinds of error. What breaks the structure ends the reading, and is returned: a syntax error, an unknown
// or repeated field, a value of the wrong type. A value that says nothing useful, such as an amount of "ten", is a
// fault. The reading goes on, and the first fault is kept. So a batch loses one transfer and not all, and malformed
// comes before everything else, as in the error table.
type decoder struct {
	body  []byte
	json  *json.Decoder
	shape shape
	path  []step
	base  int // where the field of a fault begins: the path to the transfer within a batch is left out
	fault error
}

// shape has the fields of the structs in a body: each one's index by its name in JSON.
type shape map[reflect.Type]map[string]int

// shapeOf is the shape of a type and of all that its fields hold.
func shapeOf(t reflect.Type) shape {
	s := shape{}
	s.add(t)
	return s
}

func (s shape) add(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || s[t] != nil {
		return
	}
	s[t] = make(map[string]int, t.NumField())
	for i := range t.NumField() {
		field := t.Field(i)
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			s[t][name] = i
		}
		s.add(field.Type)
	}
}

// step is one part of the path to a value: a field or, with an empty name, an index.
type step struct {
	name  string
	index int
}

// reader is a value that reads itself.
type reader interface{ read(d *decoder) error }

// checker is a struct with rules that its types do not have. check is called when the struct has been read, and rejects
// it or one of its fields.
type checker interface{ check(d *decoder) }

// decode reads one JSON object into the struct that into points to and that shape describes. Nothing may follow the
// object.
func decode(body []byte, shape shape, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return malformed("", "the body is empty: send a JSON object")
	}
	if !utf8.Valid(body) {
		return malformed("", "the body is not UTF-8")
	}
	d := &decoder{body: body, json: json.NewDecoder(bytes.NewReader(body)), shape: shape}
	d.json.UseNumber()
	if err := d.value(reflect.ValueOf(into)); err != nil {
		return err
	}
	if _, err := d.json.Token(); err != io.EOF {
		return malformed("", "there is something after the JSON object, at byte %d", d.json.InputOffset())
	}
	return d.fault
}

// apart reads a value whose fault is its own: it is returned, with a field that begins at the value.
func (d *decoder) apart(into any) (fault, err error) {
	base, before := d.base, d.fault
	d.base, d.fault = len(d.path), nil
	err = d.value(reflect.ValueOf(into))
	fault = d.fault
	d.base, d.fault = base, before
	return fault, err
}

// value reads the next value into what a pointer points to, in the way of its type.
func (d *decoder) value(pointer reflect.Value) (err error) {
	switch into := pointer.Interface().(type) {
	case reader:
		return into.read(d)
	case *string:
		*into, err = d.text()
		return err
	case *int64:
		*into, err = d.integer()
		return err
	case *money.Amount:
		*into, _, err = d.amountOr("")
		return err
	case *bursar.Metadata:
		*into, err = d.metadata()
		return err
	case encoding.TextUnmarshaler:
		return d.word(into)
	}
	switch v := pointer.Elem(); v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v)
	case reflect.Slice:
		return d.list(v)
	case reflect.Struct:
		return d.structure(v)
	default:
		panic("nothing reads a " + v.Type().String())
	}
}

// structure reads an object into a struct.
func (d *decoder) structure(v reflect.Value) error {
	fields := d.shape[v.Type()]
	err := d.object(func(name string) error {
		i, known := fields[name]
		if !known {
			return errUnknown
		}
		return d.value(v.Field(i).Addr())
	})
	if c, ok := v.Addr().Interface().(checker); ok && err == nil {
		c.check(d)
	}
	return err
}

// list reads an array into a slice.
func (d *decoder) list(v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	return d.array(func(i int) error {
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		return d.value(v.Index(i).Addr())
	})
}

// word reads a value that is written as a text of its own, such as an id or a time.
func (d *decoder) word(into encoding.TextUnmarshaler) error {
	text, err := d.text()
	if err == nil {
		d.reject(into.UnmarshalText([]byte(text)))
	}
	return err
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

// amountOr reads money, or the word in its place. Money is a string with its currency. A JSON number is refused even
// where it looks exact, because programs that write and read it turn it into a float.
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
		a, err = money.Parse(t)
		d.reject(err)
	case json.Delim:
		return a, false, d.mistyped(t, "a string")
	case json.Number:
		d.reject(bursar.Errorf(bursar.CodeAmountInvalid,
			`%s is a JSON number: send a string with the currency, such as "25.00 USD"`, brief.Text(t.String())))
	default:
		d.reject(bursar.Errorf(bursar.CodeAmountInvalid, `%s is no amount: send a string, such as "25.00 USD"`, literal(t)))
	}
	return a, false, nil
}

// metadata reads an object of strings. Its names are the caller's and may be many, so they are looked up in the map.
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

// reject keeps the first error about a value. nil is no error.
func (d *decoder) reject(err error) {
	if err != nil && d.fault == nil {
		d.fault = coded.At(err, d.field(d.base))
	}
}

// rejectIn is reject for a field of the struct that has just been read.
func (d *decoder) rejectIn(name string, err error) {
	d.path = append(d.path, step{name: name})
	d.reject(err)
	d.path = d.path[:len(d.path)-1]
}
