package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
)

type posted struct {
	ID, At, Decided string
	Seq             int64
	Replayed        bool
}

func TestReplay(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	for _, c := range []struct{ path, body, location string }{
		{"/v1/transfers", with(`"id":"` + known + `"`), "/v1/transfers/" + known},
		{
			"/v1/accounts", `{"path":"users:zoe","currency":"CHIP/0","min":"-5 CHIP/0","metadata":{"tier":"gold"},` +
				`"id":"` + known[:35] + `c"}`, "/v1/accounts/users:zoe",
		},
	} {
		var first, again posted
		created := f.post(c.path, c.body).wants(http.StatusCreated)
		created.into(&first)
		if got := created.header.Get("Location"); got != c.location {
			t.Errorf("Location %q, want %q", got, c.location)
		}
		if got := created.header.Get("Idempotent-Replayed"); got != "" {
			t.Errorf("Idempotent-Replayed %q on a new posting", got)
		}
		f.get(c.location).wants(http.StatusOK)
		replayed := f.post(c.path, c.body).wants(http.StatusOK)
		replayed.into(&again)
		if got := replayed.header.Get("Idempotent-Replayed"); got != "true" {
			t.Errorf("Idempotent-Replayed %q on a replay", got)
		}
		first.Replayed = true
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("replay (-first +again):\n%s", diff)
		}
	}
	if got := f.balance("users:bob"); got != "1.00 USD" {
		t.Errorf("users:bob has %s, want 1.00 USD", got)
	}
}

func TestRefusalIsRemembered(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	body := `{"id":"` + known + `","from":"users:bob","to":"users:alice","amount":"5.00 USD"}`
	first := f.post("/v1/transfers", body).wants(http.StatusConflict).problem()
	if !first.Final || first.Replayed || first.Decided == "" || first.ID != known {
		t.Errorf("the first refusal of an attempt: %+v", first)
	}
	f.post("/v1/transfers", `{"from":"outside:bank","to":"users:bob","amount":"50.00 USD"}`).wants(http.StatusCreated)
	again := f.post("/v1/transfers", body).wants(http.StatusConflict).problem()
	want := first
	want.Request, want.Replayed = again.Request, true
	want.Account, want.Available, want.Needed, want.Limit = "", "", "", "" // not remembered
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("refusal (-first +again):\n%s", diff)
	}
	var record struct {
		ID, Kind, Decided string
		Refusal           problem
		Entries           []any
	}
	f.get("/v1/transfers/" + known).wants(http.StatusOK).into(&record)
	want.Request, want.Replayed = "", false // to look it up is no second try
	want.Field = "legs[0]"                  // a record has the long form
	if diff := cmp.Diff(want, record.Refusal); diff != "" || len(record.Entries) != 0 || record.Decided != want.Decided {
		t.Errorf("record %+v, refusal (-want +got):\n%s", record, diff)
	}
}

