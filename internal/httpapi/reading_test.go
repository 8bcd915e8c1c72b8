package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
)

func TestAccountPages(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	type page struct {
		Accounts []struct {
			Path, Currency, State, Balance, Held, Available, Opened string
			Min, Max                                                *string
			Version                                                 int64
			Metadata                                                map[string]string
		}
		Next string
	}
	walk := func(query string) (paths []string, pages int) {
		for after := ""; ; {
			path := "/v1/accounts?" + query
			if after != "" {
				path += "&after=" + url.QueryEscape(after)
			}
			var p page
			f.get(path).wants(http.StatusOK).into(&p)
			pages++
			for _, account := range p.Accounts {
				paths = append(paths, account.Path)
			}
			if after = p.Next; after == "" {
				return paths, pages
			}
		}
	}
	all := []string{"outside:bank", "users:alice", "users:bob", "users:eve"}
	for _, c := range []struct {
		query string
		want  []string
		pages int
	}{
		{"limit=1000", all, 1}, {"limit=5", all, 1}, {"limit=4", all, 1}, {"limit=3", all, 2}, {"limit=2", all, 2},
		{"limit=1", all, 4}, {"limit=2&prefix=users:", all[1:], 2}, {"limit=3&prefix=users:", all[1:], 1},
		{"limit=1&prefix=users:b", all[2:3], 1}, {"limit=5&prefix=none", nil, 1},
	} {
		paths, pages := walk(c.query)
		if diff := cmp.Diff(c.want, paths); diff != "" || pages != c.pages {
			t.Errorf("%s: %d pages, want %d (-want +got):\n%s", c.query, pages, c.pages, diff)
		}
	}
	var first page
	f.get("/v1/accounts").wants(http.StatusOK).into(&first)
	bank, bob := first.Accounts[0], first.Accounts[2]
	if bank.Min != nil || bob.Min == nil || *bob.Min != "0.00 USD" || bob.Max == nil || *bob.Max != "500.00 USD" {
		t.Errorf("limits of %+v and %+v", bank, bob)
	}
}

func TestStatementPages(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	for range 4 {
		f.post("/v1/transfers", `{"from":"users:alice","to":"users:bob","amount":"1.00 USD"}`).wants(http.StatusCreated)
	}
	for limit, wanted := range map[int]int{1: 6, 2: 3, 3: 2, 4: 2, 6: 1, 1000: 1} {
		var balances []string
		pages := 0
		for before := int64(0); ; {
			path := fmt.Sprintf("/v1/accounts/users:alice/statement?limit=%d", limit)
			if before > 0 {
				path += fmt.Sprintf("&before=%d", before)
			}
			var page bursar.Statement
			f.get(path).wants(http.StatusOK).into(&page)
			pages++
			for _, line := range page.Lines {
				balances = append(balances, line.Balance.String())
			}
			if before = page.Next; before == 0 {
				break
			}
		}
		want := []string{"96.00 USD", "97.00 USD", "98.00 USD", "99.00 USD", "100.00 USD", "0.00 USD"}
		if diff := cmp.Diff(want, balances); diff != "" || pages != wanted {
			t.Errorf("limit %d: %d pages, want %d (-want +got):\n%s", limit, pages, wanted, diff)
		}
	}
}

// TestStatementOfATime asks for a part of the history, from its beginning.
func TestStatementOfATime(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	f.post("/v1/transfers", `{"reference":"order 7","metadata":{"k":"v"},"legs":[
		{"from":"users:alice","to":"users:bob","amount":"1.00 USD"},
		{"from":"users:alice","to":"outside:bank","amount":"2.00 USD"}]}`).wants(http.StatusCreated)
	read := func(query string) (s bursar.Statement) {
		f.get("/v1/accounts/users:alice/statement?" + query).wants(http.StatusOK).into(&s)
		return s
	}
	first := read("after=0&limit=2")
	if len(first.Lines) != 2 || first.Lines[0].Kind != bursar.EntryOpen || first.Next != first.Lines[1].Version {
		t.Fatalf("the first page forward is %+v", first)
	}
	rest := read(fmt.Sprintf("after=%d", first.Next))
	if len(rest.Lines) != 1 || rest.Next != 0 || rest.Closing != first.Closing {
		t.Fatalf("the second page forward is %+v", rest)
	}
	line := rest.Lines[0]
	if line.Reference != "order 7" || line.Metadata["k"] != "v" || line.Amount.String() != "-3.00 USD" ||
		line.Other != "" || len(line.Legs) != 2 || line.Legs[1].Other != "outside:bank" || line.Decided == 0 {
		t.Errorf("the line is %+v", line)
	}
	at := url.QueryEscape(line.At.String())
	before, after := read("to="+at), read("from="+at)
	if before.Opening.String() != "0.00 USD" || before.Closing != after.Opening || after.Closing.String() != "97.00 USD" ||
		len(before.Lines) != 2 || len(after.Lines) != 1 {
		t.Errorf("before the transfer %+v, after it %+v", before, after)
	}
	var found, same bursar.TransferRecord
	f.get("/v1/transfers?reference=order+7").wants(http.StatusOK).into(&found)
	f.get("/v1/transfers/" + found.ID.String()).wants(http.StatusOK).into(&same)
	if !reflect.DeepEqual(found, same) || found.ID != line.Transfer || found.Reference != "order 7" {
		t.Errorf("by reference %+v, by id %+v", found, same)
	}
	var journal journalPage
	f.get("/v1/journal?after=5").wants(http.StatusOK).into(&journal)
	last := journal.Entries[len(journal.Entries)-1]
	if last.Reference != "order 7" || last.Metadata["k"] != "v" {
		t.Errorf("the last entry is %+v", last)
	}
}

