package httpapi_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
)

// keyed posts a body with an Idempotency-Key for each of keys.
func (f *fixture) keyed(path, body string, keys ...string) *reply {
	f.t.Helper()
	r := f.request(http.MethodPost, path, strings.NewReader(body))
	r.Header["Idempotency-Key"] = keys
	return f.do(r)
}

// idOfKey is the id that a key stands for, made as the document says.
func idOfKey(key string) bursar.ID {
	sum := sha256.Sum256([]byte("bursar idempotency key v1\n" + key))
	id := bursar.ID(sum[:16])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// TestKeyIsTheID posts twice under each key: it happens once, under the id that anybody can make of the key, which
// stands for an attempt.
func TestKeyIsTheID(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	for _, c := range []struct{ key, path, body string }{
		{"order 7, second try", "/v1/transfers", pay(`"1.00 USD"`)},
		{`"8e03978e-40d5-43e8-bc93-6894a57f9324"`, "/v1/transfers", pay(`"1.00 USD"`)},
		{known, "/v1/transfers", pay(`"1.00 USD"`)},
		{strings.Repeat("~", 255), "/v1/transfers", pay(`"1.00 USD"`)},
		{"open zoe", "/v1/accounts", `{"path":"users:zoe","currency":"USD"}`},
	} {
		id := idOfKey(c.key)
		if id.Thing() {
			t.Errorf("%s: %v is a thing", c.key, id)
		}
		var first, again posted
		f.keyed(c.path, c.body, c.key).wants(http.StatusCreated).into(&first)
		replayed := f.keyed(c.path, c.body, c.key).wants(http.StatusOK)
		replayed.into(&again)
		if first.ID != id.String() || replayed.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: id %s, want %v; header %v", c.key, first.ID, id, replayed.header)
		}
		first.Replayed = true
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s (-first +again):\n%s", c.key, diff)
		}
		f.get("/v1/transfers/" + first.ID).wants(http.StatusOK)
	}
	if got := f.balance("users:bob"); got != "4.00 USD" {
		t.Errorf("users:bob has %s, want 4.00 USD", got)
	}
}

// TestKeyWithOtherContent sends one key with two bodies.
func TestKeyWithOtherContent(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	zoe := `{"path":"users:zoe","currency":"USD"}`
	f.keyed("/v1/transfers", pay(`"1.00 USD"`), "a").wants(http.StatusCreated)
	f.keyed("/v1/accounts", zoe, "b").wants(http.StatusCreated)
	for _, c := range []struct{ key, path, body, code, field string }{
		{"a", "/v1/transfers", pay(`"2.00 USD"`), "id_reused", "amount"},
		{"a", "/v1/transfers", `{"from":"users:alice","to":"outside:bank","amount":"1.00 USD"}`, "id_reused", "to"},
		{"a", "/v1/accounts", zoe, "id_reused", "kind"},
		{"b", "/v1/accounts", `{"path":"users:zoe","currency":"EUR"}`, "id_reused", "currency"},
		{"c", "/v1/accounts", `{"path":"users:zoe","currency":"EUR"}`, "account_exists", "path"},
	} {
		p := f.keyed(c.path, c.body, c.key).wants(http.StatusConflict).problem()
		if p.Code != c.code || p.Field != c.field || p.ID != idOfKey(c.key).String() {
			t.Errorf("%s with %s: %+v; want %s of %s", c.key, c.body, p, c.code, c.field)
		}
	}
}

