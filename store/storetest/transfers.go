package storetest

import (
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

var transferCases = []testCase{
	{"legs happen in order", legsInOrder},
	{"all or nothing", allOrNothing},
	{"limits hold after each leg", limitsAfterEachLeg},
	{"limits are reached and not passed", limitsReached},
	{"a row keeps its own limits", rowKeepsLimits},
	{"malformed transfers", malformedTransfers},
	{"what an account refuses", accountRefuses},
	{"precedence", precedence},
	{"a batch judges each alone", batchJudgesEach},
}

func legsInOrder(f *fixture) {
	f.funded("users:1")
	f.account("users:2", "users:3")
	t := bursar.Transfer{ID: id(1), Legs: []bursar.Leg{
		leg("users:1", "users:2", "60.00 USD"), leg("users:2", "users:3", "45.00 USD"),
		leg("users:3", "users:1", "5.00 USD"), leg("users:2", "users:3", "15.00 USD"),
	}}
	posted := f.post(t)
	entries := f.journal(f.ledger)[5:]
	f.wantSame("the legs in the journal", []string{
		"6 users:1>users:2 60.00 USD", "7 users:2>users:3 45.00 USD",
		"8 users:3>users:1 5.00 USD", "9 users:2>users:3 15.00 USD",
	}, shorts(entries))
	for i, e := range entries {
		if e.Leg != i || e.Transfer != id(1) || e.Kind != bursar.EntryLeg || e.Decided != posted.Decided {
			f.Errorf("leg %d is recorded as %+v", i, e)
		}
	}
	f.wantSame("users:2 along the way", []bursar.After{
		{Version: 2, Balance: *limit("60.00 USD"), Held: *limit("0.00 USD")},
		{Version: 3, Balance: *limit("15.00 USD"), Held: *limit("0.00 USD")},
		{Version: 4, Balance: *limit("0.00 USD"), Held: *limit("0.00 USD")},
	}, []bursar.After{entries[0].ToAfter, entries[1].FromAfter, entries[3].FromAfter})
	if last := entries[3]; !f.Store.SealsLater() && (posted.Seq != last.Seq || posted.At != last.At) {
		f.Errorf("the answer is %+v, the last entry %d at %v", posted, last.Seq, last.At)
	}
	record, err := f.ledger.Transfer(f.Context(), id(1))
	f.must(err)
	f.wantSame("the transfer's entries", entries, record.Entries)
	f.wantBalance("users:1", "45.00 USD")
	f.wantBalance("users:2", "0.00 USD")
	f.wantBalance("users:3", "55.00 USD")
}

func allOrNothing(f *fixture) {
	f.funded("users:1", "users:2")
	before := len(f.journal(f.ledger))
	f.refused(bursar.Transfer{ID: id(1), Legs: []bursar.Leg{
		leg("users:1", "users:2", "100.00 USD"), leg("users:1", "users:2", "0.01 USD")}},
		bursar.CodeInsufficientFunds, "legs[1]")
	if got := len(f.journal(f.ledger)); got != before {
		f.Errorf("the journal has %d entries, want %d", got, before)
	}
}

func limitsAfterEachLeg(f *fixture) {
	f.funded("users:1")
	f.account("users:2")
	out, in := leg("users:2", "world", "10.00 USD"), leg("users:1", "users:2", "10.00 USD")
	f.refused(bursar.Transfer{Legs: []bursar.Leg{out, in}}, bursar.CodeInsufficientFunds, "legs[0]")
	f.post(bursar.Transfer{Legs: []bursar.Leg{in, out}})
	f.opening(bursar.Opening{Path: "small", Currency: currency("USD"), Max: limit("10.00 USD")})
	more, less := leg("users:1", "small", "10.01 USD"), leg("small", "users:1", "10.00 USD")
	f.refused(bursar.Transfer{Legs: []bursar.Leg{more, less}}, bursar.CodeLimitExceeded, "legs[0]")
}

func limitsReached(f *fixture) {
	f.funded("users:1")
	f.opening(bursar.Opening{Path: "credit", Currency: currency("USD"), Min: limit("-50.00 USD"), Max: limit("20.00 USD")})
	for _, step := range []struct{ from, to, exact, over string }{
		{"credit", "users:1", "50.00 USD", "50.01 USD"},
		{"users:1", "credit", "70.00 USD", "70.01 USD"},
		{"users:1", "world", "80.00 USD", "80.01 USD"},
	} {
		code := bursar.CodeInsufficientFunds
		if step.to == "credit" {
			code = bursar.CodeLimitExceeded
		}
		f.refused(move(step.from, step.to, step.over), code, "legs[0]")
		f.pay(step.from, step.to, step.exact)
	}
	f.wantBalance("users:1", "0.00 USD")
	f.wantBalance("credit", "20.00 USD")
	f.wantBalance("world", "-20.00 USD") // no minimum
}

// rowKeepsLimits writes without the ledger. The row itself refuses a balance outside its limits.
func rowKeepsLimits(f *fixture) {
	f.world()
	f.opening(bursar.Opening{Path: "users:1", Currency: currency("USD"), Max: limit("100.00 USD")})
	const row = " WHERE account = (SELECT account FROM bursar_account WHERE path = 'users:1')"
	for _, change := range []string{
		"balance = -1, available = -1", "balance = 10001, available = 10001", "balance_hi = 1, available_hi = 1",
	} {
		if _, err := f.DB.ExecContext(f.Context(), "UPDATE bursar_balance SET "+change+row); err == nil {
			f.Errorf("the row took %s", change)
		}
	}
	f.tampered = true
	f.exec("UPDATE bursar_balance SET balance = 10000, available = 10000" + row)
}

type malformed struct {
	code     bursar.Code
	field    string
	transfer bursar.Transfer
}

func malformedTable() []malformed {
	version, negative := int64(1), int64(-1)
	none := bursar.Transfer{Legs: []bursar.Leg{{From: "a", To: "b"}}}
	with := func(change func(*bursar.Transfer)) bursar.Transfer {
		t := move("a", "b", "1.00 USD")
		change(&t)
		return t
	}
	conditions := func(c ...bursar.Condition) bursar.Transfer {
		return with(func(t *bursar.Transfer) { t.Conditions = c })
	}
	metadata := func(key, value string) bursar.Transfer {
		return with(func(t *bursar.Transfer) { t.Metadata = bursar.Metadata{key: value} })
	}
	return []malformed{
		{bursar.CodeLegsInvalid, "legs", bursar.Transfer{}},
		{bursar.CodeLegsInvalid, "legs", bursar.Transfer{Legs: make([]bursar.Leg, 257)}},
		{bursar.CodeAmountInvalid, "legs[0].amount", none},
		{bursar.CodeAmountNotPositive, "legs[0].amount", move("a", "b", "0.00 USD")},
		{bursar.CodeAmountNotPositive, "legs[0].amount", move("a", "b", "-1.00 USD")},
		{bursar.CodeSameAccount, "legs[0].to", move("a", "a", "1.00 USD")},
		{bursar.CodeAccountInvalid, "legs[1].to", with(func(t *bursar.Transfer) {
			t.Legs = append(t.Legs, leg("a", "b c", "1.00 USD"))
		})},
		{bursar.CodeLegsInvalid, "conditions", conditions(make([]bursar.Condition, 65)...)},
		{bursar.CodeAccountInvalid, "conditions[0].path", conditions(bursar.Condition{Version: &version})},
		{bursar.CodeMalformed, "conditions[0]", conditions(bursar.Condition{Path: "a"})},
		{bursar.CodeMalformed, "conditions[0]", conditions(bursar.Condition{Path: "a", AtLeast: &money.Amount{}})},
		{bursar.CodeMalformed, "conditions[0]", conditions(bursar.Condition{Path: "a", Version: &negative})},
		{bursar.CodeMalformed, "conditions[1]", conditions(bursar.Condition{Path: "a", Version: &version},
			bursar.Condition{Path: "a", Version: &version, AtLeast: limit("1.00 USD")})},
		{bursar.CodeReferenceInvalid, "reference", with(func(t *bursar.Transfer) { t.Reference = "a\nb" })},
		{bursar.CodeReferenceInvalid, "reference", with(func(t *bursar.Transfer) { t.Reference = "a\xff" })},
		{bursar.CodeMetadataInvalid, "metadata", metadata("", "x")},
		{bursar.CodeMetadataInvalid, "metadata", metadata("k", "a\x00b")},
		{bursar.CodeMetadataInvalid, "metadata", metadata("k\xff", "x")},
		{bursar.CodeTimeInvalid, "effective", with(func(t *bursar.Transfer) {
			t.Effective = clockStart.AddDate(-400, 0, 0)
		})},
		{bursar.CodeTimeInvalid, "not_after", with(func(t *bursar.Transfer) {
			t.NotAfter = clockStart.AddDate(400, 0, 0)
		})},
	}
}

// malformedTransfers are refused before the database is asked, and are not remembered.
func malformedTransfers(f *fixture) {
	for i, test := range malformedTable() {
		test.transfer.ID = id(i)
		f.refused(test.transfer, test.code, test.field)
		if _, err := f.ledger.Transfer(f.Context(), id(i)); bursar.CodeOf(err) != bursar.CodeTransferNotFound {
			f.Errorf("%s was remembered: %v", test.code, err)
		}
	}
	f.wantSame("the head", int64(0), f.head().Seq)
}

// setState writes a state past the ledger, for which it has no verbs yet.
func (f *fixture) setState(path string, state bursar.AccountState) {
	f.Helper()
	f.tampered = true
	f.exec(fmt.Sprintf(`UPDATE bursar_balance SET state = %d
		WHERE account = (SELECT account FROM bursar_account WHERE path = '%s')`, state, path))
}

func accountRefuses(f *fixture) {
	f.funded("users:1", "users:2", "frozen", "closed")
	f.opening(bursar.Opening{Path: "euro", Currency: currency("EUR"), NoMin: true})
	f.opening(bursar.Opening{Path: "dollar3", Currency: currency("DOLLAR/3"), NoMin: true})
	f.opening(bursar.Opening{Path: "dollar2", Currency: currency("DOLLAR/2"), NoMin: true})
	f.setState("frozen", bursar.AccountFrozen)
	f.setState("closed", bursar.AccountClosed)
	for _, test := range []struct {
		code             bursar.Code
		field            string
		from, to, amount string
	}{
		{bursar.CodeAccountNotFound, "legs[0].from", "nobody", "users:1", "1.00 USD"},
		{bursar.CodeAccountNotFound, "legs[0].to", "users:1", "nobody", "1.00 USD"},
		{bursar.CodeAccountFrozen, "legs[0]", "frozen", "users:1", "1.00 USD"},
		{bursar.CodeAccountFrozen, "legs[0]", "users:1", "frozen", "1.00 USD"},
		{bursar.CodeAccountClosed, "legs[0]", "closed", "users:1", "1.00 USD"},
		{bursar.CodeAccountClosed, "legs[0]", "users:1", "closed", "1.00 USD"},
		{bursar.CodeCurrencyMismatch, "legs[0].amount", "users:1", "users:2", "1.00 EUR"},
		{bursar.CodeCurrencyMismatch, "legs[0].amount", "users:1", "euro", "1.00 USD"},
		{bursar.CodeCurrencyMismatch, "legs[0].amount", "euro", "users:1", "1.00 USD"},
		{bursar.CodeCurrencyMismatch, "legs[0].amount", "dollar2", "dollar3", "1.00 DOLLAR/2"},
	} {
		f.refused(move(test.from, test.to, test.amount), test.code, test.field)
	}
	account, err := f.ledger.Account(f.Context(), "frozen")
	if err != nil || account.State != bursar.AccountFrozen {
		f.Errorf("the account reads %v, %v", account.State, err)
	}
}

// precedence breaks more and more rules with one transfer. The refusal must name the first of them.
func precedence(f *fixture) {
	f.funded("users:1", "frozen")
	f.setState("frozen", bursar.AccountFrozen)
	posted := bursar.Transfer{ID: id(1), Reference: "taken", Legs: []bursar.Leg{leg("users:1", "world", "1.00 USD")}}
	f.post(posted)
	version := int64(77)
	t := bursar.Transfer{ID: id(2), Legs: []bursar.Leg{leg("users:1", "world", "1000.00 USD")}}
	add := func(to, amount string) func() {
		return func() { t.Legs = append(t.Legs, leg("users:1", to, amount)) }
	}
	for _, step := range []struct {
		code   bursar.Code
		field  string
		change func()
	}{
		{bursar.CodeInsufficientFunds, "legs[0]", func() {}},
		{bursar.CodeVersionChanged, "conditions[0]", func() {
			t.Conditions = []bursar.Condition{{Path: "users:1", Version: &version}}
		}},
		{bursar.CodeTooLate, "not_after", func() { t.NotAfter = clockStart.Add(-1) }},
		{bursar.CodeEffectiveInFuture, "effective", func() { t.Effective = clockStart.AddDate(1, 0, 0) }},
		{bursar.CodeCurrencyMismatch, "legs[1].amount", add("world", "1.00 EUR")},
		{bursar.CodeAccountFrozen, "legs[2]", add("frozen", "1.00 USD")},
		{bursar.CodeAccountNotFound, "legs[3].to", add("nobody", "1.00 USD")},
		{bursar.CodeReferenceTaken, "reference", func() { t.Reference = "taken" }},
		{bursar.CodeIDReused, "legs", func() { t.ID = id(1) }},
		{bursar.CodeAmountNotPositive, "legs[4].amount", add("world", "0.00 USD")},
	} {
		step.change()
		f.refused(t, step.code, step.field)
		t.ID = id(int(100 + f.number("SELECT count(*) FROM bursar_request"))) // refusals are remembered
	}
}

func batchJudgesEach(f *fixture) {
	f.funded("users:1")
	f.account("users:2")
	results, err := f.ledger.PostBatch(f.Context(), []bursar.Transfer{
		move("users:1", "users:2", "70.00 USD"),
		move("users:1", "users:2", "70.00 USD"), // too much after the first
		move("users:1", "", "1.00 USD"),
		move("users:2", "users:1", "20.00 USD"), // sees the first
		move("users:1", "users:2", "50.00 USD"), // and this
	})
	f.must(err)
	want := []bursar.Code{"", bursar.CodeInsufficientFunds, bursar.CodeAccountInvalid, "", ""}
	for i, result := range results {
		if got := bursar.CodeOf(result.Err); got != want[i] || (result.Posted == bursar.Posted{}) != (want[i] != "") {
			f.Errorf("transfer %d: %+v, want code %q", i, result, want[i])
		}
	}
	f.wantBalance("users:1", "0.00 USD")
	f.wantBalance("users:2", "100.00 USD")
	none, err := f.ledger.PostBatch(f.Context(), nil)
	if err != nil || len(none) != 0 {
		f.Errorf("an empty batch: %v, %v", none, err)
	}
}
