package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
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
	// RequestsMax is how many requests are worked on at once; one more is Busy. Defaults to 1,024.
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
	s, _ := build(l, o)
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
	if err := s.routed(r); err != nil {
		s.refuse(w, id, err)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// requestID is the caller's own X-Request-Id when it is short and plain, so that it can be found in the logs of
// both sides, and otherwise a new one.
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

// routed says why no operation serves the request: the path is unknown, or the method is. Paths are exact: the
// multiplexer's redirects to a cleaner spelling would turn a POST into something else.
func (s *server) routed(r *http.Request) error {
	if escaped := r.URL.EscapedPath(); path.Clean(escaped) == escaped {
		if _, pattern := s.mux.Handler(r); pattern != "" {
			return nil
		}
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			probe := *r
			probe.Method = method
			if _, pattern := s.mux.Handler(&probe); pattern != "" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) > 0 {
			return &statusError{status: http.StatusMethodNotAllowed, header: "Allow", value: strings.Join(allowed, ", "),
				err: bursar.Errorf(bursar.CodeMalformed, "%s is not a method of this path: use %s", brief.Text(r.Method), strings.Join(allowed, " or "))}
		}
	}
	return &statusError{status: http.StatusNotFound,
		err: bursar.Errorf(bursar.CodeMalformed, "there is no path %s: /openapi.json lists them", brief.Text(r.URL.Path))}
}

// call is one request to an operation, read and bounded.
type call struct {
	*server
	id    string // of the request
	r     *http.Request
	query url.Values
	body  []byte
}

// answer is what an operation answers when it succeeds.
type answer struct {
	body     any
	created  bool   // 201 instead of 200
	replayed bool   // the id was known: nothing new happened
	location string // path of what was created
}

// run takes a request through the steps that all operations share.
func (s *server) run(w http.ResponseWriter, r *http.Request, o *operation) {
	c := &call{server: s, id: w.Header().Get("X-Request-Id"), r: r}
	a, err := c.answer(w, o)
	o.outage.tell(s.logger, o.name, c.id, err)
	if err != nil {
		s.refuse(w, c.id, err)
		return
	}
	status := http.StatusOK
	header := w.Header()
	if a.created {
		status = http.StatusCreated
	}
	if a.replayed {
		header.Set("Idempotent-Replayed", "true")
	}
	if a.location != "" {
		header.Set("Location", a.location)
	}
	var body bytes.Buffer
	if err := encode(&body, a.body); err != nil {
		s.refuse(w, c.id, err)
		return
	}
	s.send(w, status, "application/json", body.Bytes())
}

func (c *call) answer(w http.ResponseWriter, o *operation) (answer, error) {
	leave, err := c.enter(o)
	if err != nil {
		return answer{}, err
	}
	defer leave()
	if c.query, err = readQuery(c.r, o.params); err != nil {
		return answer{}, err
	}
	if o.bodyMax > 0 {
		if c.body, err = readBody(w, c.r, o.bodyMax); err != nil {
			return answer{}, err
		}
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), c.options.Timeout)
	defer cancel()
	a, err := o.serve(ctx, c)
	if bursar.CodeOf(err) == bursar.CodeCanceled && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &statusError{status: http.StatusServiceUnavailable, err: err}
	}
	return a, err
}

// enter takes a place among the requests under way. The health check needs none: a busy server is a healthy one.
func (c *call) enter(o *operation) (leave func(), err error) {
	place := c.requests
	switch {
	case o.path == healthPath:
		return func() {}, nil
	case o.batch:
		place = c.batches
	}
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	default:
		return nil, bursar.Errorf(bursar.CodeBusy, "%d requests of this kind are under way", cap(place))
	}
}

// readBody reads a JSON body of at most limit bytes. Another content type, and none, are refused: browsers send
// those to other sites without asking, and JSON only with a permission that this server never gives.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, &statusError{status: http.StatusUnsupportedMediaType, err: bursar.Errorf(bursar.CodeMalformed,
			"the body is declared as %q: send JSON as Content-Type: application/json", brief.Text(r.Header.Get("Content-Type")))}
	}
	if r.ContentLength > limit {
		return nil, bursar.Errorf(bursar.CodeTooLarge, "the body has %d bytes, more than %d", r.ContentLength, limit)
	}
	var tooLarge *http.MaxBytesError
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	switch {
	case errors.As(err, &tooLarge):
		return nil, bursar.Errorf(bursar.CodeTooLarge, "the body has more than %d bytes", limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &statusError{status: http.StatusRequestTimeout, err: bursar.Errorf(bursar.CodeCanceled, "the body did not arrive in time")}
	case err != nil:
		return nil, bursar.Errorf(bursar.CodeMalformed, "the body breaks off after %d bytes", len(body))
	}
	return body, nil
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
