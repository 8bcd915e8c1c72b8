package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestAThingIsRefusedFundedAndPosted sends one payment under the id of a thing until there is money for it.
func TestAThingIsRefusedFundedAndPosted(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	thing := bursar.IDOf("order.pay", 7).String()
	body := `{"id":"` + thing + `","from":"users:bob","to":"users:alice","amount":"5.00 USD"}`
	for range 2 {
		p := f.post("/v1/transfers", body).wants(http.StatusConflict).problem()
		if p.Code != "insufficient_funds" || p.Final || p.Replayed || p.Decided == "" {
			t.Errorf("without money: %+v", p)
		}
	}
	f.get("/v1/transfers/" + thing).wants(http.StatusNotFound)
	f.post("/v1/transfers", `{"from":"outside:bank","to":"users:bob","amount":"5.00 USD"}`).wants(http.StatusCreated)
	f.post("/v1/transfers", body).wants(http.StatusCreated)
	f.keyed("/v1/transfers", body, thing).wants(http.StatusOK)
	if got := f.balance("users:bob"); got != "0.00 USD" {
		t.Errorf("users:bob has %s, want 0.00 USD", got)
	}
}

// TestAnAttemptIsRefusedForEver sends one payment as an attempt, under an id and under a key. It stays refused after
// money has come. A new attempt is posted.
func TestAnAttemptIsRefusedForEver(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	payment := `"from":"users:bob","to":"users:alice","amount":"5.00 USD"}`
	byID := `{"id":"` + known + `",` + payment
	attempts := map[string]func() *reply{
		known:                   func() *reply { return f.post("/v1/transfers", byID) },
		idOfKey("one").String(): func() *reply { return f.keyed("/v1/transfers", "{"+payment, "one") },
		idOfKey(known).String(): func() *reply { return f.keyed("/v1/transfers", "{"+payment, known) },
		known[:35] + "1": func() *reply {
			return f.keyed("/v1/transfers", strings.Replace(byID, known, known[:35]+"1", 1), known[:35]+"1")
		},
	}
	decided := map[string]string{}
	for id, attempt := range attempts {
		p := attempt().wants(http.StatusConflict).problem()
		if p.Code != "insufficient_funds" || p.ID != id || !p.Final || p.Replayed {
			t.Errorf("%s: %+v", id, p)
		}
		decided[id] = p.Decided
	}
	f.post("/v1/transfers", `{"from":"outside:bank","to":"users:bob","amount":"50.00 USD"}`).wants(http.StatusCreated)
	for id, attempt := range attempts {
		for range 2 {
			p := attempt().wants(http.StatusConflict).problem()
			if p.Code != "insufficient_funds" || p.ID != id || !p.Final || !p.Replayed || p.Decided != decided[id] {
				t.Errorf("%s, with money: %+v; decided at %s", id, p, decided[id])
			}
		}
	}
	f.keyed("/v1/transfers", "{"+payment, "two").wants(http.StatusCreated)
	if got := f.balance("users:bob"); got != "45.00 USD" {
		t.Errorf("users:bob has %s, want 45.00 USD", got)
	}
}

// twoServers are two servers of one database file, each with a ledger and a store of its own. The file has the accounts
// and the money of funded.
func twoServers(t *testing.T) [2]*fixture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bursar.db")
	var servers [2]*fixture
	for i := range servers {
		store, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		servers[i] = served(t, l, nil)
	}
	servers[0].funded()
	return servers
}

// outcome is what one client learns of a request.
type outcome struct {
	ID, Code, Decided string
}

// told reads an answer: what it says, and whether it is the first of its kind.
func told(r *reply) (o outcome, first bool) {
	r.t.Helper()
	switch r.status {
	case http.StatusCreated, http.StatusOK:
		var p posted
		r.into(&p)
		if p.Replayed != (r.status == http.StatusOK) {
			r.t.Errorf("status %d: %+v", r.status, p)
		}
		return outcome{ID: p.ID, Decided: p.Decided}, !p.Replayed
	default:
		p := r.problem()
		return outcome{p.ID, p.Code, p.Decided}, !p.Replayed
	}
}

