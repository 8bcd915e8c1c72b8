package storetest

import (
	"errors"
	"time"

	"github.com/bursar-ledger/bursar"
)

var ruleCases = []testCase{
	{"a reference is taken once", referenceTaken},
	{"references are compared by bytes", referencesByBytes},
	{"conditions", conditions},
	{"conditions see the time before the first leg", conditionsFirst},
	{"not after", notAfter},
	{"effective", effectiveTimes},
	{"metadata comes back", metadataBack},
	{"metadata is canonical", metadataCanonical},
}

func referenceTaken(f *fixture) {
	f.funded("users:1")
	first := move("users:1", "world", "1.00 USD")
	first.ID, first.Reference = id(1), "order 7"
	f.post(first)
	second := move("users:1", "world", "1.00 USD")
	second.ID, second.Reference = id(2), "order 7"
	f.refused(second, bursar.CodeReferenceTaken, "reference")
	again := f.post(first)
	if !again.Replayed {
		f.Error("the owner of the reference was not replayed")
	}
	record, err := f.ledger.Transfer(f.Context(), id(1))
	if err != nil || record.Reference != "order 7" {
		f.Errorf("the reference reads %q, %v", record.Reference, err)
	}
	third, fourth := second, second
	third.ID, third.Reference = id(3), "order 8"
	fourth.ID, fourth.Reference = id(4), "order 8"
	results, err := f.ledger.PostBatch(f.Context(), []bursar.Transfer{third, fourth})
	f.must(err)
	f.must(results[0].Err)
	f.wantError(results[1].Err, bursar.CodeReferenceTaken, "reference")
}

