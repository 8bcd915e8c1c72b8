package bursar_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar"
)

func TestIDText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var id bursar.ID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if id.IsZero() {
			t.Skip("the zero id has no text")
		}
		text := id.String()
		for _, form := range []string{text, strings.ToUpper(text), strings.ReplaceAll(text, "-", "")} {
			if got, err := bursar.ParseID(form); err != nil || got != id {
				t.Fatalf("%q is read as %v, %v", form, got, err)
			}
		}
		encoded, err := json.Marshal(map[bursar.ID]bursar.ID{id: id})
		if err != nil {
			t.Fatal(err)
		}
		var decoded map[bursar.ID]bursar.ID
		if err := json.Unmarshal(encoded, &decoded); err != nil || decoded[id] != id {
			t.Fatalf("%s is read as %v, %v", encoded, decoded, err)
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	t.Parallel()
	const good = "0192f0c1-2345-7abc-8def-0123456789ab"
	if _, err := bursar.ParseID(good); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "7", good[1:], good + "0", " " + good, good[:35], strings.Replace(good, "a", "g", 1), "{" + good + "}",
		"urn:uuid:" + good, strings.ReplaceAll(good, "-", "_"), "0192f0c12-345-7abc-8def-0123456789ab",
		strings.Repeat("-", 36), strings.Repeat("0", 32), "00000000-0000-0000-0000-000000000000",
		strings.Repeat("é", 16), strings.Repeat("x", 10_000),
	} {
		id, err := bursar.ParseID(text)
		if bursar.CodeOf(err) != bursar.CodeIDInvalid || !id.IsZero() {
			t.Errorf("%.50q is read as %v, %v", text, id, err)
		} else if len(err.Error()) > 200 {
			t.Errorf("the error repeats %d bytes of input", len(err.Error()))
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("0192f0c1-2345-7abc-8def-0123456789ab")
	f.Add("0192F0C123457ABC8DEF0123456789AB")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := bursar.ParseID(text)
		if err != nil {
			if bursar.CodeOf(err) != bursar.CodeIDInvalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if strings.ReplaceAll(id.String(), "-", "") != strings.ToLower(strings.ReplaceAll(text, "-", "")) {
			t.Errorf("%q is read as %v", text, id)
		}
	})
}

// Keys of an application's own types, some with a String method that says something else.
type (
	orderNumber int64
	orderCode   string
	orderUUID   [16]byte
	smallNumber uint8
)

func (orderNumber) String() string { return "an order" }
func (orderCode) String() string   { return "a code" }
func (orderUUID) String() string   { return "a uuid" }
func (smallNumber) Error() string  { return "a number" }

func TestIDOfDependsOnTheKeysValueAlone(t *testing.T) {
	t.Parallel()
	want := bursar.IDOf("order.pay", "255")
	for i, got := range []bursar.ID{
		bursar.IDOf("order.pay", 255), bursar.IDOf("order.pay", int16(255)), bursar.IDOf("order.pay", uint64(255)),
		bursar.IDOf("order.pay", orderNumber(255)), bursar.IDOf("order.pay", orderCode("255")),
		bursar.IDOf("order.pay", smallNumber(255)),
	} {
		if got != want {
			t.Errorf("key %d gives %v, want %v", i, got, want)
		}
	}
	if bursar.IDOf("k", -1) != bursar.IDOf("k", "-1") {
		t.Error("a negative number and its digits are two keys")
	}
	text := want.String()
	for i, got := range []bursar.ID{
		bursar.IDOf("k", want), bursar.IDOf("k", [16]byte(want)), bursar.IDOf("k", orderUUID(want)),
	} {
		if got != bursar.IDOf("k", text) {
			t.Errorf("16 bytes of type %d and their UUID form are two keys", i)
		}
	}
}

func TestIDOfKeepsKindsAndKeysApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab:1")), 0, 4, -1)
		kind, key := text.Draw(t, "kind"), text.Draw(t, "key")
		otherKind, otherKey := text.Draw(t, "other kind"), text.Draw(t, "other key")
		id, other := bursar.IDOf(kind, key), bursar.IDOf(otherKind, otherKey)
		if (id == other) != (kind == otherKind && key == otherKey) {
			t.Fatalf("%q %q is %v, %q %q is %v", kind, key, id, otherKind, otherKey, other)
		}
		if id[6]>>4 != 8 || id[8]>>6 != 0b10 {
			t.Fatalf("%v is not a UUID of version 8", id)
		}
	})
}