// TestTortureTwoServersOfOneFile has two servers of one file asked for the same at once, round after round: a payment
// by id, one by key, one that nobody can afford, an account by key, and a thing that can be paid once another client
// has funded it. Both servers say the same, and one of them says it first.
func TestTortureTwoServersOfOneFile(t *testing.T) {
	t.Parallel()
	rounds := 200
	if os.Getenv("BURSAR_TORTURE") != "" {
		rounds = 1_000
	}
	servers := twoServers(t)
	for round := range rounds {
		key := fmt.Sprint("round ", round)
		id := bursar.IDOf("round", round).String()
		both(t, servers, key+" id", "", func(f *fixture) *reply {
			body := `{"id":"` + id + `","from":"outside:bank","to":"users:alice","amount":"0.10 USD"}`
			return f.post("/v1/transfers", body)
		})
		both(t, servers, key+" key", "", func(f *fixture) *reply {
			return f.keyed("/v1/transfers", pay(`"0.10 USD"`), key)
		})
		both(t, servers, key+" refused", "insufficient_funds", func(f *fixture) *reply {
			return f.keyed("/v1/transfers", pay(`"1000.00 USD"`), key+" refused")
		})
		both(t, servers, key+" account", "", func(f *fixture) *reply {
			return f.keyed("/v1/accounts", fmt.Sprintf(`{"path":"round:%d","currency":"USD"}`, round), key+" account")
		})
		payAndFund(t, servers, round)
	}
	for i, f := range servers {
		for account, want := range map[string]string{
			"outside:bank": fmt.Sprintf("-%d.00 USD", 100+2*rounds/10), "users:alice": "100.00 USD",
			"users:bob": fmt.Sprintf("%d.00 USD", 2*rounds/10), "round:0": "0.00 USD",
		} {
			if got := f.balance(account); got != want {
				t.Errorf("server %d: %s has %s, want %s", i, account, got, want)
			}
		}
	}
	head, err := servers[1].ledger.Head(t.Context())
	if want := int64(5 + 5*rounds); err != nil || head.Seq != want {
		t.Errorf("head %d, %v; want %d", head.Seq, err, want)
	}
}

// payAndFund has one server pay a thing from an empty account while the other funds that account. Whichever came first,
// the thing can be paid in the end, and is paid once.
func payAndFund(t *testing.T, servers [2]*fixture, round int) {
	t.Helper()
	account := fmt.Sprint("round:", round)
	body := fmt.Sprintf(`{"id":"%v","from":"%s","to":"users:bob","amount":"0.10 USD"}`,
		bursar.IDOf("round.pay", round), account)
	var early *reply
	var clients sync.WaitGroup
	clients.Go(func() { early = servers[round%2].post("/v1/transfers", body) })
	clients.Go(func() {
		fund := `{"from":"outside:bank","to":"` + account + `","amount":"0.10 USD"}`
		servers[1-round%2].keyed("/v1/transfers", fund, account+" fund").wants(http.StatusCreated)
	})
	clients.Wait()
	if early.status == http.StatusCreated {
		servers[1-round%2].post("/v1/transfers", body).wants(http.StatusOK)
		return
	}
	if p := early.wants(http.StatusConflict).problem(); p.Code != "insufficient_funds" || p.Final || p.Replayed {
		t.Errorf("%s: %+v", account, p)
	}
	both(t, servers, account, "", func(f *fixture) *reply { return f.post("/v1/transfers", body) })
}

// both asks both servers at once, and wants one code of both; empty: it is done.
func both(t *testing.T, servers [2]*fixture, name, code string, ask func(f *fixture) *reply) {
	t.Helper()
	var outcomes [2]outcome
	var first [2]bool
	var clients sync.WaitGroup
	gate := make(chan struct{})
	for i, f := range servers {
		clients.Go(func() {
			<-gate
			outcomes[i], first[i] = told(ask(f))
		})
	}
	close(gate)
	clients.Wait()
	if diff := cmp.Diff(outcomes[0], outcomes[1]); diff != "" || first[0] == first[1] || outcomes[0].Code != code {
		t.Errorf("%s: first %v, code %q, want %q (-one server +the other):\n%s",
			name, first, outcomes[0].Code, code, diff)
	}
}