func TestBalancesAndSums(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	var many struct{ Balances []bursar.Balance }
	f.get("/v1/balances?path=users:bob&path=users:alice&path=users:bob").wants(http.StatusOK).into(&many)
	var got []string
	for _, b := range many.Balances {
		got = append(got, b.Path+" "+b.Balance.String())
	}
	if diff := cmp.Diff([]string{"users:bob 0.00 USD", "users:alice 100.00 USD", "users:bob 0.00 USD"}, got); diff != "" {
		t.Errorf("the balances (-want +got):\n%s", diff)
	}
	f.get("/v1/balances?path=users:alice&seq=1").wants(http.StatusOK).into(&many)
	if len(many.Balances) != 1 || many.Balances[0].Seq != 1 || !many.Balances[0].Balance.IsZero() {
		t.Errorf("as of the first entry: %+v", many)
	}
	for query, want := range map[string]string{
		"prefix=users:a": "1 100.00 USD", "prefix=users:a&seq=2": "1 0.00 USD", "": "3 0.00 USD",
	} {
		var sums struct {
			Seq    int64
			At     bursar.Instant
			Totals []bursar.CurrencyTotal
		}
		f.get("/v1/sums?" + query).wants(http.StatusOK).into(&sums)
		if len(sums.Totals) == 0 || fmt.Sprint(sums.Totals[0].Accounts, " ", sums.Totals[0].Sum) != want {
			t.Errorf("the sums of %q are %+v, want %s", query, sums, want)
		}
	}
}

type journalPage struct {
	Entries []bursar.Entry
	Next    int64
}

func TestJournalPages(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	var last bursar.Hash
	for limit, wanted := range map[int]int{1: 5, 2: 3, 4: 2, 5: 1, 6: 1, 1000: 1} {
		var seqs []int64
		pages := 0
		for after := int64(0); ; {
			var page journalPage
			f.get(fmt.Sprintf("/v1/journal?limit=%d&after=%d", limit, after)).wants(http.StatusOK).into(&page)
			pages++
			for _, e := range page.Entries {
				seqs, last = append(seqs, e.Seq), e.Hash
			}
			if after = page.Next; after == 0 || pages > len(seqs) {
				break
			}
		}
		if !slices.Equal(seqs, []int64{1, 2, 3, 4, 5}) || pages != wanted {
			t.Errorf("limit %d: positions %v on %d pages, want 1 to 5 on %d", limit, seqs, pages, wanted)
		}
	}
	if got := string(f.get("/v1/journal?after=5").wants(http.StatusOK).body); got != "{\"entries\":[]}\n" {
		t.Errorf("after the last: %s", got)
	}
	var head struct {
		Book string
		bursar.Head
	}
	f.get("/v1/head").wants(http.StatusOK).into(&head)
	if head.Book != "main" || head.Seq != 5 || head.Hash != last || head.At == 0 {
		t.Errorf("head %+v, want main at 5 with hash %s", head, last)
	}
}

func TestBalanceAsOf(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded() // the funding is entry 5
	f.post("/v1/transfers", with(`"effective":"2026-01-31T12:00:00Z"`)).wants(http.StatusCreated)
	var page journalPage
	f.get("/v1/journal").wants(http.StatusOK).into(&page)
	for _, c := range []struct{ query, want string }{
		{"", "99.00 USD"},
		{"?seq=1", "0.00 USD"},
		{"?seq=5", "100.00 USD"},
		{"?seq=6", "99.00 USD"},
		{"?at=" + page.Entries[4].At.String(), "100.00 USD"},
		{"?at=" + page.Entries[5].At.String(), "99.00 USD"},
		{"?effective=2026-01-31T12:00:00Z", "-1.00 USD"},
		{"?effective=2026-01-31T13:00:00%2B01:00", "-1.00 USD"},
		{"?effective=2026-01-31T11:59:59Z", "0.00 USD"},
	} {
		var got struct {
			Path, Balance, Held, Available string
			Version, Seq                   int64
		}
		f.get("/v1/accounts/users:alice/balance" + c.query).wants(http.StatusOK).into(&got)
		if got.Balance != c.want || got.Path != "users:alice" {
			t.Errorf("%q: %+v, want %s", c.query, got, c.want)
		}
	}
}

func TestTrialBalance(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	if got := string(f.get("/v1/trial-balance").wants(http.StatusOK).body); got != "{\"seq\":0,\"totals\":[]}\n" {
		t.Errorf("of an empty ledger: %s", got)
	}
	f.funded()
	var got struct {
		Seq    int64
		At     string
		Totals []struct {
			Currency, Positive, Negative, Sum string
			Accounts                          int64
		}
	}
	f.get("/v1/trial-balance").wants(http.StatusOK).into(&got)
	if len(got.Totals) != 2 || got.Seq != 5 {
		t.Fatalf("%+v, want USD and EUR at 5", got)
	}
	for _, total := range got.Totals {
		if total.Sum != "0.00 "+total.Currency {
			t.Errorf("%s sums to %s", total.Currency, total.Sum)
		}
	}
}

func TestEscapedPaths(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	for _, path := range []string{"users:alice", "users%3Aalice", "%75sers%3aalice"} {
		f.get("/v1/accounts/" + path).wants(http.StatusOK)
	}
	f.post("/v1/accounts", `{"path":"..","currency":"USD"}`).wants(http.StatusCreated)
	f.get("/v1/accounts/%2E%2E").wants(http.StatusOK)
}
