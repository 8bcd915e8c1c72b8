package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/postgrestest"
	"github.com/bursar-ledger/bursar/store"
)

// onEach runs a test on an empty database of either engine.
func onEach(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "shop.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgrestest.New(t).URL) })
}

// opened is the database of a URL with the shop's tables, open until the test ends.
func opened(t *testing.T, url string) store.Store {
	t.Helper()
	books, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := books.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 2 { // as when the shop starts again
		if err := migrate(t.Context(), books.DB()); err != nil {
			t.Fatal(err)
		}
	}
	return books
}

// client talks to a shop as its customers do.
type client struct{ base string }

// newClient serves a shop whose ledger has a clock that the test moves. The ledger is verified at the end.
func newClient(t *testing.T, url string) (client, *bursartest.Ledger, *shop) {
	t.Helper()
	books := opened(t, url)
	l := bursartest.With(t, books)
	s, err := newShop(t.Context(), books.DB(), l.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.routes())
	t.Cleanup(server.Close)
	return client{server.URL}, l, s
}

// send makes one request, such as "PUT /orders/o1", and returns the status and the body of the answer.
func (c client) send(ctx context.Context, request, body string) (status int, answer string, err error) {
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(text)), err
}

// want makes a request and compares the status and, field by field, what the test names of the answer.
func (c client) want(t *testing.T, request, body string, status int, fields map[string]any) {
	t.Helper()
	got, answer, err := c.send(t.Context(), request, body)
	if err != nil {
		t.Fatal(err)
	}
	if got != status {
		t.Errorf("%s %s: %d instead of %d: %s", request, body, got, status, answer)
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(answer), &all); err != nil {
		t.Fatalf("%s: %v in %s", request, err, answer)
	}
	for field, value := range fields {
		if all[field] != value {
			t.Errorf("%s %s: %s is %v instead of %v in %s", request, body, field, all[field], value, answer)
		}
	}
}

// ask reads one value from the shop's own tables.
func ask[T any](t *testing.T, db *atomic.DB, query string, args ...any) T {
	t.Helper()
	value, err := atomic.DoValue(t.Context(), db, func(ctx context.Context, tx *atomic.Tx) (T, error) {
		return atomic.QueryOne(ctx, tx, atomic.Value[T], query, args...)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// wantCode fails the test unless err has the code.
func wantCode(t *testing.T, err error, code bursar.Code) {
	t.Helper()
	if got := bursar.Code(problemOf(err).Code); got != code {
		t.Errorf("%v has the code %s instead of %s", err, got, code)
	}
}
