package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

const healthPath = "/healthz"

// operation is one path and method: what the document says of it, and what serves it.
type operation struct {
	method, path string
	name         string // operationId
	summary      string
	params       []param // of the query
	body         any     // the type of the request's body
	bodyMax      int64   // bytes; 0: it has no body
	batch        bool    // counts among the batches
	creates      bool    // answers 201, and 200 for a replay
	result       any     // the type of the answer's body
	serve        func(context.Context, *call) (answer, error)
	outage       *outage
}

type param struct {
	name, doc string
	schema    *huma.Schema
}

// operations is the whole interface.
func operations() []operation {
	text, instant := &huma.Schema{Type: huma.TypeString}, &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	limit := param{"limit", "How many items the page has at most.", &huma.Schema{
		Type: huma.TypeInteger, Minimum: bound(1), Maximum: bound(bursar.PageMax), Default: pageDefault}}
	return []operation{
		{method: http.MethodPost, path: "/v1/accounts", name: "openAccount", summary: "Open an account",
			body: accountRequest{}, bodyMax: accountBytesMax, creates: true, result: bursar.Posted{}, serve: openAccount},
		{method: http.MethodGet, path: "/v1/accounts", name: "listAccounts", summary: "List accounts in order of path",
			params: []param{{"prefix", "Accounts whose path begins with it.", text}, {"after", "Accounts whose path sorts after it.", text}, limit},
			result: accountPage{}, serve: listAccounts},
		{method: http.MethodGet, path: "/v1/accounts/{id}", name: "getAccount", summary: "Show an account as it is now",
			result: bursar.Account{}, serve: getAccount},
		{method: http.MethodGet, path: "/v1/accounts/{id}/balance", name: "getBalance", summary: "Show a balance, now or as of a point",
			params: []param{
				{"at", "Counts the entries with a ledger time of at most this.", instant},
				{"seq", "Counts the entries up to this position.", count(1)},
				{"effective", "Counts the entries with an effective time of at most this.", instant}},
			result: bursar.Balance{}, serve: getBalance},
		{method: http.MethodGet, path: "/v1/accounts/{id}/statement", name: "getStatement", summary: "List an account's entries, latest first",
			params: []param{{"before", "Entries with an account version below this.", count(1)}, limit},
			result: statementPage{}, serve: getStatement},
		{method: http.MethodPost, path: "/v1/transfers", name: "postTransfer", summary: "Move money",
			body: transferRequest{}, bodyMax: transferBytesMax, creates: true, result: bursar.Posted{}, serve: postTransfer},
		{method: http.MethodPost, path: "/v1/transfers/batch", name: "postBatch", summary: "Post many transfers, each judged alone",
			body: batchRequest{}, bodyMax: batchBytesMax, batch: true, result: batchResponse{}, serve: postBatch},
		{method: http.MethodGet, path: "/v1/transfers/{id}", name: "getTransfer", summary: "Show what became of an id",
			result: transferRecord{}, serve: getTransfer},
		{method: http.MethodGet, path: "/v1/journal", name: "listJournal", summary: "List the journal in order of position",
			params: []param{{"after", "Entries after this position.", count(0)}, limit}, result: journalPage{}, serve: listJournal},
		{method: http.MethodGet, path: "/v1/head", name: "getHead", summary: "Show the journal's last position",
			result: headResponse{}, serve: getHead},
		{method: http.MethodGet, path: "/v1/trial-balance", name: "getTrialBalance", summary: "Sum all balances by currency",
			result: trialBalance{}, serve: getTrialBalance},
		{method: http.MethodGet, path: healthPath, name: "getHealth", summary: "Say whether the database answers",
			result: health{}, serve: getHealth},
	}
}

func count(least int) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: bound(least)}
}

func bound(n int) *float64 {
	f := float64(n)
	return &f
}

// build makes the handler and the document that describes it.
func build(l *ledger.Ledger, o *Options) (*server, *huma.OpenAPI) {
	options := o.orDefaults()
	s := &server{
		ledger: l, options: options, logger: options.Logger, guard: newGuard(options.Token), mux: http.NewServeMux(),
		requests: make(chan struct{}, options.RequestsMax), batches: make(chan struct{}, options.BatchesMax),
	}
	registry := newRegistry()
	api := humago.New(s.mux, huma.Config{OpenAPI: &huma.OpenAPI{
		Info: &huma.Info{Title: "Bursar", Version: "1",
			Description: "A double-entry ledger. Amounts are strings with their currency; the id of a transfer is its idempotency key."},
		Components: &huma.Components{Schemas: registry},
	}})
	document := api.OpenAPI()
	if options.Token != "" {
		document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
		document.Security = []map[string][]string{{"token": {}}}
	}
	for _, o := range operations() {
		o.outage = &outage{}
		op := o.describe(registry)
		document.AddOperation(op)
		api.Adapter().Handle(op, func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			s.run(w, r, &o)
		})
	}
	finish(registry)
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // the document depends on nothing but this program
	}
	s.document = text
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		s.send(w, http.StatusOK, "application/openapi+json", s.document)
	})
	return s, document
}

