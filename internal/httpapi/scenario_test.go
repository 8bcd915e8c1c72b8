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

// with is a transfer of 1.00 USD with further fields.
func with(fields string) string {
	return `{"from":"users:alice","to":"users:bob","amount":"1.00 USD",` + fields + `}`
}

var amounts = []scenario{
	{name: "NaN", body: pay(`"NaN USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "not a number"},
	{name: "Infinity", body: pay(`"Infinity USD"`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "exponent", body: pay(`"1e2 USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "exponents"},
	{
		name: "decimals", status: 422, code: "amount_invalid", field: "amount", detail: "decimals",
		body: pay(`"10.999 USD"`),
	},
	{
		name: "minus zero", status: 422, code: "amount_invalid", field: "amount", detail: "negative zero",
		body: pay(`"-0 USD"`),
	},
	{name: "plus", body: pay(`"+1 USD"`), status: 422, code: "amount_invalid", field: "amount", detail: "plus sign"},
	{name: "full-width digits", body: pay(`"１０ USD"`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "no currency", body: pay(`"10.00"`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "empty amount", body: pay(`""`), status: 422, code: "amount_invalid", field: "amount"},
	{name: "JSON float", body: pay(`10.0`), status: 422, code: "amount_invalid", field: "amount", detail: "send a string"},
	{name: "JSON integer", body: pay(`10`), status: 422, code: "amount_invalid", field: "amount", detail: "send a string"},
	{
		name: "JSON exponent", status: 422, code: "amount_invalid", field: "amount", detail: "send a string",
		body: pay(`1e2`),
	},
	{name: "null amount", body: pay(`null`), status: 422, code: "amount_invalid", field: "amount", detail: "null"},
	{name: "true amount", body: pay(`true`), status: 422, code: "amount_invalid", field: "amount", detail: "true"},
	{name: "bare NaN", body: pay(`NaN`), status: 400, code: "malformed", field: "amount", detail: "not JSON at byte"},
	{name: "object amount", body: pay(`{"value":"10"}`), status: 400, code: "malformed", field: "amount"},
	{
		name: "37 digits", status: 422, code: "amount_out_of_range", field: "amount",
		body: pay(`"1` + strings.Repeat("0", 36) + ` JPY"`),
	},
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
	{
		name: "unknown account", status: 404, code: "account_not_found", field: "to",
		body: `{"from":"users:alice","to":"users:nobody","amount":"1.00 USD"}`,
	},
	{
		name: "to itself", status: 422, code: "same_account", field: "to",
		body: `{"from":"users:alice","to":"users:alice","amount":"1.00 USD"}`,
	},
	{
		name: "bad path", status: 422, code: "account_invalid", field: "from",
		body: `{"from":"users alice","to":"users:bob","amount":"1.00 USD"}`,
	},
	{
		name: "missing amount", status: 422, code: "legs_invalid", field: "amount", detail: "missing",
		body: `{"from":"users:alice","to":"users:bob"}`,
	},
	{
		name: "missing field of a leg", status: 422, code: "legs_invalid", field: "legs[0].to",
		body: `{"legs":[{"from":"users:alice","amount":"1.00 USD"}]}`,
	},
	{name: "nothing to move", body: `{}`, status: 422, code: "legs_invalid"},
	{name: "no legs", body: `{"legs":[]}`, status: 422, code: "legs_invalid", field: "legs"},
	{
		name: "both forms", status: 422, code: "legs_invalid", detail: "one or the other",
		body: `{"from":"users:alice","legs":[` + pay(`"1.00 USD"`) + `]}`,
	},
	{
		name: "second leg", status: 422, code: "amount_invalid", field: "legs[1].amount",
		body: `{"legs":[` + pay(`"1.00 USD"`) + `,` + pay(`"x"`) + `]}`,
	},
	{
		name: "257 legs", status: 422, code: "legs_invalid", field: "legs", detail: "not 257",
		body: `{"legs":[` + strings.Repeat(pay(`"0.01 USD"`)+`,`, 256) + pay(`"0.01 USD"`) + `]}`,
	},
	{name: "bad id", body: with(`"id":"order-7"`), status: 422, code: "id_invalid", field: "id"},
	{
		name: "reused id", status: 409, code: "id_reused", field: "amount",
		body: `{"id":"` + known + `",` + pay(`"2.00 USD"`)[1:],
	},
	{
		name: "taken reference", status: 409, code: "reference_taken", field: "reference",
		body: with(`"reference":"order 7"`),
	},
	{name: "empty reference", body: with(`"reference":""`), status: 422, code: "reference_invalid", field: "reference"},
	{
		name: "control in reference", status: 422, code: "reference_invalid", field: "reference",
		body: with(`"reference":"a\u0000b"`),
	},
	{name: "bad time", body: with(`"effective":"yesterday"`), status: 422, code: "time_invalid", field: "effective"},
	{
		name: "year one", status: 422, code: "time_invalid", field: "effective",
		body: with(`"effective":"0001-01-01T00:00:00Z"`),
	},
	{
		name: "future", status: 409, code: "effective_in_future", field: "effective",
		body: with(`"effective":"2261-01-01T00:00:00Z"`),
	},
	{
		name: "too late", status: 409, code: "too_late", field: "not_after",
		body: with(`"not_after":"2001-01-01T00:00:00Z"`),
	},
	{
		name: "condition on money", status: 409, code: "condition_failed", field: "conditions[0]",
		body: with(`"conditions":[{"path":"users:alice","at_least":"1000.00 USD"}]`),
	},
	{
		name: "condition on version", status: 409, code: "version_changed", field: "conditions[0]",
		body: with(`"conditions":[{"path":"users:alice","version":0}]`),
	},
	{
		name: "condition on no account", status: 422, code: "account_invalid", field: "conditions[0].path",
		body: with(`"conditions":[{"version":0}]`),
	},
	{
		name: "condition on both", status: 400, code: "malformed", field: "conditions[0]",
		body: with(`"conditions":[{"path":"users:alice","version":0,"at_least":"1.00 USD"}]`),
	},
	{
		name: "version that is a float", status: 400, code: "malformed", field: "conditions[0].version",
		body: with(`"conditions":[{"path":"users:alice","version":1.0}]`),
	},
	{name: "metadata value", body: with(`"metadata":{"n":1}`), status: 400, code: "malformed", field: "metadata.n"},
	{name: "metadata key", body: with(`"metadata":{"":"x"}`), status: 422, code: "metadata_invalid", field: "metadata"},
}

var bodies = []scenario{
	{name: "empty", body: ``, status: 400, code: "malformed", detail: "empty"},
	{name: "blank", body: "\n ", status: 400, code: "malformed", detail: "empty"},
	{name: "array", body: `[]`, status: 400, code: "malformed", detail: "not an object"},
	{name: "null", body: `null`, status: 400, code: "malformed", detail: "null"},
	{name: "cut off", body: `{"from":"users:alice"`, status: 400, code: "malformed", detail: "too early"},
	{
		name: "trailing object", status: 400, code: "malformed", detail: "after the JSON object",
		body: pay(`"1.00 USD"`) + `{}`,
	},
	{name: "trailing comma", body: `{"from":"users:alice",}`, status: 400, code: "malformed"},
	{name: "unknown field", body: with(`"fee":"1.00 USD"`), status: 400, code: "malformed", field: "fee"},
	{
		name: "unknown field after a bad value", status: 400, code: "malformed", field: "fee",
		body: `{"amount":"x","fee":"1.00 USD"}`,
	},
	{name: "field in capitals", body: `{"From":"users:alice"}`, status: 400, code: "malformed", field: "From"},
	{
		name: "unknown field of a leg", status: 400, code: "malformed", field: "legs[0].form",
		body: `{"legs":[{"form":"users:alice"}]}`,
	},
	{
		name: "twice", status: 400, code: "malformed", field: "from", detail: "twice",
		body: `{"from":"users:alice","from":"users:bob","to":"users:eve","amount":"1.00 USD"}`,
	},
	{
		name: "twice, escaped", status: 400, code: "malformed", field: "to", detail: "twice",
		body: `{"to":"users:alice","\u0074o":"users:bob"}`,
	},
	{
		name: "twice in metadata", status: 400, code: "malformed", field: "metadata.a", detail: "twice",
		body: `{"metadata":{"a":"1","a":"2"}}`,
	},
	{
		name: "number for a path", status: 400, code: "malformed", field: "from", detail: "the number 7, not a string",
		body: `{"from":7}`,
	},
	{
		name: "null for a path", status: 400, code: "malformed", field: "from", detail: "leave the field out",
		body: `{"from":null}`,
	},
	{name: "Latin-1", body: "{\"reference\":\"\xe9\"}", status: 400, code: "malformed", detail: "UTF-8"},
	{
		name: "half a surrogate pair", status: 400, code: "malformed", field: "reference", detail: "surrogate",
		body: `{"reference":"a\ud83d"}`,
	},
	{name: "too large", body: `{"reference":"` + strings.Repeat("x", 256<<10) + `"}`, status: 413, code: "too_large"},
	{name: "deep", body: strings.Repeat("[", 100_000), status: 400, code: "malformed"},
	{name: "form", media: "application/x-www-form-urlencoded", body: pay(`"1.00 USD"`), status: 415, code: "malformed"},
	{name: "text", media: "text/plain", body: pay(`"1.00 USD"`), status: 415, code: "malformed"},
	{name: "no content type", media: "none", body: pay(`"1.00 USD"`), status: 415, code: "malformed"},
	{
		name: "batch without transfers", status: 400, code: "malformed", field: "transfers",
		path: "/v1/transfers/batch", body: `{}`,
	},
	{
		name: "batch with an unknown field", status: 400, code: "malformed", field: "transfers[1].fee",
		path: "/v1/transfers/batch", body: `{"transfers":[{},{"fee":""}]}`,
	},
	{
		name: "batch of too many", status: 413, code: "too_large",
		path: "/v1/transfers/batch", body: `{"transfers":[` + strings.Repeat(`{},`, 10_000) + `{}]}`,
	},
	{
		name: "account in no currency", status: 422, code: "currency_invalid", field: "currency",
		path: "/v1/accounts", body: `{"path":"x"}`,
	},
	{
		name: "account in an unknown currency", status: 422, code: "currency_invalid", field: "currency",
		path: "/v1/accounts", body: `{"path":"x","currency":"usd"}`,
	},
	{
		name: "account without a path", status: 422, code: "account_invalid", field: "path",
		path: "/v1/accounts", body: `{"currency":"USD"}`,
	},
	{
		name: "account with other settings", status: 409, code: "account_exists", field: "max",
		path: "/v1/accounts", body: `{"path":"users:bob","currency":"USD"}`,
	},
	{
		name: "minimum above zero", status: 422, code: "limits_invalid", field: "min",
		path: "/v1/accounts", body: `{"path":"x","currency":"USD","min":"1.00 USD"}`,
	},
	{
		name: "minimum in another currency", status: 422, code: "limits_invalid", field: "min",
		path: "/v1/accounts", body: `{"path":"x","currency":"USD","min":"-1.00 EUR"}`,
	},
	{
		name: "minimum of null", status: 422, code: "amount_invalid", field: "min",
		path: "/v1/accounts", body: `{"path":"x","currency":"USD","min":null}`,
	},
	{
		name: "maximum of none", status: 422, code: "amount_invalid", field: "max",
		path: "/v1/accounts", body: `{"path":"x","currency":"USD","max":"none"}`,
	},
}

var queries = []scenario{
	{name: "unknown path", path: "/v1/nothing", status: 404, code: "malformed", detail: "/v1/nothing"},
	{name: "trailing slash", path: "/v1/accounts/", status: 404, code: "malformed"},
	{name: "two slashes", path: "//v1/accounts", status: 404, code: "malformed"},
	{name: "dots", path: "/v1/../v1/accounts", status: 404, code: "malformed"},
	{
		name: "wrong method", status: 405, code: "malformed", detail: "use GET",
		method: "DELETE", path: "/v1/accounts/users:alice",
	},
	{
		name: "wrong method of two", status: 405, code: "malformed", detail: "use GET or POST",
		method: "PUT", path: "/v1/accounts",
	},
	{name: "GET of the batch", path: "/v1/transfers/batch", status: 422, code: "id_invalid"},
	{name: "OPTIONS", method: "OPTIONS", path: "/v1/transfers", status: 405, code: "malformed"},
	{name: "no such account", path: "/v1/accounts/users:nobody", status: 404, code: "account_not_found"},
	{name: "no such account's balance", path: "/v1/accounts/users:nobody/balance", status: 404, code: "account_not_found"},
	{
		name: "no such account's statement", status: 404, code: "account_not_found",
		path: "/v1/accounts/users:nobody/statement",
	},
	{
		name: "no such account among others", status: 404, code: "account_not_found", field: "path", detail: "users:nobody",
		path: "/v1/balances?path=users:alice&path=users:nobody",
	},
	{name: "balances of nothing", path: "/v1/balances", status: 400, code: "malformed", field: "path"},
	{name: "sums of two points", path: "/v1/sums?seq=1&at=2026-01-01T00:00:00Z", status: 400, code: "malformed"},
	{name: "no reference", path: "/v1/transfers", status: 400, code: "malformed", field: "reference"},
	{
		name: "no such reference", status: 404, code: "transfer_not_found", field: "reference",
		path: "/v1/transfers?reference=order+9",
	},
	{
		name: "statement both ways", status: 400, code: "malformed",
		path: "/v1/accounts/users:alice/statement?before=7&after=3",
	},
	{
		name: "statement that ends before it begins", status: 400, code: "malformed", field: "from",
		path: "/v1/accounts/users:alice/statement?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
	},
	{name: "no account path", path: "/v1/accounts/a%20b", status: 422, code: "account_invalid"},
	{
		name: "no such transfer", status: 404, code: "transfer_not_found",
		path: "/v1/transfers/0192f0c1-2345-7abc-8def-000000000000",
	},
	{name: "no id", path: "/v1/transfers/7", status: 422, code: "id_invalid"},
	{name: "limit of 0", path: "/v1/accounts?limit=0", status: 422, code: "malformed", field: "limit"},
	{
		name: "limit above the most", status: 422, code: "malformed", field: "limit", detail: "1000",
		path: "/v1/journal?limit=1001",
	},
	{name: "limit in words", path: "/v1/journal?limit=ten", status: 400, code: "malformed", field: "limit"},
	{name: "negative position", path: "/v1/journal?after=-1", status: 422, code: "malformed", field: "after"},
	{name: "misspelt parameter", path: "/v1/accounts?limt=10", status: 400, code: "malformed", field: "limt"},
	{
		name: "parameter twice", status: 400, code: "malformed", field: "limit", detail: "2 times",
		path: "/v1/accounts?limit=1&limit=2",
	},
	{name: "empty parameter", path: "/v1/accounts?after=", status: 400, code: "malformed", field: "after"},
	{name: "bad escape", path: "/v1/accounts?prefix=%zz", status: 400, code: "malformed"},
	{name: "position 0", path: "/v1/accounts/users:alice/balance?seq=0", status: 422, code: "malformed", field: "seq"},
	{name: "position ahead", path: "/v1/accounts/users:alice/balance?seq=1000", status: 404, code: "as_of_ahead"},
	{
		name: "time ahead", status: 404, code: "as_of_ahead",
		path: "/v1/accounts/users:alice/balance?at=2261-01-01T00:00:00Z",
	},
	{name: "bad time", path: "/v1/accounts/users:alice/balance?at=noon", status: 422, code: "time_invalid", field: "at"},
	{
		name: "unescaped plus", status: 422, code: "time_invalid", field: "effective", detail: "%2B",
		path: "/v1/accounts/users:alice/balance?effective=2026-01-31T12:00:00+01:00",
	},
	{
		name: "two points in time", status: 400, code: "malformed",
		path: "/v1/accounts/users:alice/balance?seq=1&at=2026-01-31T12:00:00Z",
	},
}

func TestRefusals(t *testing.T) {
	f := serve(t, nil, nil).funded()
	f.post("/v1/transfers", with(`"id":"`+known+`","reference":"order 7"`)).wants(http.StatusCreated)
	for name, group := range map[string][]scenario{
		"amounts": amounts, "transfers": transfers, "bodies": bodies, "queries": queries,
	} {
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
		f.t.Errorf("code %q, field %q, detail %q; want code %q, field %q, detail with %q",
			p.Code, p.Field, p.Detail, s.code, s.field, s.detail)
	}
}
