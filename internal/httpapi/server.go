package httpapi

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/ledger"
)

// Options says who may use the handler and within which bounds. The zero value, and nil, are the defaults.
type Options struct {
	// Token must come with every request but those to /healthz, as "Authorization: Bearer TOKEN". Without one, only
	// requests for a loopback host are answered, so that no web page can reach the ledger under a name of its own.
	Token string
	// Logger is told of what goes wrong inside, with the id of the request. Defaults to nothing.
	Logger *slog.Logger
	// Draining, once closed, makes /healthz answer 503 so that a load balancer sends no more.
	Draining <-chan struct{}
	// Timeout bounds what the ledger does for one request. Defaults to 30 seconds.
	Timeout time.Duration
	// RequestsMax is how many requests are worked on at once; one more is refused as busy. Defaults to 1,024.
	RequestsMax int
	// BatchesMax is the same for batches, which need more memory each. Defaults to 16.
	BatchesMax int
}

const (
	timeoutDefault     = 30 * time.Second
	requestsMaxDefault = 1_024
	batchesMaxDefault  = 16

	// transferBytesMax holds the largest legal transfer: 256 legs, 64 conditions, 32 pairs of metadata.
	transferBytesMax = 256 << 10
	accountBytesMax  = 64 << 10
	batchBytesMax    = 8 << 20
)

// server is the handler.
type server struct {
	ledger   *ledger.Ledger
	options  Options
	logger   *slog.Logger
	guard    guard
	mux      *http.ServeMux
	document []byte        // what /openapi.json answers
	requests chan struct{} // a place for each request under way
	batches  chan struct{}
}

// New makes the handler of a ledger. It is safe for concurrent use and owns nothing: the caller closes the ledger
// after the last request.
func New(l *ledger.Ledger, o *Options) http.Handler {
	options := o.orDefaults()
	s := &server{
		ledger: l, options: options, logger: options.Logger, guard: newGuard(options.Token), mux: http.NewServeMux(),
		requests: make(chan struct{}, options.RequestsMax), batches: make(chan struct{}, options.BatchesMax),
	}
	document, err := json.Marshal(newDocument(options.Token != ""))
	if err != nil {
		panic(err) // the document depends on nothing but this program
	}
	s.document = document
	for i := range routes {
		s.mux.Handle(routes[i].method+" "+routes[i].path, &endpoint{server: s, route: &routes[i]})
	}
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		s.send(w, http.StatusOK, "application/openapi+json", s.document)
	})
	s.mux.HandleFunc(elsewhere, func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, w.Header().Get("X-Request-Id"), s.lost(r))
	})
	return s
}

func (o *Options) orDefaults() Options {
	var filled Options
	if o != nil {
		filled = *o
	}
	if filled.Logger == nil {
		filled.Logger = slog.New(slog.DiscardHandler)
	}
	if filled.Timeout <= 0 {
		filled.Timeout = timeoutDefault
	}
	if filled.RequestsMax <= 0 {
		filled.RequestsMax = requestsMaxDefault
	}
	if filled.BatchesMax <= 0 {
		filled.BatchesMax = batchesMaxDefault
	}
	return filled
}

// ServeHTTP answers one request, whatever happens inside.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(r)
	header := w.Header()
	header.Set("X-Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if fault == http.ErrAbortHandler {
			panic(fault)
		}
		s.logger.Error("a request panicked", "request", id, "panic", fault, "stack", string(debug.Stack()))
		// Answers are written in one go at the very end, so nothing has been sent yet.
		s.refuse(w, id, bursar.Errorf(bursar.CodeInternal, "panic"))
	}()
	if err := s.guard.admit(r); err != nil {
		s.refuse(w, id, err)
		return
	}
	if !exact(r) {
		s.refuse(w, id, noPath(r))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// requestID is the caller's own X-Request-Id if it is short and plain: then both sides have it in their logs. Otherwise
// it is a new one.
func requestID(r *http.Request) string {
	const most = 64
	id := r.Header.Get("X-Request-Id")
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("._-", c))
	}
	if id == "" || len(id) > most || strings.ContainsFunc(id, odd) {
		return rand.Text()
	}
	return id
}

// replayedHeader says that the answer was decided before, under the same id.
const replayedHeader = "Idempotent-Replayed"

// elsewhere is the pattern of all that no route serves.
const elsewhere = "/"

// exact reports whether the request's path is spelt as paths are. The multiplexer redirects others to the cleaner
// spelling, and a POST that is redirected turns into something else.
func exact(r *http.Request) bool {
	escaped := r.URL.EscapedPath()
	return strings.HasPrefix(escaped, "/") && path.Clean(escaped) == escaped
}

// lost says why no route serves the request: there is no such path, or it has other methods.
func (s *server) lost(r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		probe := *r
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); pattern != elsewhere {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return noPath(r)
	}
	return &statusError{
		status: http.StatusMethodNotAllowed, header: "Allow", value: strings.Join(allowed, ", "),
		err: bursar.Errorf(bursar.CodeMalformed, "%s is not a method of this path: use %s",
			brief.Text(r.Method), strings.Join(allowed, " or ")),
	}
}

func noPath(r *http.Request) error {
	return &statusError{status: http.StatusNotFound,
		err: bursar.Errorf(bursar.CodeMalformed, "there is no path %s: /openapi.json lists them", brief.Text(r.URL.Path))}
}

// refuse answers with a problem.
func (s *server) refuse(w http.ResponseWriter, id string, err error) {
	p := s.problem(id, err)
	header := w.Header()
	var fixed *statusError
	if errors.As(err, &fixed) && fixed.header != "" {
		header.Set(fixed.header, fixed.value)
	}
	if p.Status == http.StatusServiceUnavailable && p.Retryable {
		header.Set("Retry-After", "1")
	}
	if p.Replayed {
		header.Set(replayedHeader, "true")
	}
	var body bytes.Buffer
	if err := encode(&body, p); err != nil {
		panic(err) // strings and numbers always encode
	}
	s.send(w, p.Status, "application/problem+json", body.Bytes())
}

func (s *server) send(w http.ResponseWriter, status int, media string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", media)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.logger.Debug("an answer did not arrive", "request", header.Get("X-Request-Id"), "error", err)
	}
}

func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
