package storetest

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

var readingCases = []testCase{
	{"as of a position", asOfSeq},
	{"as of a time", asOfTime},
	{"as of an effective time", asOfEffective},
	{"beyond the head is refused", asOfAhead},
	{"a past time of a quiet ledger is reached", asOfQuiet},
	{"a long history past many checkpoints", longHistory},
	{"accounts page by page", accountPages},
	{"a page of too many items is refused", pageLimits},
	{"the trial balance", trialBalances},
	{"a transfer", readTransfer},
	{"a transfer by its reference", byReference},
	{"the journal says what was asked for", journalNotes},
	{"many balances at once", manyBalances},
	{"sums by prefix", sums},
	{"loops over pages", loops},
}

func (f *fixture) wantAsOf(path string, asOf bursar.AsOf, want string) {
	f.Helper()
	b, err := f.ledger.Balance(f.Context(), path, asOf)
	f.must(err)
	got := fmt.Sprintf("%v of %d", b.Balance, b.Version)
	if got != want || b.Available != b.Balance || b.Path != path {
		f.Errorf("%s as of %+v is %+v, want %s", path, asOf, b, want)
	}
}

func asOfSeq(f *fixture) {
	f.world()
	f.account("users:1", "users:2")
	f.pay("world", "users:1", "100.00 USD") // 4
	f.pay("users:1", "users:2", "30.00 USD")
	f.pay("users:2", "users:1", "10.00 USD")
	for seq, want := range map[int64]string{
		1: "0.00 USD of 0", 2: "0.00 USD of 1", 3: "0.00 USD of 1",
		4: "100.00 USD of 2", 5: "70.00 USD of 3", 6: "80.00 USD of 4",
	} {
		f.wantAsOf("users:1", bursar.AsOf{Seq: seq}, want)
	}
	f.wantAsOf("users:1", bursar.AsOf{}, "80.00 USD of 4")
	b, err := f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{Seq: 5})
	if err != nil || b.Seq != 5 {
		f.Errorf("it covers position %d, %v", b.Seq, err)
	}
}

func asOfTime(f *fixture) {
	f.world()
	f.account("users:1")
	var times []time.Time
	for range 5 {
		f.clock.Advance(time.Hour)
		posted := f.pay("world", "users:1", "10.00 USD")
		if head := f.head(); !f.Store.SealsLater() && head.At != posted.At {
			f.Errorf("the head is at %v, the last entry at %v", head.At, posted.At)
		}
		times = append(times, f.head().At.Time())
	}
	f.wantAsOf("users:1", bursar.AsOf{At: clockStart.Add(-time.Hour)}, "0.00 USD of 0")
	f.wantAsOf("users:1", bursar.AsOf{At: time.Unix(0, 1)}, "0.00 USD of 0")
	for i, at := range times {
		f.wantAsOf("users:1", bursar.AsOf{At: at.Add(-1)}, fmt.Sprintf("%d.00 USD of %d", 10*i, i+1))
		f.wantAsOf("users:1", bursar.AsOf{At: at}, fmt.Sprintf("%d.00 USD of %d", 10*i+10, i+2))
	}
	zero := time.Time{}.In(time.FixedZone("elsewhere", 3600))
	f.wantAsOf("users:1", bursar.AsOf{At: zero}, "50.00 USD of 6") // zero is now
}

func asOfEffective(f *fixture) {
	f.world()
	f.account("users:1")
	hour := func(n int) time.Time { return clockStart.Add(time.Duration(n) * time.Hour) }
	f.clock.Set(hour(10))
	f.pay("world", "users:1", "1.00 USD") // effective at 10
	f.clock.Set(hour(20))
	late := move("world", "users:1", "2.00 USD")
	late.Effective = hour(5)
	f.post(late)
	late = move("users:1", "world", "1.50 USD")
	late.Effective = hour(15)
	f.post(late)
	f.clock.Set(hour(30))
	f.pay("world", "users:1", "4.00 USD")
	for _, test := range []struct {
		at   time.Time
		want string // Version counts what was posted by then
	}{
		{hour(5).Add(-1), "0.00 USD of 1"}, {hour(5), "2.00 USD of 1"},
		{hour(10).Add(-1), "2.00 USD of 1"}, {hour(10), "3.00 USD of 2"},
		{hour(15).Add(-1), "3.00 USD of 2"}, {hour(15), "1.50 USD of 2"},
		{hour(20), "1.50 USD of 3"}, {hour(29), "1.50 USD of 4"}, {hour(30), "5.50 USD of 5"},
	} {
		f.wantAsOf("users:1", bursar.AsOf{Effective: test.at}, test.want)
	}
	f.wantAsOf("users:1", bursar.AsOf{At: hour(15)}, "1.00 USD of 2") // what the books said then
}