// TestIDOfNeverChanges pins ids: other ones would let a retry after an upgrade post twice.
func TestIDOfNeverChanges(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]bursar.ID{
		"560361d2-6560-85f2-96b8-b4edc80a983f": bursar.IDOf("order.pay", 1001),
	} {
		if got.String() != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestIDOfSeveralPartsKeepsThemApart(t *testing.T) {
	t.Parallel()
	ids := map[bursar.ID]string{}
	for name, id := range map[string]bursar.ID{
		"a, b": bursar.IDOf("k", "a", "b"), "ab": bursar.IDOf("k", "ab"), "ab, empty": bursar.IDOf("k", "ab", ""),
		"empty, ab": bursar.IDOf("k", "", "ab"), "b, a": bursar.IDOf("k", "b", "a"), "three": bursar.IDOf("k", "a", "b", ""),
		"ka, b": bursar.IDOf("ka", "b", ""), "order 7, 2": bursar.IDOf("order.refund", 7, 2),
	} {
		if other, twice := ids[id]; twice {
			t.Errorf("%s and %s have one id", name, other)
		}
		ids[id] = name
		if !id.Thing() {
			t.Errorf("%s is no thing", name)
		}
	}
	if bursar.IDOf("order.refund", 7, 2) != bursar.IDOf("order.refund", "7", orderNumber(2)) {
		t.Error("numbers and their digits are other parts")
	}
	for name, make := range map[string]func(){
		"no part": func() { bursar.IDOf("k") }, "nil": func() { bursar.IDOf("k", nil) },
		"a float": func() { bursar.IDOf("k", 1.0) }, "a time": func() { bursar.IDOf("k", "a", time.Now()) },
		"a slice": func() { bursar.IDOf("k", []byte("0123456789abcdef")) },
	} {
		func() {
			defer func() {
				if fault, ok := recover().(string); !ok || !strings.HasPrefix(fault, "bursar: ") {
					t.Errorf("%s: panics with %v", name, fault)
				}
			}()
			make()
			t.Errorf("%s: an id was made", name)
		}()
	}
}

// TestThingsAreMadeOfNames asks for the variant and the versions of RFC 9562.
func TestThingsAreMadeOfNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0192f0c1-2345-3abc-8def-0123456789ab": true,  // MD5 of a name
		"0192f0c1-2345-5abc-bdef-0123456789ab": true,  // SHA-1 of a name
		"0192f0c1-2345-8abc-9def-0123456789ab": true,  // IDOf
		"0192f0c1-2345-4abc-8def-0123456789ab": false, // random
		"0192f0c1-2345-7abc-8def-0123456789ab": false, // time
		"0192f0c1-2345-1abc-8def-0123456789ab": false,
		"0192f0c1-2345-6abc-8def-0123456789ab": false,
		"0192f0c1-2345-5abc-0def-0123456789ab": false, // another variant
		"0192f0c1-2345-8abc-cdef-0123456789ab": false,
		"ffffffff-ffff-ffff-ffff-ffffffffffff": false,
	} {
		id, err := bursar.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		if id.Thing() != want {
			t.Errorf("%s is a thing: %v, want %v", text, id.Thing(), want)
		}
	}
}

func TestIDsGoThroughADatabase(t *testing.T) {
	t.Parallel()
	want := bursar.IDOf("order.pay", 7)
	value, err := want.Value()
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []any{value, want[:], [16]byte(want), want.String(), strings.ToUpper(want.String()),
		[]byte(want.String()), strings.ReplaceAll(want.String(), "-", "")} {
		var got bursar.ID
		if err := got.Scan(stored); err != nil || got != want {
			t.Errorf("%T %v is read as %v, %v", stored, stored, got, err)
		}
	}
	for _, stored := range []any{nil, 7, "", "x", want[:15], make([]byte, 16), []byte("not a uuid")} {
		got := want
		if err := got.Scan(stored); bursar.CodeOf(err) != bursar.CodeIDInvalid {
			t.Errorf("%v is read as %v, %v", stored, got, err)
		}
	}
	if value, err := (bursar.ID{}).Value(); err == nil {
		t.Errorf("the zero id is stored as %v", value)
	}
	value.([]byte)[0]++
	if again, _ := want.Value(); again.([]byte)[0] != want[0] {
		t.Error("who changes a value changes the id")
	}
}
