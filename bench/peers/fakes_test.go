package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// books is what both fakes keep: balances and references. They show that a driver asks for what the documents of a peer
// say, and that it believes no answer that is not one. They show nothing of how fast a peer is.
type books struct {
	mu         sync.Mutex
	balances   map[string]int64
	references map[string]bool
	posted     int64
	refuse     bool // everything from here on
}

func newBooks() *books { return &books{balances: map[string]int64{}, references: map[string]bool{}} }

// move is one transfer; without overdraft only the world may go below zero.
func (b *books) move(reference, from, to string, amount int64, overdraft bool) error {
	switch {
	case b.refuse || amount <= 0 || from == to || from == "" || to == "":
		return fmt.Errorf("%d from %q to %q is refused", amount, from, to)
	case b.references[reference] && reference != "":
		return fmt.Errorf("the reference %s is taken", reference)
	case !overdraft && from != "world" && b.balances[from] < amount:
		return fmt.Errorf("%s has too little", from)
	}
	b.references[reference] = true
	b.balances[from] -= amount
	b.balances[to] += amount
	b.posted++
	return nil
}

// fakeFormance answers what the document of Formance's version 2 says, for one ledger.
func fakeFormance(t *testing.T) (*books, *httptest.Server) {
	b, made := newBooks(), map[string]bool{}
	post := func(f *formanceTransaction) error {
		if len(f.Postings) != 1 || f.Postings[0].Asset != "USD/2" || f.Metadata == nil {
			return fmt.Errorf("%+v is not what a benchmark sends", f)
		}
		p := f.Postings[0]
		return b.move(f.Reference, p.Source, p.Destination, p.Amount, false)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/{ledger}", func(w http.ResponseWriter, r *http.Request) {
		made[r.PathValue("ledger")] = true
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /v2/{ledger}/transactions", func(w http.ResponseWriter, r *http.Request) {
		var f formanceTransaction
		if err := strictly(r, &f); err != nil || !made[r.PathValue("ledger")] {
			http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if err := post(&f); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"errorCode": "VALIDATION", "errorMessage": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]any{"data": map[string]any{"id": b.posted}})
	})
	mux.HandleFunc("POST /v2/{ledger}/_bulk", func(w http.ResponseWriter, r *http.Request) {
		var elements []formanceElement
		if err := strictly(r, &elements); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		var results []map[string]any
		for i := range elements {
			result := map[string]any{"responseType": elements[i].Action}
			if err := post(&elements[i].Data); err != nil || elements[i].Action != "CREATE_TRANSACTION" {
				result = map[string]any{"responseType": "ERROR", "errorCode": "VALIDATION", "errorDescription": fmt.Sprint(err)}
			}
			results = append(results, result)
		}
		answer(w, http.StatusOK, map[string]any{"data": results})
	})
	mux.HandleFunc("GET /v2/{ledger}/stats", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		answer(w, http.StatusOK, map[string]any{"data": map[string]int64{"transactions": b.posted}})
	})
	return b, started(t, mux)
}

// fakeBlnk answers what Blnk's API says to requests that skip its queue.
func fakeBlnk(t *testing.T, key string) (*books, *httptest.Server) {
	b := newBooks()
	post := func(w http.ResponseWriter, r *http.Request, body any, transactions func() []blnkTransaction, applied string) {
		if err := strictly(r, body); err != nil || r.Header.Get("X-Blnk-Key") != key {
			answer(w, http.StatusBadRequest, map[string]string{"errors": fmt.Sprint(err)})
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, t := range transactions() {
			_, from := b.balances[t.Source]
			_, to := b.balances[t.Destination]
			err := b.move(t.Reference, t.Source, t.Destination, t.Amount, t.Overdraft)
			if err != nil || !from || !to || !t.SkipQueue || t.Precision != 100 || t.Currency != "USD" || t.Reference == "" {
				answer(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprint(err)})
				return
			}
		}
		answer(w, http.StatusCreated, map[string]string{"status": applied})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ledgers", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusCreated, map[string]string{"ledger_id": "ldg_1"})
	})
	mux.HandleFunc("POST /balances", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Ledger   string `json:"ledger_id"`
			Currency string `json:"currency"`
		}
		if err := strictly(r, &body); err != nil || body.Ledger != "ldg_1" || body.Currency != "USD" {
			http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		id := fmt.Sprintf("bln_%d", len(b.balances))
		b.balances[id] = 0
		answer(w, http.StatusCreated, map[string]string{"balance_id": id})
	})
	mux.HandleFunc("POST /transactions", func(w http.ResponseWriter, r *http.Request) {
		var one blnkTransaction
		post(w, r, &one, func() []blnkTransaction { return []blnkTransaction{one} }, "APPLIED")
	})
	mux.HandleFunc("POST /transactions/bulk", func(w http.ResponseWriter, r *http.Request) {
		var bulk struct {
			Transactions []blnkTransaction `json:"transactions"`
			SkipQueue    bool              `json:"skip_queue"`
		}
		post(w, r, &bulk, func() []blnkTransaction { return bulk.Transactions }, "applied")
	})
	return b, started(t, mux)
}

func started(t *testing.T, handler http.Handler) *httptest.Server {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

// strictly reads JSON without a field that body has not.
func strictly(r *http.Request, body any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return fmt.Errorf("the content type is %q", kind)
	}
	return d.Decode(body)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
