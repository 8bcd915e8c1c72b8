package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
)

// TestRefusalIsStructured has money and room in the way of transfers: a program finds in fields what the detail says in
// words.
func TestRefusalIsStructured(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	thing := bursar.IDOf("order.pay", 7).String()
	for _, c := range []struct {
		name, body string
		want       problem
	}{
		{
			"money", `{"id":"` + known + `","from":"users:alice","to":"users:bob","amount":"100.01 USD"}`,
			problem{Code: "insufficient_funds", ID: known, Account: "users:alice", Available: "100.00 USD",
				Needed: "100.01 USD", Limit: "0.00 USD", Final: true},
		},
		{
			"a thing", `{"id":"` + thing + `","from":"users:alice","to":"users:bob","amount":"100.01 USD"}`,
			problem{Code: "insufficient_funds", ID: thing, Account: "users:alice", Available: "100.00 USD",
				Needed: "100.01 USD", Limit: "0.00 USD"},
		},
		{
			"room", `{"id":"` + known[:35] + `1","from":"outside:bank","to":"users:bob","amount":"500.01 USD"}`,
			problem{Code: "limit_exceeded", ID: known[:35] + "1", Account: "users:bob", Available: "0.00 USD",
				Needed: "500.01 USD", Limit: "500.00 USD", Final: true},
		},
	} {
		got := f.post("/v1/transfers", c.body).wants(http.StatusConflict).problem()
		if _, err := time.Parse(time.RFC3339Nano, got.Decided); err != nil {
			t.Errorf("%s: decided: %v", c.name, err)
		}
		got.Type, got.Title, got.Detail, got.Request, got.Decided, got.Status = "", "", "", "", "", 0
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestAProblemNamesTheIDThatWasMade is refused without having sent an id: the one that was made keeps the refusal, and
// is there to be asked for.
func TestAProblemNamesTheIDThatWasMade(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	p := f.post("/v1/transfers", pay(`"100.01 USD"`)).wants(http.StatusConflict).problem()
	var record struct{ Refusal problem }
	f.get("/v1/transfers/" + p.ID).wants(http.StatusOK).part(&record)
	if record.Refusal.Code != p.Code || record.Refusal.Decided != p.Decided || p.Decided == "" {
		t.Errorf("kept: %+v, told: %+v", record.Refusal, p)
	}
}