func referencesByBytes(f *fixture) {
	f.funded("users:1")
	for i, reference := range []string{
		"a", "A", "a ", " a", "á", "a\u0301", "ａ", "ß", "ss", "%", "_", "'", `"`, `\`, "🂡",
	} {
		t := move("users:1", "world", "1.00 USD")
		t.ID, t.Reference = id(i), reference
		if posted := f.post(t); posted.Replayed {
			f.Errorf("reference %q was taken for another", reference)
		}
		record, err := f.ledger.Transfer(f.Context(), id(i))
		if err != nil || record.Reference != reference {
			f.Errorf("reference %q reads %q, %v", reference, record.Reference, err)
		}
	}
}

func conditions(f *fixture) {
	f.funded("users:1")
	f.opening(bursar.Opening{Path: "credit", Currency: currency("USD"), Min: limit("-5.00 USD")})
	version := func(n int64) *int64 { return &n }
	for _, test := range []struct {
		condition bursar.Condition
		code      bursar.Code
	}{
		{bursar.Condition{Path: "users:1", AtLeast: limit("100.00 USD")}, ""},
		{bursar.Condition{Path: "users:1", AtLeast: limit("100.01 USD")}, bursar.CodeConditionFailed},
		{bursar.Condition{Path: "users:1", AtLeast: limit("100.00 EUR")}, bursar.CodeCurrencyMismatch},
		{bursar.Condition{Path: "credit", AtLeast: limit("0.00 USD")}, ""}, // what is there, not what may be spent
		{bursar.Condition{Path: "credit", AtLeast: limit("0.01 USD")}, bursar.CodeConditionFailed},
		{bursar.Condition{Path: "credit", AtLeast: limit("-9.00 USD")}, ""},
		{bursar.Condition{Path: "users:1", Version: version(2)}, ""},
		{bursar.Condition{Path: "users:1", Version: version(1)}, bursar.CodeVersionChanged},
		{bursar.Condition{Path: "users:1", Version: version(3)}, bursar.CodeVersionChanged},
		{bursar.Condition{Path: "credit", Version: version(0)}, bursar.CodeVersionChanged},
	} {
		t := move("world", "sink", "1.00 USD")
		f.account("sink")
		t.Conditions = []bursar.Condition{{Path: "sink", AtLeast: limit("0.00 USD")}, test.condition}
		if test.code != "" {
			f.refused(t, test.code, "conditions[1]")
			continue
		}
		f.post(t)
	}
	t := move("world", "sink", "1.00 USD")
	t.Conditions = []bursar.Condition{{Path: "nobody", Version: version(1)}}
	f.refused(t, bursar.CodeAccountNotFound, "conditions[0].path")
}

func conditionsFirst(f *fixture) {
	f.funded("users:1")
	f.account("users:2")
	version := int64(2)
	f.post(bursar.Transfer{
		Legs:       []bursar.Leg{leg("users:1", "users:2", "100.00 USD"), leg("users:2", "users:1", "1.00 USD")},
		Conditions: []bursar.Condition{{Path: "users:1", AtLeast: limit("100.00 USD")}, {Path: "users:1", Version: &version}},
	})
	rich := []bursar.Condition{{Path: "users:2", AtLeast: limit("99.00 USD")}}
	results, err := f.ledger.PostBatch(f.Context(), []bursar.Transfer{
		{Legs: []bursar.Leg{leg("users:2", "world", "99.00 USD")}, Conditions: rich},
		{Legs: []bursar.Leg{leg("users:1", "world", "1.00 USD")}, Conditions: rich},
	})
	f.must(errors.Join(err, results[0].Err))
	f.wantError(results[1].Err, bursar.CodeConditionFailed, "conditions[0]") // the batch goes on from the transfer before
}

func notAfter(f *fixture) {
	f.funded("users:1")
	t := move("users:1", "world", "1.00 USD")
	t.ID, t.NotAfter = id(1), clockStart.Add(time.Second)
	f.clock.Set(t.NotAfter)
	f.post(t) // decided exactly at it is in time
	f.clock.Advance(1)
	t.ID = attempt(2)
	f.refused(t, bursar.CodeTooLate, "not_after")
	f.clock.Set(clockStart) // a clock that steps back does not take an attempt's refusal back
	f.refused(t, bursar.CodeTooLate, "not_after")
}

func effectiveTimes(f *fixture) {
	f.funded("users:1")
	now := f.head().At
	t := move("users:1", "world", "1.00 USD")
	t.ID, t.Effective = id(1), now.Time().Add(1)
	f.refused(t, bursar.CodeEffectiveInFuture, "effective")
	t.ID, t.Effective = id(2), now.Time()
	f.post(t)
	t.ID, t.Effective = id(3), time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
	f.post(t)
	t.ID, t.Effective = id(4), time.Unix(0, 0) // an instant like any other, not "none"
	f.post(t)
	entries := f.journal(f.ledger)
	for i, want := range []bursar.Instant{now, instant(time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)), 0} {
		e := entries[3+i]
		if !e.Backdated || e.Effective != want || e.At <= e.Effective {
			f.Errorf("entry %d is effective %v (%v) at %v, want %v", e.Seq, e.Effective, e.Backdated, e.At, want)
		}
	}
	if e := entries[2]; e.Backdated || e.Effective != 0 {
		f.Errorf("an entry without an effective time has %v", e.Effective)
	}
	statement, err := f.ledger.Statement(f.Context(), "users:1", bursar.StatementQuery{})
	f.must(err)
	var got []bursar.Instant
	for _, line := range statement.Lines {
		got = append(got, line.Effective)
	}
	want := []bursar.Instant{0, entries[4].Effective, now, entries[2].At, entries[1].At}
	f.wantSame("the effective times of the statement", want, got)
}

// awkward is metadata that naive encodings change.
var awkward = bursar.Metadata{
	"<script>": "a & b > c", "quote": `"\`, "lines": "a\n\r\t\u2028\u2029", "control": "\x01\x1f\x7f", "empty": "",
	"é": "e\u0301", "🂡": "🂱", "null": "null", "spaces ": " x ", "A": "1", "a": "2", "\ufffd": "\ufeff",
}

func metadataBack(f *fixture) {
	f.funded("users:1")
	t := move("users:1", "world", "1.00 USD")
	t.ID, t.Metadata = id(1), awkward
	f.post(t)
	record, err := f.ledger.Transfer(f.Context(), id(1))
	f.must(err)
	f.wantSame("the transfer's metadata", awkward, record.Metadata)
	f.opening(bursar.Opening{Path: "users:2", Currency: currency("USD"), Metadata: awkward})
	account, err := f.ledger.Account(f.Context(), "users:2")
	f.must(err)
	f.wantSame("the account's metadata", awkward, account.Metadata)
	t.ID, t.Metadata = id(2), bursar.Metadata{}
	f.post(t)
	t.Metadata = nil // none at all is the same as none in it
	if again := f.post(t); !again.Replayed {
		f.Error("an empty map of metadata is another transfer than none")
	}
}

// metadataCanonical reads the text that an application's own SQL sees.
func metadataCanonical(f *fixture) {
	f.funded("users:1")
	t := move("users:1", "world", "1.00 USD")
	t.Reference = "r"
	t.Metadata = bursar.Metadata{"b": "<1>", "a": `"`, "é": "é", "B": ""}
	f.post(t)
	const want = `{"B":"","a":"\"","b":"<1>","é":"é"}`
	f.wantSame("the stored metadata", want, f.text("SELECT metadata FROM bursar_request WHERE reference = 'r'"))
}
