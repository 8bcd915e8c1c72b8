package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
)

// route is one path and method: what the document says of it, and what serves it.
type route struct {
	method, path string
	name         string // operationId
	summary      string
	handler      handler
	query        []param
	required     string // the one of query that must be there
	bodyMax      int64  // bytes of the body
	batch        bool   // counts among the batches
}

const healthPath = "/healthz"

// routes is the whole interface. A new endpoint is a row here and its handler, which stands in the file of its subject
// beside the types of its bodies. The document is made from both.
var routes = [...]route{
	{
		method: http.MethodPost, path: "/v1/accounts", name: "openAccount", summary: "Open an account",
		handler: creates(openAccount), bodyMax: accountBytesMax,
	},
	{
		method: http.MethodGet, path: "/v1/accounts", name: "listAccounts", summary: "List accounts in order of path",
		handler: answers(listAccounts),
		query: []param{
			{"prefix", "Accounts whose path begins with it.", text()},
			{"after", "Accounts whose path sorts after it.", text()},
			pageLimit(),
		},
	},
	{
		method: http.MethodGet, path: "/v1/accounts/{path}", name: "getAccount", summary: "Show an account as it is now",
		handler: answers(getAccount),
	},
	{
		method: http.MethodGet, path: "/v1/accounts/{path}/balance", name: "getBalance",
		summary: "Show a balance, now or as of a point",
		handler: answers(getBalance),
		query:   asOfParams(),
	},
	{
		method: http.MethodGet, path: "/v1/balances", name: "getBalances",
		summary: "Show the balances of several accounts, now or as of a point",
		handler: answers(getBalances), required: "path",
		query: append(asOfParams(), param{"path", "An account; repeat it for others. They are answered in this order.",
			&huma.Schema{Type: huma.TypeArray, Items: text(), MaxItems: most(bursar.PageMax)}}),
	},
	{
		method: http.MethodGet, path: "/v1/sums", name: "getSums",
		summary: "Sum the balances of accounts by currency, now or as of a point",
		handler: answers(getSums),
		query:   append(asOfParams(), param{"prefix", "Accounts whose path begins with it; all when absent.", text()}),
	},
	{
		method: http.MethodGet, path: "/v1/accounts/{path}/statement", name: "getStatement",
		summary: "List an account's transfers with the balances around them",
		handler: answers(getStatement),
		query: []param{
			{"from", "Transfers with a ledger time of at least this.", instant()},
			{"to", "Transfers with a ledger time below this.", instant()},
			{"before", "Lines with a version below this, the latest first.", count(1)},
			{"after", "Lines with a version above this, the first one first; 0 begins there.", count(0)},
			pageLimit(),
		},
	},
	{
		method: http.MethodPost, path: "/v1/transfers", name: "postTransfer", summary: "Move money",
		handler: creates(postTransfer), bodyMax: transferBytesMax,
	},
	{
		method: http.MethodPost, path: "/v1/transfers/batch", name: "postBatch",
		summary: "Post many transfers, each judged alone",
		handler: reads(postBatch), bodyMax: batchBytesMax, batch: true,
	},
	{
		method: http.MethodGet, path: "/v1/transfers", name: "findTransfer",
		summary: "Show the posted transfer that has a reference",
		handler: answers(findTransfer), required: "reference",
		query: []param{{"reference", "The reference of the transfer.", text()}},
	},
	{
		method: http.MethodGet, path: "/v1/transfers/{id}", name: "getTransfer", summary: "Show what became of an id",
		handler: answers(getTransfer),
	},
	{
		method: http.MethodGet, path: "/v1/journal", name: "listJournal", summary: "List the journal in order of position",
		handler: answers(listJournal),
		query:   []param{{"after", "Entries after this position.", count(0)}, pageLimit()},
	},
	{
		method: http.MethodGet, path: "/v1/head", name: "getHead", summary: "Show the journal's last position",
		handler: answers(getHead),
	},
	{
		method: http.MethodGet, path: "/v1/trial-balance", name: "getTrialBalance", summary: "Sum all balances by currency",
		handler: answers(getTrialBalance),
	},
	{
		method: http.MethodGet, path: healthPath, name: "getHealth", summary: "Say whether the database answers",
		handler: answers(getHealth),
	},
}

// handler serves a route. It knows the types of the bodies, so that the document shows those that are read and
// written.
type handler struct {
	takes   reflect.Type // of the request's body; nil: there is none
	gives   reflect.Type // of the answer's body
	creates bool         // it answers 201, and 200 for a replay
	serve   func(context.Context, *call) (answer, error)
}

// answers makes a handler that reads no body.
func answers[A any](serve func(context.Context, *call) (A, error)) handler {
	return handler{gives: reflect.TypeFor[A](), serve: func(ctx context.Context, c *call) (answer, error) {
		body, err := serve(ctx, c)
		return answer{body: body}, err
	}}
}

// reads makes a handler that reads a body.
func reads[B, A any](serve func(context.Context, *call, *B) (A, error)) handler {
	shape := shapeOf(reflect.TypeFor[B]())
	read := func(ctx context.Context, c *call) (answer, error) {
		var sent B
		if err := decode(c.body, shape, &sent); err != nil {
			return answer{}, err
		}
		body, err := serve(ctx, c, &sent)
		return answer{body: body}, err
	}
	return handler{takes: reflect.TypeFor[B](), gives: reflect.TypeFor[A](), serve: read}
}

// creates makes a handler that reads a body and has the ledger do something once, under the id of the body or of the
// Idempotency-Key. serve also returns the path under which to find it.
func creates[B any, P interface {
	*B
	identified
}](serve func(context.Context, *call, P) (bursar.Posted, string, error)) handler {
	shape := shapeOf(reflect.TypeFor[B]())
	create := func(ctx context.Context, c *call) (answer, error) {
		var sent B
		if err := decode(c.body, shape, &sent); err != nil {
			return answer{}, err
		}
		if err := c.keyed(P(&sent)); err != nil {
			return answer{}, err
		}
		posted, location, err := serve(ctx, c, &sent)
		return answer{body: posted, location: location, created: !posted.Replayed, replayed: posted.Replayed}, err
	}
	return handler{takes: reflect.TypeFor[B](), gives: reflect.TypeFor[bursar.Posted](), creates: true, serve: create}
}

// param is a parameter of the query.
type param struct {
	name, doc string
	schema    *huma.Schema
}

func pageLimit() param {
	return param{"limit", "How many items the page has at most.", &huma.Schema{
		Type: huma.TypeInteger, Minimum: bound(1), Maximum: bound(bursar.PageMax), Default: pageDefault}}
}

// asOfParams name a point in the past.
func asOfParams() []param {
	return []param{
		{"at", "Counts the transfers with a ledger time of at most this.", instant()},
		{"seq", "Counts the entries up to this position.", count(1)},
		{"effective", "Counts the transfers with an effective time of at most this.", instant()},
	}
}

func text() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

func instant() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "date-time"} }

func count(least int) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: bound(least)}
}

func most(n int) *int { return &n }

func bound(n int) *float64 {
	f := float64(n)
	return &f
}
