package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
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
			var page struct {
				Path  string
				Lines []struct {
					Seq, Version                                          int64
					At, Effective, Kind, Transfer, Other, Amount, Balance string
				}
				Next int64
			}
			f.get(path).wants(http.StatusOK).into(&page)
			pages++
			for _, line := range page.Lines {
				balances = append(balances, line.Balance)
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
