package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/httpapi"
)

// document is the part of OpenAPI that the tests look at.
type document struct {
	OpenAPI    string
	Info       struct{ Title, Version string }
	Paths      map[string]map[string]operation
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				Type        any
				Enum        []string
				Description string
			}
		}
	}
}

type operation struct {
	OperationID string
	Description string
	Parameters  []struct{ Name, In string }
	RequestBody *struct {
		Content map[string]struct {
			Schema struct {
				Ref string `json:"$ref"`
			}
		}
	}
	Responses map[string]any
}

func fetchDocument(t *testing.T) (document, []byte) {
	t.Helper()
	reply := serve(t, nil, nil).get("/openapi.json").wants(http.StatusOK)
	var d document
	if err := json.Unmarshal(reply.body, &d); err != nil {
		t.Fatal(err)
	}
	if got := reply.header.Get("Content-Type"); got != "application/openapi+json" {
		t.Errorf("content type %q", got)
	}
	return d, reply.body
}

func TestDocument(t *testing.T) {
	t.Parallel()
	d, text := fetchDocument(t)
	if d.OpenAPI != "3.1.0" || d.Info.Title != "Bursar" {
		t.Errorf("openapi %q, title %q", d.OpenAPI, d.Info.Title)
	}
	var got []string
	for path, methods := range d.Paths {
		for method, op := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
			if op.OperationID == "" || op.Responses["default"] == nil || op.Responses["200"] == nil {
				t.Errorf("%s %s: %+v lacks a name or an answer", method, path, op)
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"GET /healthz", "GET /v1/accounts", "GET /v1/accounts/{path}", "GET /v1/accounts/{path}/balance",
		"GET /v1/accounts/{path}/statement", "GET /v1/balances", "GET /v1/head", "GET /v1/journal", "GET /v1/sums",
		"GET /v1/transfers", "GET /v1/transfers/{id}", "GET /v1/trial-balance",
		"POST /v1/accounts", "POST /v1/transfers", "POST /v1/transfers/batch",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	if strings.Contains(string(text), "http://") || strings.Contains(string(text), "unpkg") {
		t.Error("the document points to somewhere on the network")
	}
}

func TestDocumentHasEveryCode(t *testing.T) {
	t.Parallel()
	d, _ := fetchDocument(t)
	var want []string
	for _, row := range bursar.Catalogue() {
		want = append(want, string(row.Code))
	}
	if diff := cmp.Diff(want, d.Components.Schemas["Problem"].Properties["code"].Enum); diff != "" {
		t.Errorf("codes (-table +document):\n%s", diff)
	}
}

// TestTypesLeadToTheTable holds that the type of a problem names an anchor of docs/errors.md.
func TestTypesLeadToTheTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range bursar.Catalogue() {
		file, anchor, _ := strings.Cut(httpapi.TypeOf(row.Code), "#")
		if !strings.HasSuffix(file, "/docs/errors.md") || strings.Count(string(text), `<a id="`+anchor+`"></a>`) != 1 {
			t.Errorf("%s#%s leads nowhere", file, anchor)
		}
	}
}

// TestDocumentHasEveryStatus holds that the document explains each status that is not that of the code's row: whoever
// reads "404 malformed" finds it there, beside what the code means.
func TestDocumentHasEveryStatus(t *testing.T) {
	t.Parallel()
	d, _ := fetchDocument(t)
	said := d.Components.Schemas["Problem"].Properties["status"].Description
	seen := 0
	for _, row := range bursar.Catalogue() {
		for _, status := range httpapi.ExactStatuses(row.Code) {
			seen++
			if status == row.Status || !strings.Contains(said, fmt.Sprintf("%d %s", status, row.Code)) {
				t.Errorf("%d %s is not in %q", status, row.Code, said)
			}
		}
	}
	for _, pair := range []string{"404 malformed", "405 malformed", "415 malformed", "421 malformed", "422 malformed"} {
		if !strings.Contains(said, pair+": ") {
			t.Errorf("%s is not in %q", pair, said)
		}
	}
	if seen != 8 {
		t.Errorf("%d exact statuses, want 8", seen)
	}
}

// TestDocumentedFieldsAreRead sends every field that the document has for a body, alone and as null: whatever is
// wrong with that, the field itself is known.
func TestDocumentedFieldsAreRead(t *testing.T) {
	t.Parallel()
	d, _ := fetchDocument(t)
	f := serve(t, nil, nil)
	seen := 0
	for path, wrap := range map[string]string{
		"/v1/accounts": "%", "/v1/transfers": "%", "/v1/transfers/batch": `{"transfers":[%]}`,
	} {
		schema := d.Components.Schemas["TransferRequest"]
		if path == "/v1/accounts" {
			schema = d.Components.Schemas["AccountRequest"]
		}
		for field := range schema.Properties {
			seen++
			reply := f.post(path, strings.ReplaceAll(wrap, "%", `{"`+field+`":null}`))
			if strings.Contains(string(reply.body), "no such field") {
				t.Errorf("%s: the document has the field %s and the server does not", path, field)
			}
		}
	}
	for wrap, schema := range map[string]string{`{"legs":[%]}`: "LegRequest", `{"conditions":[%]}`: "Condition"} {
		for field := range d.Components.Schemas[schema].Properties {
			seen++
			reply := f.post("/v1/transfers", strings.ReplaceAll(wrap, "%", `{"`+field+`":null}`))
			if strings.Contains(string(reply.body), "no such field") {
				t.Errorf("%s: the document has the field %s and the server does not", schema, field)
			}
		}
	}
	if want := 6 + 2*10 + 3 + 3; seen != want {
		t.Errorf("%d fields, want %d: %v", seen, want, slices.Sorted(maps.Keys(d.Components.Schemas)))
	}
}

// TestDocumentedParametersAreRead sends every parameter of every operation with a value that fits most of them.
func TestDocumentedParametersAreRead(t *testing.T) {
	t.Parallel()
	d, _ := fetchDocument(t)
	f := serve(t, nil, nil).funded()
	for path, methods := range d.Paths {
		for _, p := range methods["get"].Parameters {
			if p.In != "query" {
				continue
			}
			reply := f.get(strings.ReplaceAll(path, "{path}", "users:alice") + "?" + p.Name + "=1")
			if reply.status >= 500 || strings.Contains(string(reply.body), "no parameter") {
				t.Errorf("%s?%s: %s", path, p.Name, reply.body)
			}
		}
	}
}

func TestNoDocsPage(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for _, path := range []string{"/docs", "/schemas/Problem.json", "/openapi.yaml"} {
		f.get(path).wants(http.StatusNotFound)
	}
}