func asOfAhead(f *fixture) {
	f.funded("users:1")
	head := f.head()
	f.wantAsOf("users:1", bursar.AsOf{Seq: head.Seq}, "100.00 USD of 2")
	f.wantAsOf("users:1", bursar.AsOf{At: head.At.Time()}, "100.00 USD of 2")
	later := head.At.Time().Add(1)
	for _, asOf := range []bursar.AsOf{{Seq: head.Seq + 1}, {Seq: -1}, {At: later}, {Effective: later}} {
		_, err := f.ledger.Balance(f.Context(), "users:1", asOf)
		f.wantError(err, bursar.CodeAsOfAhead, "")
	}
	_, err := f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{At: clockStart.AddDate(1000, 0, 0)})
	f.wantError(err, bursar.CodeTimeInvalid, "")
	_, err = f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{Seq: 1, At: head.At.Time()})
	f.wantError(err, bursar.CodeMalformed, "")
}

// longHistory gives one account more entries than one page and many checkpoints.
func longHistory(f *fixture) {
	f.world()
	f.account("users:1")
	const n = 1_500
	batch := make([]bursar.Transfer, n)
	for i := range batch {
		batch[i] = move("world", "users:1", "0.01 USD")
	}
	results, err := f.ledger.PostBatch(f.Context(), batch)
	f.must(err)
	for i := range results {
		f.must(results[i].Err)
	}
	f.sealPosted()
	for version := int64(1); version <= n+1; version += 31 {
		want := fmt.Sprintf("%d.%02d USD of %d", (version-1)/100, (version-1)%100, version)
		f.wantAsOf("users:1", bursar.AsOf{Seq: version + 1}, want) // the world's opening is the first entry
	}
	f.wantCheckpoints(n / 100)
	var versions []int64
	for before := int64(0); before != 1; {
		page, err := f.ledger.Statement(f.Context(), "users:1", bursar.StatementQuery{After: before})
		f.must(err)
		if len(page.Lines) == 0 || len(page.Lines) > bursar.PageMax {
			f.Fatalf("a page of %d lines before %d", len(page.Lines), before)
		}
		for _, line := range page.Lines {
			versions = append(versions, line.Version)
		}
		before = versions[len(versions)-1]
	}
	for i, version := range versions {
		if want := int64(n + 1 - i); version != want {
			f.Fatalf("line %d has version %d, want %d", i, version, want)
		}
	}
}

// wantCheckpoints wants enough checkpoints to keep "as of" quick, each at the entry that it names.
func (f *fixture) wantCheckpoints(least int64) {
	f.Helper()
	const right = `SELECT count(*) FROM bursar_checkpoint c JOIN bursar_entry e ON e.entry = c.entry
		WHERE c.account = e.to_account AND c.version = e.to_version
			OR c.account = e.from_account AND c.version = e.from_version`
	all := f.number("SELECT count(*) FROM bursar_checkpoint")
	if got := f.number(right); got != all || got < 2*least {
		f.Errorf("%d checkpoints of %d are right, want all of them and at least %d", got, all, 2*least)
	}
}

