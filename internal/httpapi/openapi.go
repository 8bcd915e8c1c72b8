package httpapi

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// newDocument describes the routes. Its schemas are made from the types that the handlers read and write.
func newDocument(guarded bool) *huma.OpenAPI {
	registry := newRegistry()
	document := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "Bursar", Version: "1", Description: "A double-entry ledger. " +
			"Amounts are strings with their currency; the id of a transfer is its idempotency key."},
		Components: &huma.Components{Schemas: registry},
	}
	if guarded {
		document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
		document.Security = []map[string][]string{{"token": {}}}
	}
	for i := range routes {
		document.AddOperation(routes[i].describe(registry))
	}
	finish(registry)
	return document
}

// describe is what the document says of the route.
func (r *route) describe(registry huma.Registry) *huma.Operation {
	op := &huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.name, Summary: r.summary, Responses: r.responses(registry),
	}
	if r.handler.takes != nil {
		op.RequestBody = &huma.RequestBody{
			Required:    true,
			Description: "At most " + strconv.FormatInt(r.bodyMax, 10) + " bytes.",
			Content:     content(registry, "application/json", r.handler.takes),
		}
	}
	for _, name := range pathParams(r.path) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: text()})
	}
	for _, p := range r.query {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: p.name, In: "query", Description: p.doc, Schema: p.schema, Required: p.name == r.required})
	}
	switch {
	case r.handler.creates:
		op.Parameters = append(op.Parameters, keyParam())
	case r.handler.takes != nil:
		op.Description = "An Idempotency-Key is refused: each transfer has an id of its own."
	}
	if r.path == healthPath {
		op.Security = []map[string][]string{} // no token
	}
	return op
}

// responses are the answers that the route may give.
func (r *route) responses(registry huma.Registry) map[string]*huma.Response {
	given := content(registry, "application/json", r.handler.gives)
	replayed := map[string]*huma.Param{}
	if r.handler.creates {
		replayed[replayedHeader] = &huma.Param{Description: "true where the answer was decided before, under the same id.",
			Schema: enum("true")}
	}
	responses := map[string]*huma.Response{
		"200": {Description: "OK", Content: given},
		"default": {
			Description: "A problem; its code says which.",
			Headers:     replayed,
			Content:     content(registry, "application/problem+json", reflect.TypeFor[problem]()),
		},
	}
	if r.handler.creates {
		responses["201"] = &huma.Response{Description: "Created; Location names it.", Content: given}
		responses["200"].Description = "The id was known with the same content: " +
			"the first result again, and nothing new happened."
		responses["200"].Headers = replayed
	}
	return responses
}

func content(registry huma.Registry, media string, of reflect.Type) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{media: {Schema: registry.Schema(of, true, "")}}
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
