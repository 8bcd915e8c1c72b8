package storetest

import (
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

var accountCases = []testCase{
	{"an opening is all there", openingIsThere},
	{"opening again is harmless", openingAgain},
	{"opening otherwise names the field", openingOtherwise},
	{"opening under ids of one's own", openingWithIDs},
	{"a taken path is refused and remembered", openingTaken},
	{"path rules", pathRules},
	{"paths are compared by bytes", pathsByBytes},
	{"limits are checked", limitsChecked},
	{"an unknown account is not found", accountUnknown},
}

func openingIsThere(f *fixture) {
	posted := f.opening(bursar.Opening{
		Path: "users:1", Currency: currency("BHD"), Min: limit("-5.000 BHD"), Max: limit("1000.000 BHD"),
		Metadata: bursar.Metadata{"owner": "Åsa"},
	})
	zero := money.Zero(currency("BHD"))
	want := bursar.Account{
		Path: "users:1", Currency: currency("BHD"), Min: limit("-5.000 BHD"), Max: limit("1000.000 BHD"),
		Version: 1, Balance: zero, Held: zero, Available: zero, Opened: instant(clockStart),
		Metadata: bursar.Metadata{"owner": "Åsa"},
	}
	for _, l := range []*ledger.Ledger{f.ledger, f.startOver(f.Reopen(f.T), &ledger.Options{})} {
		got, err := l.Account(f.Context(), "users:1")
		f.must(err)
		f.wantSame("the account", want, got)
	}
	entries := f.journal(f.ledger)
	f.wantSame("the journal", []string{"1 open users:1"}, shorts(entries))
	if posted.ID != bursar.IDOf("account.open", "users:1") || entries[0].Transfer != posted.ID {
		f.Errorf("the opening has id %v and its entry %v", posted.ID, entries[0].Transfer)
	}
	f.wantSame("the account after its opening", bursar.After{Version: 1, Balance: zero, Held: zero}, entries[0].ToAfter)
}

func openingAgain(f *fixture) {
	o := bursar.Opening{
		Path: "users:1", Currency: currency("USD"), Max: limit("500.00 USD"), Metadata: bursar.Metadata{"a": "1", "b": "2"},
	}
	first := f.opening(o)
	f.world()
	f.pay("world", "users:1", "500.00 USD")
	f.clock.Advance(1)
	o.Min = limit("0.00 USD") // what is meant when nothing is said
	again := f.opening(o)
	if f.Store.SealsLater() { // sealed meanwhile
		first.Seq, first.At = again.Seq, again.At
	}
	want := first
	want.Replayed = true
	f.wantSame("the second answer", want, again)
	f.wantBalance("users:1", "500.00 USD")
}

var otherOpenings = []struct {
	field  string
	change func(*bursar.Opening)
}{
	{"currency", func(o *bursar.Opening) { *o = bursar.Opening{Path: o.Path, Currency: currency("EUR")} }},
	{"currency", func(o *bursar.Opening) { *o = bursar.Opening{Path: o.Path, Currency: currency("CHIP/0")} }},
	{"min", func(o *bursar.Opening) { o.Min = limit("-1.00 USD") }},
	{"min", func(o *bursar.Opening) { o.Min, o.NoMin = nil, true }},
	{"max", func(o *bursar.Opening) { o.Max = limit("99.00 USD") }},
	{"max", func(o *bursar.Opening) { o.Max = nil }},
	{"metadata", func(o *bursar.Opening) { o.Metadata = nil }},
	{"metadata", func(o *bursar.Opening) { o.Metadata = bursar.Metadata{"a": "2"} }},
}

func openingOtherwise(f *fixture) {
	first := bursar.Opening{
		Path: "users:1", Currency: currency("USD"), Max: limit("100.00 USD"), Metadata: bursar.Metadata{"a": "1"},
	}
	f.opening(first)
	before := f.everything()
	for _, other := range otherOpenings {
		o := first
		other.change(&o)
		_, err := f.ledger.OpenAccount(f.Context(), o)
		f.wantError(err, bursar.CodeAccountExists, other.field)
	}
	f.wantSame("the accounts", before, f.everything())
}

func openingWithIDs(f *fixture) {
	first := bursar.Opening{
		ID: id(1), Path: "users:1", Currency: currency("USD"), Max: limit("100.00 USD"),
		Metadata: bursar.Metadata{"a": "1"},
	}
	posted := f.opening(first)
	again := f.opening(first)
	if !again.Replayed || again.Seq != posted.Seq && !f.Store.SealsLater() {
		f.Errorf("the second answer is %+v, the first was %+v", again, posted)
	}
	for _, other := range otherOpenings {
		o := first
		other.change(&o)
		o.ID = id(1)
		_, err := f.ledger.OpenAccount(f.Context(), o)
		f.wantError(err, bursar.CodeIDReused, other.field)
	}
	other := first
	other.Path = "users:2"
	_, err := f.ledger.OpenAccount(f.Context(), other)
	f.wantError(err, bursar.CodeIDReused, "path")
	f.world()
	t := move("world", "users:1", "1.00 USD")
	t.ID = id(1)
	f.refused(t, bursar.CodeIDReused, "kind") // transfers and openings share one id space
}

func openingTaken(f *fixture) {
	f.account("users:1")
	for range 2 {
		o := bursar.Opening{ID: attempt(1), Path: "users:1", Currency: currency("USD")}
		_, err := f.ledger.OpenAccount(f.Context(), o)
		f.wantError(err, bursar.CodeAccountExists, "path")
	}
	record, err := f.ledger.Transfer(f.Context(), attempt(1))
	f.must(err)
	f.wantError(record.Refusal, bursar.CodeAccountExists, "path")
	if got := len(f.journal(f.ledger)); got != 1 {
		f.Errorf("the journal has %d entries, want 1", got)
	}
	// The id that comes from the path stands for a thing. Every try is judged anew, so the answer is about that try.
	f.opening(bursar.Opening{ID: id(2), Path: "users:2", Currency: currency("USD")})
	for _, code := range []string{"JPY", "USD"} {
		_, err := f.ledger.OpenAccount(f.Context(), bursar.Opening{Path: "users:2", Currency: currency(code)})
		f.wantError(err, bursar.CodeAccountExists, "path")
	}
}

var goodPaths = []string{
	"a", "A", "0", "users:1", "a.b_c-d@e+f:G:9", "-", "...", "users:alice@example.org",
	strings.Repeat("x", 255), strings.Repeat("a:", 127) + "b",
}

var badPaths = []string{
	"", ":", "a:", ":a", "a::b", " a", "a ", "a b", "a/b", "a%b", "a*", "ä", "a\x00", "a\n", "a\x7f", "a\xff", "Ａ",
	"a:\u200b", strings.Repeat("x", 256),
}

func pathRules(f *fixture) {
	for _, path := range goodPaths {
		f.must(bursar.CheckPath(path))
		f.account(path)
		account, err := f.ledger.Account(f.Context(), path)
		if err != nil || account.Path != path {
			f.Errorf("%q was opened as %q, %v", path, account.Path, err)
		}
	}
	for _, path := range badPaths {
		f.wantError(bursar.CheckPath(path), bursar.CodeAccountInvalid, "")
		_, err := f.ledger.OpenAccount(f.Context(), bursar.Opening{Path: path, Currency: currency("USD")})
		f.wantError(err, bursar.CodeAccountInvalid, "path")
		f.refused(move(path, "a", "1.00 USD"), bursar.CodeAccountInvalid, "legs[0].from")
		f.refused(move("a", path, "1.00 USD"), bursar.CodeAccountInvalid, "legs[0].to")
		_, err = f.ledger.Account(f.Context(), path)
		f.wantError(err, bursar.CodeAccountInvalid, "")
	}
	if got := len(f.everything()); got != len(goodPaths) {
		f.Errorf("there are %d accounts, want %d", got, len(goodPaths))
	}
}

func pathsByBytes(f *fixture) {
	// In order of bytes: no engine may fold case, ignore punctuation or compare words.
	paths := []string{"A", "A:1", "B", "a", "a+b", "a-b", "a.b", "a0", "a:1", "a:10", "a:2", "aB", "a_b", "ab", "b"}
	for i := range paths {
		f.account(paths[(i*7)%len(paths)])
	}
	var got []string
	for _, account := range f.everything() {
		got = append(got, account.Path)
	}
	f.wantSame("the order of the accounts", paths, got)
}

func limitsChecked(f *fixture) {
	usd := currency("USD")
	for _, test := range []struct {
		field   string
		opening bursar.Opening
	}{
		{"min", bursar.Opening{Min: limit("0.01 USD")}},
		{"max", bursar.Opening{Max: limit("-0.01 USD")}},
		{"min", bursar.Opening{Min: limit("0.00 EUR")}},
		{"max", bursar.Opening{Max: limit("5.00 EUR")}},
		{"min", bursar.Opening{Min: limit("0.00 USD"), NoMin: true}},
	} {
		test.opening.Path, test.opening.Currency = "users:1", usd
		_, err := f.ledger.OpenAccount(f.Context(), test.opening)
		f.wantError(err, bursar.CodeLimitsInvalid, test.field)
	}
	_, err := f.ledger.OpenAccount(f.Context(), bursar.Opening{Path: "users:1"})
	f.wantError(err, bursar.CodeCurrencyInvalid, "currency")
	f.wantSame("the accounts", []bursar.Account{}, f.everything())
	f.opening(bursar.Opening{Path: "users:1", Currency: usd, Min: limit("0.00 USD"), Max: limit("0.00 USD")})
}

func accountUnknown(f *fixture) {
	_, err := f.ledger.Account(f.Context(), "users:1")
	f.wantError(err, bursar.CodeAccountNotFound, "")
	_, err = f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{})
	f.wantError(err, bursar.CodeAccountNotFound, "")
	_, err = f.ledger.Statement(f.Context(), "users:1", bursar.StatementQuery{})
	f.wantError(err, bursar.CodeAccountNotFound, "")
	_, err = f.ledger.Transfer(f.Context(), id(1))
	f.wantError(err, bursar.CodeTransferNotFound, "")
}