func accountPages(f *fixture) {
	var paths []string
	for i := range 30 {
		paths = append(paths, fmt.Sprintf("users:%d", i), fmt.Sprintf("shops:%d", i))
	}
	paths = append(paths, "user", "users", "users+", "users.1", "usert", "USERS:1")
	f.account(paths...)
	slices.Sort(paths)
	for _, prefix := range []string{
		"", "users", "users:", "users:1", "users:29", "shops:", "nothing", "z", "U", "users%", "_sers",
	} {
		var want []string
		for _, path := range paths {
			if strings.HasPrefix(path, prefix) {
				want = append(want, path)
			}
		}
		for _, limit := range []int{1, 7, 0} {
			var got []string
			for q := (bursar.AccountQuery{Prefix: prefix, Limit: limit}); ; q.After = got[len(got)-1] {
				page, err := f.ledger.Accounts(f.Context(), q)
				f.must(err)
				if limit > 0 && len(page) > limit {
					f.Fatalf("a page of %d accounts, want at most %d", len(page), limit)
				}
				for _, account := range page {
					got = append(got, account.Path)
				}
				if len(page) == 0 {
					break
				}
			}
			f.wantSame(fmt.Sprintf("the accounts of %q in pages of %d", prefix, limit), want, got)
		}
	}
}

// pageLimits asks for pages of impossible sizes. A reader who got a shorter one would take it for the last.
func pageLimits(f *fixture) {
	f.funded("users:1")
	for limit, want := range map[int]bursar.Code{
		-1: bursar.CodeMalformed, 0: "", 1: "", bursar.PageMax: "", bursar.PageMax + 1: bursar.CodeMalformed,
	} {
		_, journal := f.ledger.Journal(f.Context(), 0, limit)
		_, accounts := f.ledger.Accounts(f.Context(), bursar.AccountQuery{Limit: limit})
		_, lines := f.ledger.Statement(f.Context(), "users:1", bursar.StatementQuery{Limit: limit})
		for what, err := range map[string]error{"journal": journal, "accounts": accounts, "statement": lines} {
			if got := bursar.CodeOf(err); got != want {
				f.Errorf("a page of %d of the %s: %v, want code %q", limit, what, err, want)
			}
		}
	}
}

func trialBalances(f *fixture) {
	f.wantSame("the trial balance of nothing", 0, len(f.trialBalance()))
	f.funded("users:1", "users:2")
	f.opening(bursar.Opening{Path: "out", Currency: currency("JPY"), NoMin: true})
	f.opening(bursar.Opening{Path: "in", Currency: currency("JPY")})
	f.pay("out", "in", "777 JPY")
	got := map[string]string{}
	for _, total := range f.trialBalance() {
		got[total.Currency.String()] = fmt.Sprintf("%d: %v %v %v", total.Accounts, total.Positive, total.Negative, total.Sum)
	}
	f.wantSame("the trial balance", map[string]string{
		"USD": "3: 200.00 USD -200.00 USD 0.00 USD", "JPY": "2: 777 JPY -777 JPY 0 JPY",
	}, got)
	stop := errors.New("enough")
	seen := 0
	_, _, err := f.ledger.TrialBalance(f.Context(), func(bursar.Account) error { seen++; return stop })
	if !errors.Is(err, stop) || seen != 1 {
		f.Errorf("it went on after an error: %d accounts, %v", seen, err)
	}
}

func readTransfer(f *fixture) {
	f.funded("users:1", "users:2")
	f.account("users:3")
	posted := f.post(full())
	record, err := f.ledger.Transfer(f.Context(), id(1))
	f.must(err)
	if record.Kind != bursar.EntryLeg || record.Reference != "order 7" || record.Decided != posted.Decided ||
		record.Refusal != nil {
		f.Errorf("the transfer reads %+v", record)
	}
	want := []string{"7 users:1>users:2 10.00 USD", "8 users:1>users:3 1.00 USD"}
	f.wantSame("its entries", want, shorts(record.Entries))
	f.wantSame("the metadata of its entries", record.Metadata, record.Entries[1].Metadata)
	opened, err := f.ledger.Transfer(f.Context(), bursar.IDOf("account.open", "users:3"))
	f.must(err)
	if opened.Kind != bursar.EntryOpen || len(opened.Entries) != 1 {
		f.Errorf("the opening reads %+v", opened)
	}
}