// TestKeyBesideAnID sends both a key and an id: they have to say the same.
func TestKeyBesideAnID(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	thing := bursar.IDOf("order.pay", 7).String()
	for _, id := range []string{known, thing} {
		body := with(`"id":"` + id + `"`)
		f.keyed("/v1/transfers", body, id).wants(http.StatusCreated)
		for _, key := range []string{strings.ToUpper(id), strings.ReplaceAll(id, "-", "")} {
			f.keyed("/v1/transfers", body, key).wants(http.StatusOK)
		}
		for path, body := range map[string]string{
			"/v1/transfers": body, "/v1/accounts": `{"path":"users:zoe","currency":"USD","id":"` + id + `"}`,
		} {
			for _, key := range []string{"order 7", idOfKey(id).String(), `"` + id + `"`} {
				p := f.keyed(path, body, key).wants(http.StatusUnprocessableEntity).problem()
				if p.Code != "id_invalid" || p.Field != "Idempotency-Key" || !strings.Contains(p.Detail, id) {
					t.Errorf("%s: %s beside %s: %+v", path, key, id, p)
				}
			}
		}
	}
	if got := f.balance("users:bob"); got != "2.00 USD" {
		t.Errorf("users:bob has %s, want 2.00 USD", got)
	}
}

// TestKeysThatAreRefused sends keys that name nothing, or not one thing: nothing is posted.
func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	malformed, invalid := http.StatusBadRequest, http.StatusUnprocessableEntity
	batch := `{"transfers":[` + pay(`"1.00 USD"`) + `]}`
	for _, c := range []struct {
		name, path, body string
		keys             []string
		status           int
		detail           string
	}{
		{"empty", "", "", []string{""}, malformed, "empty"},
		{"blank", "", "", []string{" "}, malformed, "empty"},
		{"twice", "", "", []string{"a", "b"}, malformed, "2 times"},
		{"twice the same", "", "", []string{"a", "a"}, malformed, "2 times"},
		{"twice empty", "", "", []string{"", ""}, malformed, "2 times"},
		{"long", "", "", []string{strings.Repeat("k", 256)}, invalid, "256 bytes"},
		{"a tab", "", "", []string{"a\tb"}, invalid, "ASCII"},
		{"UTF-8", "", "", []string{"bestellung für 7"}, invalid, "ASCII"},
		{"Latin-1", "", "", []string{"f\xfcr"}, invalid, "ASCII"},
		{"before the body", "", "{", []string{""}, malformed, "empty"},
		{"of a batch", "/v1/transfers/batch", batch, []string{"a"}, malformed, "id"},
		{"empty, of a batch", "/v1/transfers/batch", batch, []string{""}, malformed, "id"},
		{"of an account", "/v1/accounts", `{"path":"users:zoe","currency":"USD"}`, []string{""}, malformed, "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := *f
			g.t = t
			if c.path == "" {
				c.path = "/v1/transfers"
			}
			if c.body == "" {
				c.body = pay(`"1.00 USD"`)
			}
			code := map[int]string{malformed: "malformed", invalid: "id_invalid"}[c.status]
			p := g.keyed(c.path, c.body, c.keys...).wants(c.status).problem()
			if p.Code != code || p.Field != "Idempotency-Key" || !strings.Contains(p.Detail, c.detail) {
				t.Errorf("%+v; want %s with %q", p, code, c.detail)
			}
		})
	}
	response := raw(t, f.server, "POST /v1/transfers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		fmt.Sprintf("Idempotency-Key: a\x7fb\r\nContent-Length: %d\r\n\r\n%s", len(pay(`"1.00 USD"`)), pay(`"1.00 USD"`)))
	if response.StatusCode != malformed {
		t.Errorf("a control character: status %d", response.StatusCode)
	}
	if got := f.balance("users:bob"); got != "0.00 USD" {
		t.Errorf("users:bob has %s after nothing but refusals", got)
	}
}

// TestDocumentHasTheKey holds that the document has the header for every operation that takes one, and says of every
// other that has a body that it is refused.
func TestDocumentHasTheKey(t *testing.T) {
	t.Parallel()
	d, _ := fetchDocument(t)
	for path, methods := range d.Paths {
		op, ok := methods["post"]
		if !ok {
			continue
		}
		listed := false
		for _, p := range op.Parameters {
			listed = listed || p.Name == "Idempotency-Key" && p.In == "header"
		}
		if refused := strings.Contains(op.Description, "Idempotency-Key is refused"); listed == refused {
			t.Errorf("%s: listed %v, refused %v", path, listed, refused)
		}
	}
}
