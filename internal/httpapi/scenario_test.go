package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// scenario is one request that is refused, and how.
type scenario struct {
	name         string
	method, path string // POST /v1/transfers when empty
	body         string
	media        string // Content-Type, when not application/json; "none" for none
	status       int
	code, field  string
	detail       string // part of it
}

const known = "0192f0c1-2345-7abc-8def-0123456789ab" // posted before every scenario

func pay(amount string) string {
	return `{"from":"users:alice","to":"users:bob","amount":` + amount + `}`
}

var amounts = []scenario{
	{name: "NaN", body: pay(`"NaN USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "not a number"},
	{name: "Infinity", body: pay(`"Infinity USD"`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "exponent", body: pay(`"1e2 USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "exponents"},
	{name: "decimals", body: pay(`"10.999 USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "decimals"},
	{name: "minus zero", body: pay(`"-0 USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "negative zero"},
	{name: "plus", body: pay(`"+1 USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "plus sign"},
	{name: "full-width digits", body: pay(`"１０ USD"`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "no currency", body: pay(`"10.00"`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "empty amount", body: pay(`""`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "JSON float", body: pay(`10.0`), status: 422, code: "amount_invalid", field: "amount", detail: "send a string"},
	{name: "JSON integer", body: pay(`10`), status: 422, code: "amount_invalid", field: "amount", detail: "send a string"},
	{name: "JSON exponent", body: pay(`1e2`), status: 422, code: "amount_invalid", field: "amount", detail: "send a string"},
	{name: "null amount", body: pay(`null`), status: 422, code: "amount_invalid", field: "amount", detail: "null"},
	{name: "true amount", body: pay(`true`), status: 422, code: "amount_invalid", field: "amount", detail: "true"},
	{name: "bare NaN", body: pay(`NaN`), status: 400, code: "malformed", field: "amount", detail: "not JSON at byte"},
	{name: "object amount", body: pay(`{"value":"10"}`), status: 400, code: "malformed", field: "amount"},
	{name: "37 digits", body: pay(`"1` + strings.Repeat("0", 36) + ` JPY"`), status: 422, code: "amount_out_of_range", field: "amount"},
	{name: "unknown currency", body: pay(`"10.00 XXY"`), status: 422, code: "currency_invalid", field: "amount"},
	{name: "zero", body: pay(`"0.00 USD"`), status: 422, code: "amount_not_positive", field: "amount"},
	{name: "negative", body: pay(`"-5.00 USD"`), status: 422, code: "amount_not_positive", field: "amount"},
	{name: "other currency", body: pay(`"10.00 EUR"`), status: 409, code: "currency_mismatch", field: "amount"},
	{name: "more than there is", body: pay(`"100.01 USD"`), status: 409, code: "insufficient_funds"},
	{
		name: "more than may be", status: 409, code: "limit_exceeded", field: "legs[0]",
		body: `{"legs":[{"from":"outside:bank","to":"users:bob","amount":"500.01 USD"}]}`,
	},
}

var transfers = []scenario{
	{name: "unknown account", body: `{"from":"users:alice","to":"users:nobody","amount":"1.00 USD"}`, status: 404, code: "account_not_found", field: "to"},
	{name: "to itself", body: `{"from":"users:alice","to":"users:alice","amount":"1.00 USD"}`, status: 422, code: "same_account", field: "to"},
	{name: "bad path", body: `{"from":"users alice","to":"users:bob","amount":"1.00 USD"}`, status: 422, code: "account_invalid", field: "from"},
	{name: "missing amount", body: `{"from":"users:alice","to":"users:bob"}`, status: 422, code: "legs_invalid", field: "amount", detail: "missing"},
	{name: "missing field of a leg", body: `{"legs":[{"from":"users:alice","amount":"1.00 USD"}]}`, status: 422, code: "legs_invalid", field: "legs[0].to"},
	{name: "nothing to move", body: `{}`, status: 422, code: "legs_invalid"},
	{name: "no legs", body: `{"legs":[]}`, status: 422, code: "legs_invalid", field: "legs"},
	{
		name: "both forms", status: 422, code: "legs_invalid", detail: "one or the other",
		body: `{"from":"users:alice","legs":[{"from":"users:alice","to":"users:bob","amount":"1.00 USD"}]}`,
	},
	{
		name: "second leg", status: 422, code: "amount_invalid", field: "legs[1].amount",
		body: `{"legs":[{"from":"users:alice","to":"users:bob","amount":"1.00 USD"},{"from":"users:alice","to":"users:bob","amount":"x"}]}`,
	},
	{
		name: "257 legs", status: 422, code: "legs_invalid", field: "legs", detail: "not 257",
		body: `{"legs":[` + strings.Repeat(`{"from":"users:alice","to":"users:bob","amount":"0.01 USD"},`, 256) + `{"from":"a","to":"b","amount":"0.01 USD"}]}`,
	},
	{name: "bad id", body: `{"id":"order-7","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 422, code: "id_invalid", field: "id"},
	{name: "reused id", body: `{"id":"` + known + `","from":"users:alice","to":"users:bob","amount":"2.00 USD"}`, status: 409, code: "id_reused", field: "amount"},
	{name: "taken reference", body: `{"reference":"order 7","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 409, code: "reference_taken", field: "reference"},
	{name: "empty reference", body: `{"reference":"","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 422, code: "reference_invalid", field: "reference"},
	{name: "control in reference", body: `{"reference":"a\u0000b","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 422, code: "reference_invalid", field: "reference"},
	{name: "bad time", body: `{"effective":"yesterday","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 422, code: "time_invalid", field: "effective"},
	{name: "year one", body: `{"effective":"0001-01-01T00:00:00Z","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 422, code: "time_invalid", field: "effective"},
	{name: "future", body: `{"effective":"2261-01-01T00:00:00Z","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 409, code: "effective_in_future", field: "effective"},
	{name: "too late", body: `{"not_after":"2001-01-01T00:00:00Z","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`, status: 409, code: "too_late", field: "not_after"},
	{
		name: "condition on money", status: 409, code: "condition_failed", field: "conditions[0]",
		body: `{"from":"users:alice","to":"users:bob","amount":"1.00 USD","conditions":[{"account":"users:alice","at_least":"1000.00 USD"}]}`,
	},
	{
		name: "condition on version", status: 409, code: "version_changed", field: "conditions[0]",
		body: `{"from":"users:alice","to":"users:bob","amount":"1.00 USD","conditions":[{"account":"users:alice","version":0}]}`,
	},
	{
		name: "condition on both", status: 400, code: "malformed", field: "conditions[0]",
		body: `{"from":"users:alice","to":"users:bob","amount":"1.00 USD","conditions":[{"account":"users:alice","version":0,"at_least":"1.00 USD"}]}`,
	},
	{
		name: "version that is a float", status: 400, code: "malformed", field: "conditions[0].version",
		body: `{"from":"users:alice","to":"users:bob","amount":"1.00 USD","conditions":[{"account":"users:alice","version":1.0}]}`,
	},
	{name: "metadata value", body: `{"from":"users:alice","to":"users:bob","amount":"1.00 USD","metadata":{"n":1}}`, status: 400, code: "malformed", field: "metadata.n"},
	{name: "metadata key", body: `{"from":"users:alice","to":"users:bob","amount":"1.00 USD","metadata":{"":"x"}}`, status: 422, code: "metadata_invalid", field: "metadata"},
}

var bodies = []scenario{
	{name: "empty", body: ``, status: 400, code: "malformed", detail: "empty"},
	{name: "blank", body: "\n ", status: 400, code: "malformed", detail: "empty"},
	{name: "array", body: `[]`, status: 400, code: "malformed", detail: "not an object"},
	{name: "null", body: `null`, status: 400, code: "malformed", detail: "null"},
	{name: "cut off", body: `{"from":"users:alice"`, status: 400, code: "malformed", detail: "too early"},
	{name: "trailing object", body: pay(`"1.00 USD"`) + `{}`, status: 400, code: "malformed", detail: "after the JSON object"},
	{name: "trailing comma", body: `{"from":"users:alice",}`, status: 400, code: "malformed"},
	{name: "unknown field", body: `{"from":"users:alice","to":"users:bob","amount":"1.00 USD","fee":"1.00 USD"}`, status: 400, code: "malformed", field: "fee"},
	{name: "unknown field after a bad value", body: `{"amount":"x","fee":"1.00 USD"}`, status: 400, code: "malformed", field: "fee"},
	{name: "field in capitals", body: `{"From":"users:alice"}`, status: 400, code: "malformed", field: "From"},
	{name: "unknown field of a leg", body: `{"legs":[{"form":"users:alice"}]}`, status: 400, code: "malformed", field: "legs[0].form"},
	{name: "twice", body: `{"from":"users:alice","from":"users:bob","to":"users:eve","amount":"1.00 USD"}`, status: 400, code: "malformed", field: "from", detail: "twice"},
	{name: "twice, escaped", body: `{"to":"users:alice","\u0074o":"users:bob"}`, status: 400, code: "malformed", field: "to", detail: "twice"},
	{name: "twice in metadata", body: `{"metadata":{"a":"1","a":"2"}}`, status: 400, code: "malformed", field: "metadata.a", detail: "twice"},
	{name: "number for a path", body: `{"from":7}`, status: 400, code: "malformed", field: "from", detail: "the number 7, not a string"},
	{name: "null for a path", body: `{"from":null}`, status: 400, code: "malformed", field: "from", detail: "leave the field out"},
	{name: "Latin-1", body: "{\"reference\":\"\xe9\"}", status: 400, code: "malformed", detail: "UTF-8"},
	{name: "half a surrogate pair", body: `{"reference":"a\ud83d"}`, status: 400, code: "malformed", field: "reference", detail: "surrogate"},
	{name: "too large", body: `{"reference":"` + strings.Repeat("x", 256<<10) + `"}`, status: 413, code: "too_large"},
	{name: "deep", body: strings.Repeat("[", 100_000), status: 400, code: "malformed"},
	{name: "form", media: "application/x-www-form-urlencoded", body: pay(`"1.00 USD"`), status: 415, code: "malformed"},
	{name: "text", media: "text/plain", body: pay(`"1.00 USD"`), status: 415, code: "malformed"},
	{name: "no content type", media: "none", body: pay(`"1.00 USD"`), status: 415, code: "malformed"},
	{name: "batch without transfers", path: "/v1/transfers/batch", body: `{}`, status: 400, code: "malformed", field: "transfers"},
	{name: "batch with an unknown field", path: "/v1/transfers/batch", body: `{"transfers":[{},{"fee":""}]}`, status: 400, code: "malformed", field: "transfers[1].fee"},
	{name: "batch of too many", path: "/v1/transfers/batch", body: `{"transfers":[` + strings.Repeat(`{},`, 10_000) + `{}]}`, status: 413, code: "too_large"},
	{name: "account in no currency", path: "/v1/accounts", body: `{"id":"x"}`, status: 422, code: "currency_invalid", field: "currency"},
	{name: "account in an unknown currency", path: "/v1/accounts", body: `{"id":"x","currency":"usd"}`, status: 422, code: "currency_invalid", field: "currency"},
	{name: "account without a path", path: "/v1/accounts", body: `{"currency":"USD"}`, status: 422, code: "account_invalid", field: "id"},
	{name: "account with other settings", path: "/v1/accounts", body: `{"id":"users:bob","currency":"USD"}`, status: 409, code: "account_exists", field: "max"},
	{name: "minimum above zero", path: "/v1/accounts", body: `{"id":"x","currency":"USD","min":"1.00 USD"}`, status: 422, code: "limits_invalid", field: "min"},
	{name: "minimum in another currency", path: "/v1/accounts", body: `{"id":"x","currency":"USD","min":"-1.00 EUR"}`, status: 422, code: "limits_invalid", field: "min"},
	{name: "minimum of null", path: "/v1/accounts", body: `{"id":"x","currency":"USD","min":null}`, status: 422, code: "amount_invalid", field: "min"},
	{name: "maximum of none", path: "/v1/accounts", body: `{"id":"x","currency":"USD","max":"none"}`, status: 422, code: "amount_invalid", field: "max"},
}

var queries = []scenario{
	{name: "unknown path", path: "/v1/nothing", status: 404, code: "malformed", detail: "/v1/nothing"},
	{name: "trailing slash", path: "/v1/accounts/", status: 404, code: "malformed"},
	{name: "two slashes", path: "//v1/accounts", status: 404, code: "malformed"},
	{name: "dots", path: "/v1/../v1/accounts", status: 404, code: "malformed"},
	{name: "wrong method", method: "DELETE", path: "/v1/accounts/users:alice", status: 405, code: "malformed", detail: "use GET"},
	{name: "wrong method of two", method: "PUT", path: "/v1/accounts", status: 405, code: "malformed", detail: "use GET or POST"},
	{name: "GET of the batch", path: "/v1/transfers/batch", status: 422, code: "id_invalid"},
	{name: "OPTIONS", method: "OPTIONS", path: "/v1/transfers", status: 405, code: "malformed"},
	{name: "no such account", path: "/v1/accounts/users:nobody", status: 404, code: "account_not_found"},
	{name: "no such account's balance", path: "/v1/accounts/users:nobody/balance", status: 404, code: "account_not_found"},
	{name: "no such account's statement", path: "/v1/accounts/users:nobody/statement", status: 404, code: "account_not_found"},
	{name: "no account path", path: "/v1/accounts/a%20b", status: 422, code: "account_invalid"},
	{name: "no such transfer", path: "/v1/transfers/0192f0c1-2345-7abc-8def-000000000000", status: 404, code: "transfer_not_found"},
	{name: "no id", path: "/v1/transfers/7", status: 422, code: "id_invalid"},
	{name: "limit of 0", path: "/v1/accounts?limit=0", status: 422, code: "malformed", field: "limit"},
	{name: "limit above the most", path: "/v1/journal?limit=1001", status: 422, code: "malformed", field: "limit", detail: "1000"},
	{name: "limit in words", path: "/v1/journal?limit=ten", status: 400, code: "malformed", field: "limit"},
	{name: "negative position", path: "/v1/journal?after=-1", status: 422, code: "malformed", field: "after"},
	{name: "misspelt parameter", path: "/v1/accounts?limt=10", status: 400, code: "malformed", field: "limt"},
	{name: "parameter twice", path: "/v1/accounts?limit=1&limit=2", status: 400, code: "malformed", field: "limit", detail: "2 times"},
	{name: "empty parameter", path: "/v1/accounts?after=", status: 400, code: "malformed", field: "after"},
	{name: "bad escape", path: "/v1/accounts?prefix=%zz", status: 400, code: "malformed"},
	{name: "position 0", path: "/v1/accounts/users:alice/balance?seq=0", status: 422, code: "malformed", field: "seq"},
	{name: "position ahead", path: "/v1/accounts/users:alice/balance?seq=1000", status: 404, code: "as_of_ahead"},
	{name: "time ahead", path: "/v1/accounts/users:alice/balance?at=2261-01-01T00:00:00Z", status: 404, code: "as_of_ahead"},
	{name: "bad time", path: "/v1/accounts/users:alice/balance?at=noon", status: 422, code: "time_invalid", field: "at"},
	{name: "unescaped plus", path: "/v1/accounts/users:alice/balance?effective=2026-01-31T12:00:00+01:00", status: 422, code: "time_invalid", field: "effective", detail: "%2B"},
	{name: "two points in time", path: "/v1/accounts/users:alice/balance?seq=1&at=2026-01-31T12:00:00Z", status: 400, code: "malformed"},
}

func TestRefusals(t *testing.T) {
	f := serve(t, nil, nil).funded()
	f.post("/v1/transfers", `{"id":"`+known+`","reference":"order 7","from":"users:alice","to":"users:bob","amount":"1.00 USD"}`).wants(http.StatusCreated)
	for name, group := range map[string][]scenario{"amounts": amounts, "transfers": transfers, "bodies": bodies, "queries": queries} {
		for _, s := range group {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				g := *f
				g.t = t
				g.refuses(s, name == "queries")
			})
		}
	}
	if got := f.balance("users:alice"); got != "99.00 USD" {
		t.Errorf("users:alice has %s after nothing but refusals, want 99.00 USD", got)
	}
}

func (f *fixture) refuses(s scenario, get bool) {
	f.t.Helper()
	if s.path == "" {
		s.path = "/v1/transfers"
	}
	if s.method == "" {
		s.method = http.MethodPost
		if get {
			s.method = http.MethodGet
		}
	}
	r := f.request(s.method, s.path, strings.NewReader(s.body))
	switch s.media {
	case "":
	case "none":
		r.Header.Del("Content-Type")
	default:
		r.Header.Set("Content-Type", s.media)
	}
	p := f.do(r).wants(s.status).problem()
	if p.Code != s.code || p.Field != s.field || !strings.Contains(p.Detail, s.detail) {
		f.t.Errorf("code %q, field %q, detail %q; want code %q, field %q, detail with %q", p.Code, p.Field, p.Detail, s.code, s.field, s.detail)
	}
}
