package storetest

import (
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

var idempotencyCases = []testCase{
	{"the first answer comes again", firstAnswerAgain},
	{"other content names the field", otherContent},
	{"refusals of attempts are remembered", refusalsRemembered},
	{"malformed and reused are not remembered", notRemembered},
	{"duplicates inside one batch", duplicatesInBatch},
	{"fifty at once", fiftyAtOnce},
	{"without an id each is new", withoutID},
}

// full is a transfer with every field set.
func full() bursar.Transfer {
	version := int64(2)
	return bursar.Transfer{
		ID: id(1), Reference: "order 7",
		Legs: []bursar.Leg{leg("users:1", "users:2", "10.00 USD"), leg("users:1", "users:3", "1.00 USD")},
		Conditions: []bursar.Condition{
			{Path: "users:1", AtLeast: limit("11.00 USD")}, {Path: "users:1", Version: &version},
		},
		NotAfter: clockStart.Add(time.Hour), Effective: clockStart.Add(-time.Hour),
		Metadata: bursar.Metadata{"a": "1", "b": ""},
	}
}

func firstAnswerAgain(f *fixture) {
	f.funded("users:1", "users:2")
	f.account("users:3")
	first := f.post(full())
	if first.Replayed || first.ID != id(1) || first.Decided == 0 {
		f.Errorf("the first answer is %+v", first)
	}
	f.pay("users:1", "world", "89.00 USD") // now the funds, the version and the time would all forbid it
	f.clock.Advance(2 * time.Hour)
	head := f.head()
	for _, l := range []*ledger.Ledger{f.ledger, f.startOver(f.Reopen(f.T), &ledger.Options{})} {
		again, err := l.Post(f.Context(), full())
		f.must(err)
		if f.Store.SealsLater() { // sealed meanwhile
			first.Seq, first.At = again.Seq, again.At
		}
		want := first
		want.Replayed = true
		f.wantSame("the answer to a retry", want, again)
	}
	f.wantSame("the head after retries", head, f.head())
	f.setState("users:1", bursar.AccountClosed)
	if again := f.post(full()); !again.Replayed {
		f.Error("a closed account changed the answer")
	}
}

var otherTransfers = []struct {
	field  string
	change func(*bursar.Transfer)
}{
	{"legs", func(t *bursar.Transfer) { t.Legs = t.Legs[:1] }},
	{"legs[0].from", func(t *bursar.Transfer) { t.Legs[0].From = "users:3" }},
	{"legs[0].to", func(t *bursar.Transfer) { t.Legs[0].To = "users:3" }},
	{"legs[1].amount", func(t *bursar.Transfer) { t.Legs[1].Amount = *limit("1.01 USD") }},
	{"legs[1].amount", func(t *bursar.Transfer) { t.Legs[1].Amount = *limit("1.00 EUR") }},
	{"legs[0].from", func(t *bursar.Transfer) { t.Legs[0], t.Legs[1] = leg("a", "b", "1.00 USD"), t.Legs[0] }},
	{"conditions", func(t *bursar.Transfer) { t.Conditions = nil }},
	{"conditions[0]", func(t *bursar.Transfer) { t.Conditions[0].AtLeast = limit("11.01 USD") }},
	{"conditions[0]", func(t *bursar.Transfer) { t.Conditions[0].Path = "users:2" }},
	{"conditions[1]", func(t *bursar.Transfer) { v := int64(3); t.Conditions[1].Version = &v }},
	{"conditions[0]", func(t *bursar.Transfer) {
		t.Conditions[0], t.Conditions[1] = t.Conditions[1], t.Conditions[0]
	}},
	{"not_after", func(t *bursar.Transfer) { t.NotAfter = t.NotAfter.Add(1) }},
	{"not_after", func(t *bursar.Transfer) { t.NotAfter = time.Time{} }},
	{"effective", func(t *bursar.Transfer) { t.Effective = t.Effective.Add(-1) }},
	{"effective", func(t *bursar.Transfer) { t.Effective = time.Time{} }},
	{"reference", func(t *bursar.Transfer) { t.Reference = "order 8" }},
	{"reference", func(t *bursar.Transfer) { t.Reference = "" }},
	{"metadata", func(t *bursar.Transfer) { t.Metadata["a"] = "2" }},
	{"metadata", func(t *bursar.Transfer) { delete(t.Metadata, "b") }},
	{"metadata", func(t *bursar.Transfer) { t.Metadata = nil }},
}

func otherContent(f *fixture) {
	f.funded("users:1", "users:2")
	f.account("users:3")
	f.post(full())
	for _, other := range otherTransfers {
		t := full()
		other.change(&t)
		f.refused(t, bursar.CodeIDReused, other.field)
	}
	same := full() // the same instants, written in another zone
	same.NotAfter = same.NotAfter.In(time.FixedZone("elsewhere", 3600))
	same.Effective = same.Effective.In(time.FixedZone("elsewhere", -7200))
	if again := f.post(same); !again.Replayed {
		f.Error("another time zone made another transfer")
	}
	_, err := f.ledger.OpenAccount(f.Context(), bursar.Opening{ID: id(1), Path: "users:4", Currency: currency("USD")})
	f.wantError(err, bursar.CodeIDReused, "kind")
}

func refusalsRemembered(f *fixture) {
	f.funded("users:1")
	f.account("users:2")
	t := move("users:1", "users:2", "100.01 USD")
	t.ID, t.Reference = attempt(1), "order 7"
	first := f.refused(t, bursar.CodeInsufficientFunds, "legs[0]")
	f.pay("world", "users:1", "500.00 USD")
	for _, l := range []*ledger.Ledger{f.ledger, f.startOver(f.Reopen(f.T), &ledger.Options{})} {
		_, err := l.Post(f.Context(), t)
		f.wantError(err, bursar.CodeInsufficientFunds, "legs[0]")
		f.wantSame("the text of the refusal", first.Error(), err.Error())
		record, err := l.Transfer(f.Context(), attempt(1))
		f.must(err)
		f.wantSame("the text that is remembered", first.Error(), record.Refusal.Error())
		if len(record.Entries) != 0 || record.Decided == 0 {
			f.Errorf("the refused transfer reads %+v", record)
		}
	}
	other := t
	other.Legs = move("users:1", "users:2", "1.00 USD").Legs
	f.refused(other, bursar.CodeIDReused, "legs[0].amount")
	other.ID = attempt(2) // the refused transfer leaves its reference free
	f.post(other)
}

func notRemembered(f *fixture) {
	f.funded("users:1")
	t := move("users:1", "world", "1.00 USD")
	t.ID = id(1)
	bad := t
	bad.Reference = "\x01"
	f.refused(bad, bursar.CodeReferenceInvalid, "reference")
	f.post(t)
	other := move("users:1", "world", "2.00 USD")
	other.ID = id(1)
	f.refused(other, bursar.CodeIDReused, "legs[0].amount")
	if again := f.post(t); !again.Replayed {
		f.Error("a reuse of the id changed the answer")
	}
}

func duplicatesInBatch(f *fixture) {
	f.funded("users:1")
	good, bad := move("users:1", "world", "60.00 USD"), move("users:1", "world", "60.00 USD")
	good.ID, bad.ID = id(1), attempt(2)
	other := move("users:1", "world", "1.00 USD")
	other.ID = id(1)
	results, err := f.ledger.PostBatch(f.Context(), []bursar.Transfer{good, good, bad, bad, other, good})
	f.must(err)
	for i, want := range []struct {
		code     bursar.Code
		replayed bool
	}{
		{"", false}, {"", true}, {bursar.CodeInsufficientFunds, false}, {bursar.CodeInsufficientFunds, true},
		{bursar.CodeIDReused, false}, {"", true},
	} {
		got := results[i]
		replayed := got.Posted.Replayed || got.Err != nil && f.refusal(got.Err).Replayed
		if bursar.CodeOf(got.Err) != want.code || replayed != want.replayed {
			f.Errorf("transfer %d: %+v, want %+v", i, got, want)
		}
		if want.code == "" && (got.Posted.Seq != results[0].Posted.Seq || got.Posted.At != results[0].Posted.At) {
			f.Errorf("transfer %d is at %d, the first at %d", i, got.Posted.Seq, results[0].Posted.Seq)
		}
	}
	f.wantBalance("users:1", "40.00 USD")
}

func fiftyAtOnce(f *fixture) {
	f.funded("users:1")
	t := move("users:1", "world", "60.00 USD")
	t.ID = id(1)
	const clients = 50
	answers := make([]bursar.Posted, clients)
	second := f.startOver(f.Reopen(f.T), &ledger.Options{})
	errs := f.atOnce(clients, func(i int) (err error) {
		l := f.ledger
		if i%2 == 1 {
			l = second
		}
		answers[i], err = l.Post(f.Context(), t)
		return err
	})
	fresh := 0
	for i, err := range errs {
		f.must(err)
		if !answers[i].Replayed {
			fresh++
		}
		answers[i].Replayed = false
		if f.Store.SealsLater() { // some were answered before it was sealed, some after
			answers[i].Seq, answers[i].At = 0, 0
		}
		f.wantSame(fmt.Sprintf("answer %d", i), answers[0], answers[i])
	}
	if fresh != 1 {
		f.Errorf("%d clients were answered as the first", fresh)
	}
	f.wantBalance("users:1", "40.00 USD")
}

func withoutID(f *fixture) {
	f.funded("users:1")
	a, b := f.pay("users:1", "world", "1.00 USD"), f.pay("users:1", "world", "1.00 USD")
	if a.ID == b.ID || a.ID.IsZero() || b.Replayed {
		f.Errorf("two transfers without an id: %+v and %+v", a, b)
	}
}
