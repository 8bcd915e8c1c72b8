package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// bodyMax is the most bytes that a request may have.
const bodyMax = 64 << 10

func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("PUT /topups/{id}", endpoint(s.topUp))
	mux.Handle("PUT /orders/{id}", endpoint(s.buy))
	mux.Handle("PUT /orders/{id}/refund", endpoint(s.refund))
	mux.Handle("PUT /payouts/{id}", endpoint(s.payOut))
	mux.Handle("GET /statements/{account}", endpoint(s.statement))
	return mux
}

// request is what a client says, in the path, the query and the body. Each endpoint takes the fields that it needs.
type request struct {
	ID      string       `json:"-"`
	Account string       `json:"-"`
	Month   string       `json:"-"`
	User    string       `json:"user"`
	Product string       `json:"product"`
	Amount  money.Amount `json:"amount"`
}

// endpoint answers requests with what fn returns, as JSON.
func endpoint[T any](fn func(ctx context.Context, in request) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in, err := read(r)
		if err != nil {
			fail(w, r, err)
			return
		}
		answer, err := fn(r.Context(), in)
		if err != nil {
			fail(w, r, err)
			return
		}
		write(w, http.StatusOK, answer)
	}
}

// fail answers with an error, and has those written down that are not the client's.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		slog.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	write(w, p.Status, p)
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone asks again with the same id
}

// name is how the ids of requests, customers and products look.
var name = regexp.MustCompile(`^[0-9A-Za-z-]{0,64}$`)

// read reads a request. The body may be missing; a bad amount has the code that the ledger has for it.
func read(r *http.Request) (request, error) {
	in := request{ID: r.PathValue("id"), Account: r.PathValue("account"), Month: r.URL.Query().Get("month")}
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, bodyMax))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil && err != io.EOF {
		code := bursar.CodeOf(err)
		if code == bursar.CodeInternal {
			code = bursar.CodeMalformed
		}
		return in, bursar.Errorf(code, "the body cannot be read: %w", err)
	}
	for _, n := range []string{in.ID, in.User, in.Product} {
		if !name.MatchString(n) {
			return in, bursar.Errorf(bursar.CodeMalformed, "%q is not at most 64 letters, digits and hyphens", n)
		}
	}
	return in, nil
}

// problem is an error as a client sees it. The shop's own errors are made as one.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// problemOf finds the status and the code of an error: the shop's own, or the ledger's. An error that nobody foresaw
// is told without its text, which is not for strangers.
func problemOf(err error) *problem {
	if own, ok := errors.AsType[*problem](err); ok {
		return own
	}
	row := bursar.Describe(bursar.CodeOf(err))
	detail := row.Meaning
	if e, ok := errors.AsType[*bursar.Error](err); ok {
		detail = e.Message
	}
	return &problem{row.Status, string(row.Code), detail}
}