// asOfQuiet asks about a time that is past by the clock and later than the last entry.
func asOfQuiet(f *fixture) {
	f.funded("users:1")
	head := f.head()
	f.clock.Advance(time.Hour)
	at := f.clock.Now()
	f.wantAsOf("users:1", bursar.AsOf{At: at}, "100.00 USD of 2")
	if moved := f.head(); moved.At < instant(at) || moved.Seq != head.Seq || moved.Hash != head.Hash {
		f.Errorf("the head is %v, and was %v", moved, head)
	}
	f.clock.Set(clockStart) // whatever the clock says, what comes now is later
	if posted := f.pay("users:1", "world", "1.00 USD"); !f.Store.SealsLater() && posted.At <= instant(at) {
		f.Errorf("it is at %v, not after %v", posted.At, at)
	}
	f.wantAsOf("users:1", bursar.AsOf{At: at}, "100.00 USD of 2")
}

func byReference(f *fixture) {
	f.funded("users:1", "users:2")
	f.account("users:3")
	f.post(full())
	want, err := f.ledger.Transfer(f.Context(), id(1))
	f.must(err)
	got, err := f.ledger.TransferByReference(f.Context(), "order 7")
	f.must(err)
	f.wantSame("the transfer", want, got)
	late := move("users:3", "users:1", "900.00 USD")
	late.ID, late.Reference = attempt(1), "order 8"
	f.refused(late, bursar.CodeInsufficientFunds, "legs[0]")
	for reference, code := range map[string]bursar.Code{
		"order": bursar.CodeTransferNotFound, "ORDER 7": bursar.CodeTransferNotFound, "order 8": bursar.CodeTransferNotFound,
		"": bursar.CodeReferenceInvalid, "\x00": bursar.CodeReferenceInvalid,
	} {
		_, err := f.ledger.TransferByReference(f.Context(), reference)
		if got := bursar.CodeOf(err); got != code {
			f.Errorf("the reference %q: %v, want code %q", reference, err, code)
		}
	}
	other := f.start(&ledger.Options{Book: "other", Migrate: true})
	_, err = other.TransferByReference(f.Context(), "order 7")
	f.wantError(err, bursar.CodeTransferNotFound, "")
}

func journalNotes(f *fixture) {
	f.funded("users:1", "users:2")
	f.opening(bursar.Opening{Path: "users:3", Currency: currency("USD"), Metadata: awkward})
	f.post(full())
	entries := f.journal(f.ledger)
	for _, e := range entries[len(entries)-2:] {
		if e.Reference != "order 7" {
			f.Errorf("entry %d has the reference %q", e.Seq, e.Reference)
		}
		f.wantSame("its metadata", bursar.Metadata{"a": "1", "b": ""}, e.Metadata)
	}
	f.wantSame("the metadata of an opening", awkward, entries[len(entries)-3].Metadata)
	f.wantSame("that of nothing", bursar.Metadata(nil), entries[0].Metadata)
}

func manyBalances(f *fixture) {
	f.funded("users:1", "users:2", "users:3")
	head := f.head()
	f.pay("users:1", "users:2", "30.00 USD")
	want := func(asOf bursar.AsOf, paths []string, want ...string) {
		f.Helper()
		balances, err := f.ledger.Balances(f.Context(), paths, asOf)
		f.must(err)
		var got []string
		for _, b := range balances {
			got = append(got, fmt.Sprintf("%s %v", b.Path, b.Balance))
		}
		f.wantSame("the balances", want, got)
	}
	paths := []string{"users:2", "users:1", "users:2", "world"}
	want(bursar.AsOf{}, paths, "users:2 130.00 USD", "users:1 70.00 USD", "users:2 130.00 USD", "world -300.00 USD")
	want(bursar.AsOf{Seq: head.Seq}, paths,
		"users:2 100.00 USD", "users:1 100.00 USD", "users:2 100.00 USD", "world -300.00 USD")
	want(bursar.AsOf{}, nil)
	f.clock.Advance(time.Hour)
	want(bursar.AsOf{At: f.clock.Now()}, []string{"users:1", "users:3"}, "users:1 70.00 USD", "users:3 100.00 USD")

	_, err := f.ledger.Balances(f.Context(), []string{"users:1", "users:9"}, bursar.AsOf{})
	f.wantError(err, bursar.CodeAccountNotFound, "")
	if !strings.Contains(err.Error(), "users:9") {
		f.Errorf("it does not say which: %v", err)
	}
	_, err = f.ledger.Balances(f.Context(), []string{"users:1", "no path"}, bursar.AsOf{})
	f.wantError(err, bursar.CodeAccountInvalid, "")
	_, err = f.ledger.Balances(f.Context(), make([]string, bursar.PageMax+1), bursar.AsOf{})
	f.wantError(err, bursar.CodeTooLarge, "")
}

