package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/httpapi"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// fixture is a served ledger of its own.
type fixture struct {
	t        *testing.T
	ledger   *ledger.Ledger
	server   *httptest.Server
	document *huma.OpenAPI
}

// serve serves a new ledger over a temporary file. wrap, unless nil, stands between the ledger and its store.
func serve(t *testing.T, o *httpapi.Options, wrap func(driver.Store) driver.Store) *fixture {
	t.Helper()
	return served(t, newLedger(t, wrap), o)
}

// served serves a ledger.
func served(t *testing.T, l *ledger.Ledger, o *httpapi.Options) *fixture {
	t.Helper()
	f := &fixture{t: t, ledger: l, document: httpapi.Document(), server: httptest.NewServer(httpapi.New(l, o))}
	t.Cleanup(f.server.Close)
	return f
}

func newLedger(t *testing.T, wrap func(driver.Store) driver.Store) *ledger.Ledger {
	t.Helper()
	opened, err := sqlite.Open(filepath.Join(t.TempDir(), "bursar.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	var s driver.Store = opened
	if wrap != nil {
		s = wrap(s)
	}
	l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// funded opens outside:bank without a minimum, users:alice with 100.00 USD, users:bob with nothing and
// users:eve in EUR.
func (f *fixture) funded() *fixture {
	f.t.Helper()
	for _, body := range []string{
		`{"path":"outside:bank","currency":"USD","min":"none"}`,
		`{"path":"users:alice","currency":"USD"}`,
		`{"path":"users:bob","currency":"USD","max":"500.00 USD"}`,
		`{"path":"users:eve","currency":"EUR"}`,
	} {
		f.post("/v1/accounts", body).wants(http.StatusCreated)
	}
	f.post("/v1/transfers", `{"from":"outside:bank","to":"users:alice","amount":"100.00 USD"}`).wants(http.StatusCreated)
	return f
}

// reply is an answer, read.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (f *fixture) get(path string) *reply {
	f.t.Helper()
	return f.do(f.request(http.MethodGet, path, nil))
}

func (f *fixture) post(path, body string) *reply {
	f.t.Helper()
	return f.do(f.request(http.MethodPost, path, strings.NewReader(body)))
}

func (f *fixture) request(method, path string, body io.Reader) *http.Request {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.server.URL+path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// do sends a request and holds the answer against the OpenAPI document.
func (f *fixture) do(r *http.Request) *reply {
	f.t.Helper()
	response, err := f.server.Client().Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if id := response.Header.Get("X-Request-Id"); id == "" {
		f.t.Errorf("%s %s: no X-Request-Id", r.Method, r.URL.Path)
	}
	if err := f.valid(r, response, body); err != nil {
		f.t.Errorf("%s %s: the answer is not as the document says: %v\n%s", r.Method, r.URL.Path, err, body)
	}
	return &reply{f.t, response.StatusCode, response.Header, body}
}

// valid checks an answer against the schema that the document has for it.
func (f *fixture) valid(r *http.Request, response *http.Response, body []byte) error {
	item := f.item(r.URL.Path)
	if item == nil { // no path of the interface: a problem, or the document itself
		if response.StatusCode == http.StatusOK {
			return nil
		}
		item = f.document.Paths["/healthz"]
	}
	op := item.Get
	if r.Method == http.MethodPost && item.Post != nil || op == nil {
		op = item.Post
	}
	said := op.Responses[strconv.Itoa(response.StatusCode)]
	if said == nil {
		said = op.Responses["default"]
	}
	media := said.Content[response.Header.Get("Content-Type")]
	if media == nil {
		return fmt.Errorf("content type %q", response.Header.Get("Content-Type"))
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	var result huma.ValidateResult
	huma.Validate(f.document.Components.Schemas, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer,
		value, &result)
	if len(result.Errors) > 0 {
		return result.Errors[0]
	}
	return nil
}

func (f *fixture) item(path string) *huma.PathItem {
	parts := strings.Split(path, "/")
	var best *huma.PathItem
	for template, item := range f.document.Paths {
		wanted := strings.Split(template, "/")
		if len(wanted) != len(parts) {
			continue
		}
		fits := true
		for i := range wanted {
			fits = fits && (wanted[i] == parts[i] || strings.HasPrefix(wanted[i], "{"))
		}
		if fits && (best == nil || template == path) {
			best = item
		}
	}
	return best
}

func (r *reply) wants(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d\n%s", r.status, status, r.body)
	}
	return r
}

// into decodes the body, every field of which v must know.
func (r *reply) into(v any) {
	r.t.Helper()
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		r.t.Fatalf("%v\n%s", err, r.body)
	}
}

// problem is an error as a client reads it.
type problem struct {
	Type, Title, Detail, Code, Field, Request      string
	Status                                         int
	Retryable                                      bool
	ID, Account, Available, Needed, Limit, Decided string
	Final, Replayed                                bool
}

func (r *reply) problem() problem {
	r.t.Helper()
	var p problem
	r.into(&p)
	row := bursar.Describe(bursar.Code(p.Code))
	switch {
	case string(row.Code) != p.Code:
		r.t.Errorf("code %q is not in the table", p.Code)
	case p.Status != row.Status && !slices.Contains(httpapi.ExactStatuses(row.Code), p.Status):
		r.t.Errorf("status %d with code %s: neither the table of errors nor the document has that", p.Status, p.Code)
	case p.Status != r.status:
		r.t.Errorf("status %d in the body of an answer with status %d", p.Status, r.status)
	case p.Title != row.Meaning || p.Retryable != row.Retryable || !strings.HasSuffix(p.Type, "#"+p.Code):
		r.t.Errorf("%+v is not what the table says", p)
	case p.Detail == "":
		r.t.Error("no detail")
	case p.Replayed != (r.header.Get("Idempotent-Replayed") == "true"):
		r.t.Errorf("replayed %v, header %q", p.Replayed, r.header.Get("Idempotent-Replayed"))
	case p.Request != r.header.Get("X-Request-Id"):
		r.t.Errorf("request %q, header %q", p.Request, r.header.Get("X-Request-Id"))
	}
	return p
}

// balance asks for an account's balance.
func (f *fixture) balance(account string) string {
	f.t.Helper()
	var b struct{ Balance string }
	if err := json.Unmarshal(f.get("/v1/accounts/"+account+"/balance").wants(http.StatusOK).body, &b); err != nil {
		f.t.Fatal(err)
	}
	return b.Balance
}

// part decodes those parts of the body that v knows.
func (r *reply) part(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%v\n%s", err, r.body)
	}
}
