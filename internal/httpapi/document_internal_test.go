package httpapi

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// fill sets a value and all that it holds. least sets only what JSON cannot be written without.
func fill(v reflect.Value, least bool) {
	switch into := v.Addr().Interface().(type) {
	case *money.Amount:
		*into = money.MustParse("1.00 USD")
		return
	case *money.Currency:
		*into = money.MustParse("1.00 USD").Currency()
		return
	case *time.Time:
		*into = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
		return
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), least)
			}
		}
		return
	}
	if least {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), least)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), least)
	case reflect.Array:
		fill(v.Index(0), least)
	case reflect.Map:
		v.Set(reflect.ValueOf(bursar.Metadata{"key": "value"}).Convert(v.Type()))
	case reflect.Interface: // a cause, which is not written
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.Set(reflect.ValueOf(1).Convert(v.Type()))
	}
}

// written is a filled value of a type as JSON.
func written(t *testing.T, of reflect.Type, least bool) (fields any) {
	t.Helper()
	v := reflect.New(of).Elem()
	fill(v, least)
	text, err := json.Marshal(v.Interface())
	if err != nil {
		t.Fatalf("%v: %v", of, err)
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// document is the OpenAPI document with what the tests ask of it.
type document struct {
	t *testing.T
	*huma.OpenAPI
}

func (d document) resolve(s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		return d.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// holds compares what is written with its schema: at most, or at least, what the schema has.
func (d document) holds(at string, schema *huma.Schema, value any, least bool) {
	schema = d.resolve(schema)
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			d.holds(at+"[]", schema.Items, item, least)
		}
	case map[string]any:
		if schema.Properties == nil {
			return // a map of the caller's, such as metadata
		}
		want := slices.Sorted(maps.Keys(schema.Properties))
		if least {
			want = slices.Sorted(slices.Values(schema.Required))
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(value))); diff != "" {
			d.t.Errorf("%s, least %v (-document +written):\n%s", at, least, diff)
		}
		for field, inner := range value {
			if property := schema.Properties[field]; property != nil {
				d.holds(at+"."+field, property, inner, least)
			}
		}
	}
}

// TestDocumentShowsWhatIsWritten compares the JSON of every answer with its schema: with all fields set it has the
// properties, with none it has those that are required.
func TestDocumentShowsWhatIsWritten(t *testing.T) {
	t.Parallel()
	d := document{t, newDocument(false)}
	types := []reflect.Type{reflect.TypeFor[problem]()}
	for i := range routes {
		types = append(types, routes[i].handler.gives)
	}
	for _, of := range types {
		schema := d.Components.Schemas.Schema(of, true, "")
		for _, least := range []bool{false, true} {
			d.holds(of.Name(), schema, written(t, of, least), least)
		}
	}
}

// TestDocumentShowsWhatIsRead compares the JSON of the words that can be asked for with the schemas of the bodies.
func TestDocumentShowsWhatIsRead(t *testing.T) {
	t.Parallel()
	d := document{t, newDocument(false)}
	transfer := written(t, reflect.TypeFor[bursar.Transfer](), false).(map[string]any)
	for _, field := range []string{"from", "to", "amount"} { // the short form
		transfer[field] = ""
	}
	for name, word := range map[string]any{
		"AccountRequest": written(t, reflect.TypeFor[openingWithMin](), false), "TransferRequest": transfer,
	} {
		d.holds(name, d.Components.Schemas.Map()[name], word, false)
	}
}

// openingWithMin is an opening that fill can fill: min and no minimum exclude each other.
type openingWithMin bursar.Opening

func (o openingWithMin) MarshalJSON() ([]byte, error) {
	o.NoMin = false
	return json.Marshal(bursar.Opening(o))
}

// TestWordsAreRead sends words of package bursar in their own JSON: what is read is what was sent.
func TestWordsAreRead(t *testing.T) {
	t.Parallel()
	same := cmp.Options{
		cmp.Comparer(func(a, b money.Amount) bool { return a == b }),
		cmp.Comparer(func(a, b money.Currency) bool { return a == b }),
	}
	var asked bursar.Transfer
	fill(reflect.ValueOf(&asked).Elem(), false)
	var sent transferRequest
	carry(t, asked, &sent)
	if diff := cmp.Diff(asked, sent.transfer(), same); diff != "" {
		t.Errorf("transfer (-sent +read):\n%s", diff)
	}
	for _, noMin := range []bool{false, true} {
		var opening bursar.Opening
		fill(reflect.ValueOf(&opening).Elem(), false)
		if opening.NoMin = noMin; noMin {
			opening.Min = nil
		}
		var sent accountRequest
		carry(t, opening, &sent)
		if diff := cmp.Diff(opening, sent.opening(), same); diff != "" {
			t.Errorf("opening (-sent +read):\n%s", diff)
		}
	}
}

// carry writes a word as JSON and reads that as a body.
func carry(t *testing.T, word, body any) {
	t.Helper()
	text, err := json.Marshal(word)
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(text, shapeOf(reflect.TypeOf(body).Elem()), body); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