func sums(f *fixture) {
	for _, path := range []string{"big:1", "big:2", "other"} {
		f.opening(bursar.Opening{Path: path, Currency: currency("BIG/0"), NoMin: true})
	}
	f.pay("other", "big:1", "1000000000000000000 BIG/0")
	f.pay("big:2", "big:1", "999999999999999999 BIG/0")
	f.funded("users:1", "users:10")
	head := f.head()
	f.pay("users:10", "users:1", "10.00 USD")
	want := func(prefix string, asOf bursar.AsOf, want ...string) bursar.Head {
		f.Helper()
		totals, head, err := f.ledger.Sum(f.Context(), prefix, asOf)
		f.must(err)
		var got []string
		for _, t := range totals {
			got = append(got, fmt.Sprintf("%d: %v %v %v", t.Accounts, t.Positive, t.Negative, t.Sum))
		}
		f.wantSame("the sums of "+prefix, want, got)
		return head
	}
	const big = "1999999999999999999 BIG/0 -999999999999999999 BIG/0 1000000000000000000 BIG/0"
	want("big:", bursar.AsOf{}, "2: "+big)
	want("users:1", bursar.AsOf{}, "2: 200.00 USD 0.00 USD 200.00 USD")
	want("users:1:", bursar.AsOf{})
	want("users:10", bursar.AsOf{}, "1: 90.00 USD 0.00 USD 90.00 USD")
	was := want("users:10", bursar.AsOf{Seq: head.Seq}, "1: 100.00 USD 0.00 USD 100.00 USD")
	f.wantSame("the head as it was", head, was)
	f.wantSame("the head of now", f.head(), want("nobody", bursar.AsOf{}))
	none := want("", bursar.AsOf{At: clockStart.AddDate(-1, 0, 0)})
	if none.Seq != 0 || none.Hash != f.ledger.Book().Genesis {
		f.Errorf("the head before all is %+v", none)
	}
	_, _, err := f.ledger.Sum(f.Context(), "", bursar.AsOf{Seq: 1, At: clockStart})
	f.wantError(err, bursar.CodeMalformed, "")
}

func loops(f *fixture) {
	f.funded("users:1", "users:2", "users:3")
	f.wantSame("all accounts", f.everything(),
		collect(f, f.ledger.AllAccounts(f.Context(), bursar.AccountQuery{Limit: 2})))
	f.wantSame("the accounts after one", f.everything()[1:3],
		collect(f, f.ledger.AllAccounts(f.Context(), bursar.AccountQuery{Prefix: "users:", After: "users:1", Limit: 1})))
	f.wantSame("all entries", f.journal(f.ledger), collect(f, f.ledger.AllEntries(f.Context(), 0)))
	f.wantSame("the entries after one", f.journal(f.ledger)[3:], collect(f, f.ledger.AllEntries(f.Context(), 3)))
	q := bursar.StatementQuery{Limit: 2}
	lines := collect(f, f.ledger.AllLines(f.Context(), "world", q))
	f.wantSame("the number of lines", 4, len(lines))
	q.Forward = true
	slices.Reverse(lines)
	again := f.ledger.AllLines(f.Context(), "world", q)
	for range 2 { // a loop may be run again
		f.wantSame("all lines forward", lines, collect(f, again))
	}
	seen := 0
	for range again {
		if seen++; seen == 3 {
			break
		}
	}
	f.wantSame("the lines before a break", 3, seen)
	turns := 0
	for _, err := range f.ledger.AllLines(f.Context(), "users:9", q) {
		f.wantError(err, bursar.CodeAccountNotFound, "")
		turns++
	}
	for _, err := range f.ledger.AllAccounts(f.Context(), bursar.AccountQuery{Limit: -1}) {
		f.wantError(err, bursar.CodeMalformed, "limit")
		turns++
	}
	f.wantSame("loops that end with an error", 2, turns)
}

func collect[T any](f *fixture, all iter.Seq2[T, error]) (items []T) {
	f.Helper()
	for item, err := range all {
		f.must(err)
		items = append(items, item)
	}
	return items
}