func TestEveryFieldArrives(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	f.post("/v1/transfers", `{
		"id": "`+known+`", "reference": "order \ud83d\ude00 \ufffd",
		"effective": "2026-01-31T12:00:00+01:00", "not_after": "2260-01-01T00:00:00Z",
		"legs": [
			{"from": "users:alice", "to": "users:bob", "amount": "2.00 USD"},
			{"from": "users:bob", "to": "users:alice", "amount": "0.50 USD"}
		],
		"conditions": [{"path": "users:alice", "at_least": "100.00 USD"}, {"path": "users:bob", "version": 1}],
		"metadata": {"note": "a \"b\" <c>", "empty": ""}
	}`).wants(http.StatusCreated)
	var got struct {
		ID, Kind, Reference, Decided string
		Metadata                     map[string]string
		Entries                      []bursar.Entry
	}
	f.get("/v1/transfers/" + known).wants(http.StatusOK).into(&got)
	if got.ID != known || got.Kind != "transfer" || got.Reference != "order \U0001F600 \uFFFD" {
		t.Errorf("id %q, kind %q, reference %q", got.ID, got.Kind, got.Reference)
	}
	if diff := cmp.Diff(map[string]string{"note": `a "b" <c>`, "empty": ""}, got.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if len(got.Entries) != 2 {
		t.Fatalf("%d entries, want 2", len(got.Entries))
	}
	second := got.Entries[1]
	if second.Leg != 1 || second.From != "users:bob" || second.Amount.String() != "0.50 USD" ||
		second.FromAfter.Balance.String() != "1.50 USD" || second.ToAfter.Balance.String() != "98.50 USD" ||
		second.FromAfter.Version != 3 || second.Effective.String() != "2026-01-31T11:00:00.000000000Z" ||
		!second.Backdated || second.RequestHash != got.Entries[0].RequestHash || second.RequestHash == (bursar.Hash{}) {
		t.Errorf("second entry %+v", second)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	var got struct {
		Results []struct {
			Posted *posted
			Error  *problem
		}
	}
	f.post("/v1/transfers/batch", `{"transfers":[
		{"id":"`+known+`","from":"users:alice","to":"users:bob","amount":"60.00 USD"},
		{"from":"users:alice","to":"users:bob","amount":10.0,"id":"`+known[:35]+`1"},
		{"from":"users:alice","to":"users:bob","amount":"60.00 USD"},
		{"id":"`+known[:35]+`3","legs":[`+pay(`"10.00 USD"`)+`,`+pay(`"-1.00 USD"`)+`]},
		{"id":"`+known+`","from":"users:alice","to":"users:bob","amount":"60.00 USD"},
		{"id":"`+known+`","from":"users:alice","to":"users:bob","amount":"61.00 USD"},
		{"from":"users:alice","to":"users:bob","amount":"40.00 USD"}
	]}`).wants(http.StatusOK).into(&got)
	var outcomes, ids []string
	for _, r := range got.Results {
		switch {
		case (r.Posted == nil) == (r.Error == nil):
			outcomes = append(outcomes, "both or neither")
		case r.Error != nil:
			outcomes = append(outcomes, fmt.Sprint(r.Error.Code, " ", r.Error.Field, " ", r.Error.Status))
			ids = append(ids, r.Error.ID)
		default:
			outcomes = append(outcomes, fmt.Sprint("posted replayed=", r.Posted.Replayed))
		}
	}
	want := []string{
		"posted replayed=false", "amount_invalid amount 422", "insufficient_funds  409",
		"amount_not_positive legs[1].amount 422", "posted replayed=true", "id_reused amount 409", "posted replayed=false",
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if len(ids) != 4 || ids[1] == "" {
		t.Fatalf("the errors name %q", ids)
	}
	f.get("/v1/transfers/" + ids[1]).wants(http.StatusOK) // the id was made here, and keeps the refusal
	ids[1] = "made"
	if diff := cmp.Diff([]string{known[:35] + "1", "made", known[:35] + "3", known}, ids); diff != "" {
		t.Errorf("ids of the errors (-want +got):\n%s", diff)
	}
	if got := f.balance("users:bob"); got != "100.00 USD" {
		t.Errorf("users:bob has %s, want 100.00 USD", got)
	}
}

func TestEmptyBatch(t *testing.T) {
	t.Parallel()
	got := string(serve(t, nil, nil).post("/v1/transfers/batch", `{"transfers":[]}`).wants(http.StatusOK).body)
	if got != "{\"results\":[]}\n" {
		t.Errorf("body %q", got)
	}
}

// TestLargestTransferFits sends as much as one transfer may hold.
func TestLargestTransferFits(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	path := func(letter string) string { return strings.Repeat(letter, 255) }
	for _, letter := range []string{"a", "b"} {
		f.post("/v1/accounts", `{"path":"`+path(letter)+`","currency":"USD","min":"none"}`).wants(http.StatusCreated)
	}
	repeat := func(n int, item func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return strings.Join(items, ",")
	}
	body := `{"legs":[` + repeat(256, func(int) string {
		return `{"from":"` + path("a") + `","to":"` + path("b") + `","amount":"1000000000000000000000000000000.00 USD"}`
	}) + `],"conditions":[` + repeat(64, func(int) string {
		return `{"path":"` + path("a") + `","at_least":"-1.00 USD"}`
	}) + `],"metadata":{` + repeat(32, func(i int) string {
		return fmt.Sprintf(`"%064d":"%s"`, i, strings.Repeat("v", 512))
	}) + `},"reference":"` + strings.Repeat("r", 255) + `"}`
	f.post("/v1/transfers", body).wants(http.StatusCreated)
}

// TestOneIDManyClients sends one transfer from 64 clients at once: it is posted once, and all get the same answer.
func TestOneIDManyClients(t *testing.T) {
	t.Parallel()
	const clients = 64
	f := serve(t, nil, nil).funded()
	body := `{"id":"` + known + `","from":"users:alice","to":"users:bob","amount":"7.00 USD"}`
	answers := make([]posted, clients)
	statuses := make([]int, clients)
	gate := make(chan struct{})
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			<-gate
			reply := f.post("/v1/transfers", body)
			statuses[i] = reply.status
			reply.into(&answers[i])
		})
	}
	close(gate)
	group.Wait()
	created := 0
	for i := range clients {
		if statuses[i] == http.StatusCreated {
			created++
		}
		if answers[i].Replayed != (statuses[i] == http.StatusOK) {
			t.Errorf("client %d: status %d, replayed %v", i, statuses[i], answers[i].Replayed)
		}
		answers[i].Replayed = false
		if diff := cmp.Diff(answers[0], answers[i]); diff != "" {
			t.Errorf("client %d (-first +this):\n%s", i, diff)
		}
	}
	if created != 1 {
		t.Errorf("%d clients were told that they created it, want 1", created)
	}
	if got := f.balance("users:bob"); got != "7.00 USD" {
		t.Errorf("users:bob has %s, want 7.00 USD", got)
	}
	head, err := f.ledger.Head(t.Context())
	if err != nil || head.Seq != 6 { // 4 accounts, the funding and this one
		t.Errorf("head %d, %v; want 6", head.Seq, err)
	}
}

func TestCodesHaveStatuses(t *testing.T) {
	t.Parallel()
	for _, row := range bursar.Catalogue() {
		if row.Status < 400 || row.Status > 599 {
			t.Errorf("%s has status %d, which is no error", row.Code, row.Status)
		}
	}
}
