package bursar_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// sent is v as another program reads it.
func sent[T any](t *testing.T, v T) (text string, read T) {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &read); err != nil {
		t.Fatalf("%s: %v", encoded, err)
	}
	return string(encoded), read
}

// wire compares a value with its JSON and with what another program reads of that.
func wire[T any](t *testing.T, v T, want string) {
	t.Helper()
	text, read := sent(t, v)
	if text != want {
		t.Errorf("%T is\n%s, want\n%s", v, text, want)
	}
	if diff := cmp.Diff(v, read, cmp.Comparer(func(a, b money.Amount) bool { return a == b }),
		cmp.Comparer(func(a, b money.Currency) bool { return a == b })); diff != "" {
		t.Errorf("%T was read with a difference (-sent +read):\n%s", v, diff)
	}
}

func TestWhatIsAskedGoesOverTheWire(t *testing.T) {
	t.Parallel()
	least, version := money.MustParse("5.00 USD"), int64(3)
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	wire(t, bursar.Transfer{
		ID: bursar.ID{15: 1}, Reference: "order 7",
		Legs:       []bursar.Leg{{From: "a", To: "b", Amount: money.MustParse("1.00 USD")}},
		Conditions: []bursar.Condition{{Path: "a", AtLeast: &least}, {Path: "b", Version: &version}},
		NotAfter:   noon, Effective: noon.Add(-time.Hour), Metadata: bursar.Metadata{"k": "v"},
	}, `{"id":"00000000-0000-0000-0000-000000000001","reference":"order 7",`+
		`"legs":[{"from":"a","to":"b","amount":"1.00 USD"}],`+
		`"conditions":[{"path":"a","at_least":"5.00 USD"},{"path":"b","version":3}],`+
		`"not_after":"2026-01-31T12:00:00Z","effective":"2026-01-31T11:00:00Z","metadata":{"k":"v"}}`)
	wire(t, bursar.Transfer{Legs: []bursar.Leg{}}, `{"legs":[]}`)

	usd := least.Currency()
	wire(t, bursar.Opening{Path: "a", Currency: usd}, `{"path":"a","currency":"USD"}`)
	wire(t, bursar.Opening{Path: "a", Currency: usd, NoMin: true, Max: &least, Metadata: bursar.Metadata{"k": "v"}},
		`{"path":"a","currency":"USD","min":"none","max":"5.00 USD","metadata":{"k":"v"}}`)
	credit := money.MustParse("-100.00 USD")
	wire(t, bursar.Opening{ID: bursar.ID{15: 2}, Path: "a", Currency: usd, Min: &credit},
		`{"id":"00000000-0000-0000-0000-000000000002","path":"a","currency":"USD","min":"-100.00 USD"}`)
}

