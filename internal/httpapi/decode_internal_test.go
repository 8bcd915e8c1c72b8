package httpapi

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// FuzzReadTransfer holds that reading never panics, that its errors have codes, and that what is read as a transfer
// is JSON and means what encoding/json takes it for.
func FuzzReadTransfer(f *testing.F) {
	for _, seed := range []string{
		`{"from":"a","to":"b","amount":"1.00 USD"}`,
		`{"legs":[{"from":"a","to":"b","amount":"1.00 USD"}],"conditions":[{"path":"a","at_least":"1.00 USD"}]}`,
		`{"id":"0192f0c1-2345-7abc-8def-0123456789ab","reference":"\ud83d\ude00","metadata":{"a":"b"}}`,
		`{"effective":"2026-01-31T12:00:00Z","not_after":"2026-01-31T12:00:00Z","from":"a"}`,
		`{"amount":1e2}`, `{"a":1}{}`, `[`, `"\ud83d"`, `{"from":"\ud83d"}`, `{"from":"a","from":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	shape := shapeOf(reflect.TypeFor[transferRequest]())
	f.Fuzz(func(t *testing.T, body []byte) {
		var sent transferRequest
		if err := decode(body, shape, &sent); err != nil {
			if bursar.CodeOf(err) == bursar.CodeInternal {
				t.Fatalf("%q: an error without a code: %v", body, err)
			}
			return
		}
		got := sent.transfer()
		if !json.Valid(body) {
			t.Fatalf("%q is not JSON and was read as %+v", body, got)
		}
		var generic map[string]any
		if err := json.Unmarshal(body, &generic); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if reference, _ := generic["reference"].(string); reference != got.Reference {
			t.Fatalf("%q: reference %q, want %q", body, got.Reference, reference)
		}
		if len(got.Legs) == 0 && generic["legs"] == nil {
			t.Fatalf("%q: no legs", body)
		}
	})
}

func TestHalfSurrogate(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		`"\ud83d\ude00"`: false, `"\uD83D\uDE00x"`: false, `"\ufffd"`: false,
		`"\\ud83d"`: false, `"\\\\ud83d"`: false, `"a\n\u00e9"`: false,
		`"\ud83d"`: true, `"\ude00"`: true, `"\ude00\ud83d"`: true, `"\ud83dx"`: true, `"\ud83d\n"`: true,
		`"\\\ud83d"`: true, `"\ud83d\ud83d\ude00"`: true,
	} {
		if got := halfSurrogate([]byte(raw)); got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}

func BenchmarkReadTransfer(b *testing.B) {
	body := []byte(`{"id":"0192f0c1-2345-7abc-8def-0123456789ab",` +
		`"legs":[{"from":"users:alice","to":"users:bob","amount":"25.00 USD"}]}`)
	shape := shapeOf(reflect.TypeFor[transferRequest]())
	b.ReportAllocs()
	for b.Loop() {
		var sent transferRequest
		if err := decode(body, shape, &sent); err != nil {
			b.Fatal(err)
		}
		_ = sent.transfer()
	}
}