// describe is what the document says of the operation.
func (o *operation) describe(registry huma.Registry) *huma.Operation {
	content := func(media string, of any) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{media: {Schema: registry.Schema(reflect.TypeOf(of), true, "")}}
	}
	op := &huma.Operation{Method: o.method, Path: o.path, OperationID: o.name, Summary: o.summary, Responses: map[string]*huma.Response{
		"200":     {Description: "OK", Content: content("application/json", o.result)},
		"default": {Description: "A problem; its code says which.", Content: content("application/problem+json", problem{})},
	}}
	if o.creates {
		created := *op.Responses["200"]
		created.Description = "Created; Location names it."
		op.Responses["201"] = &created
		op.Responses["200"].Description = "The id was known with the same content: the first result again, and nothing new happened."
	}
	if o.body != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Description: "At most " + strconv.FormatInt(o.bodyMax, 10) + " bytes.",
			Content: content("application/json", o.body)}
	}
	for _, name := range pathParams(o.path) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, p := range o.params {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Description: p.doc, Schema: p.schema})
	}
	if o.path == healthPath {
		op.Security = []map[string][]string{} // no token
	}
	return op
}

// pathParams are the names in braces of a path.
func pathParams(path string) (names []string) {
	for {
		_, rest, found := strings.Cut(path, "{")
		if !found {
			return names
		}
		var name string
		name, path, _ = strings.Cut(rest, "}")
		names = append(names, name)
	}
}

// The types that the document shows in place of those that write themselves as text.
type (
	amountText   struct{}
	currencyText struct{}
	instantText  struct{}
	idText       struct{}
	stateText    struct{}
	kindText     struct{}
	codeText     struct{}
	// lowest is the minimum of an account in a request.
	lowest string
)

func newRegistry() huma.Registry {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	for of, shown := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[money.Amount]():        reflect.TypeFor[amountText](),
		reflect.TypeFor[money.Currency]():      reflect.TypeFor[currencyText](),
		reflect.TypeFor[bursar.Instant]():      reflect.TypeFor[instantText](),
		reflect.TypeFor[bursar.ID]():           reflect.TypeFor[idText](),
		reflect.TypeFor[bursar.AccountState](): reflect.TypeFor[stateText](),
		reflect.TypeFor[bursar.EntryKind]():    reflect.TypeFor[kindText](),
		reflect.TypeFor[bursar.Code]():         reflect.TypeFor[codeText](),
	} {
		registry.RegisterTypeAlias(of, shown)
	}
	return registry
}

const amountPattern = `^-?[0-9]+(\.[0-9]+)? [A-Z][A-Z0-9]*(/[0-9]+)?$`

func (amountText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: amountPattern, Examples: []any{"25.00 USD"},
		Description: "A decimal, one blank and the currency. Never a JSON number."}
}

func (currencyText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"USD", "CHIP/0"},
		Description: "An ISO 4217 code, or a declared asset with its number of decimals."}
}

func (instantText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-01-31T12:00:00.000000000Z"}}
}

func (idText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid", Description: "A UUID, best of version 7."}
}

func (stateText) Schema(huma.Registry) *huma.Schema {
	return enum(bursar.AccountOpen.String(), bursar.AccountFrozen.String(), bursar.AccountClosed.String())
}

func (kindText) Schema(huma.Registry) *huma.Schema {
	return enum(bursar.EntryLeg.String(), bursar.EntryOpen.String())
}

func (codeText) Schema(huma.Registry) *huma.Schema {
	var codes []string
	for _, row := range bursar.Catalogue() {
		codes = append(codes, string(row.Code))
	}
	return enum(codes...)
}

// Schema allows the word none besides an amount.
func (lowest) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{enum("none"), amountText{}.Schema(nil)},
		Description: "The least that the available balance may be: zero when absent, none for no minimum."}
}

func enum(values ...string) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, v := range values {
		s.Enum = append(s.Enum, v)
	}
	return s
}

// finish corrects what types alone do not say: lists are never null here, and the limits of an account may be.
func finish(registry huma.Registry) {
	for name, schema := range registry.Map() {
		for field, property := range schema.Properties {
			property.Nullable = name == "Account" && (field == "min" || field == "max")
		}
	}
}