func TestWhatIsAnsweredGoesOverTheWire(t *testing.T) {
	t.Parallel()
	one, zero := money.MustParse("1.00 USD"), money.MustParse("0.00 USD")
	leg := bursar.Entry{
		Seq: 3, At: 5, Hash: bursar.Hash{31: 1}, Kind: bursar.EntryLeg,
		Transfer: bursar.ID{15: 1}, RequestHash: bursar.Hash{31: 2},
		From: "a", To: "b", Amount: one, FromAfter: bursar.After{Version: 2, Balance: one, Held: zero},
		ToAfter: bursar.After{Version: 4, Balance: zero, Held: zero}, Decided: 5,
		Reference: "order 7", Metadata: bursar.Metadata{"k": "v"},
	}
	const hash = "00000000000000000000000000000000000000000000000000000000000000"
	const first = "1970-01-01T00:00:00.00000000"
	wire(t, leg, `{"seq":3,"at":"`+first+`5Z","hash":"`+hash+`01","kind":"transfer",`+
		`"transfer":"00000000-0000-0000-0000-000000000001","leg":0,"request_hash":"`+hash+`02",`+
		`"from":"a","to":"b","amount":"1.00 USD","from_version":2,"from_balance":"1.00 USD","from_held":"0.00 USD",`+
		`"to_version":4,"to_balance":"0.00 USD","to_held":"0.00 USD","effective":"`+first+`5Z","decided":"`+first+`5Z",`+
		`"reference":"order 7","metadata":{"k":"v"}}`)
	leg.Backdated, leg.Effective = true, 4
	if _, read := sent(t, leg); !read.Backdated || read.Effective != 4 {
		t.Errorf("an entry that was dated back to 4 is read as %v, %d", read.Backdated, read.Effective)
	}
	act := bursar.Entry{
		Seq:      1,
		Kind:     bursar.EntryOpen,
		Transfer: bursar.ID{15: 1},
		To:       "a",
		Amount:   zero,
		ToAfter:  bursar.After{Version: 1, Balance: zero, Held: zero},
	}
	if _, read := sent(t, act); !reflect.DeepEqual(read, act) {
		t.Errorf("an act is read as %+v", read)
	}
	wire(t, bursar.Statement{
		Path: "a", Currency: one.Currency(), Opening: zero, Closing: one, Next: 2, Seq: 3,
		Lines: []bursar.StatementLine{{
			Decided: 5, Kind: bursar.EntryLeg, Transfer: bursar.ID{15: 1}, Amount: one, Balance: one, Version: 2,
			Legs: []bursar.StatementLeg{{Leg: 1, Seq: 3, Other: "b", Amount: one, Balance: one}},
		}},
	}, `{"path":"a","currency":"USD","opening":"0.00 USD","closing":"1.00 USD","lines":[{"decided":"`+first+`5Z",`+
		`"kind":"transfer","transfer":"00000000-0000-0000-0000-000000000001","amount":"1.00 USD","balance":"1.00 USD",`+
		`"version":2,"legs":[{"leg":1,"seq":3,"other":"b","amount":"1.00 USD","balance":"1.00 USD"}]}],"next":2,"seq":3}`)
	wire(t, bursar.TransferRecord{ID: bursar.ID{15: 1}, Kind: bursar.EntryLeg, Decided: 5, Entries: []bursar.Entry{},
		Refusal: &bursar.Error{Code: bursar.CodeTooLate, Message: "late", Field: "not_after"}},
		`{"id":"00000000-0000-0000-0000-000000000001","kind":"transfer","decided":"`+first+`5Z",`+
			`"refusal":{"code":"too_late","detail":"late","field":"not_after"},"entries":[]}`)
	wire(t, bursar.Head{Seq: 3, At: 5, Hash: bursar.Hash{31: 1}}, `{"seq":3,"at":"`+first+`5Z","hash":"`+hash+`01"}`)
	wire(
		t,
		bursar.Account{
			Path:      "a",
			Currency:  one.Currency(),
			State:     bursar.AccountFrozen,
			Min:       &zero,
			Version:   2,
			Balance:   one,
			Held:      zero,
			Available: one,
			Opened:    5,
		},
		`{"path":"a","currency":"USD","state":"frozen","min":"0.00 USD","max":null,"version":2,"balance":"1.00 USD",`+
			`"held":"0.00 USD","available":"1.00 USD","opened":"`+first+`5Z"}`,
	)
	wire(t, bursar.Book{Number: 1, Name: "main", UUID: bursar.ID{15: 1}, Genesis: bursar.Hash{31: 1}},
		`{"number":1,"name":"main","uuid":"00000000-0000-0000-0000-000000000001","genesis":"`+hash+`01"}`)
}

func TestWhatIsNoWordIsRefused(t *testing.T) {
	t.Parallel()
	var kind bursar.EntryKind
	var state bursar.AccountState
	var hash bursar.Hash
	for _, err := range []error{
		kind.UnmarshalText([]byte("loan")), state.UnmarshalText([]byte("asleep")), hash.UnmarshalText([]byte("00")),
		hash.UnmarshalText([]byte("zz00000000000000000000000000000000000000000000000000000000000000")),
	} {
		if bursar.CodeOf(err) != bursar.CodeMalformed {
			t.Errorf("got %v, want malformed", err)
		}
	}
}
