package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// call is one request to a route, read and bounded.
type call struct {
	*server
	id    string // of the request
	r     *http.Request
	query url.Values
	key   string // Idempotency-Key; empty: none was sent
	body  []byte
}

// answer is what a route answers when it succeeds.
type answer struct {
	body     any
	created  bool   // 201 instead of 200
	replayed bool   // the id was known: nothing new happened
	location string // path of what was created
}

// endpoint is a route being served.
type endpoint struct {
	*server
	route  *route
	outage outage
}

// ServeHTTP takes a request through the steps that all routes share.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{server: e.server, id: w.Header().Get("X-Request-Id"), r: r}
	a, err := c.answer(w, e.route)
	if !gone(err) {
		e.outage.tell(e.logger, e.route.name, c.id, err)
	}
	var body bytes.Buffer
	if err == nil {
		err = encode(&body, a.body)
	}
	if err != nil {
		e.refuse(w, c.id, err)
		return
	}
	status := http.StatusOK
	if a.created {
		status = http.StatusCreated
	}
	if a.replayed {
		w.Header().Set(replayedHeader, "true")
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	e.send(w, status, "application/json", body.Bytes())
}

// answer reads the request and has the route's handler answer it.
func (c *call) answer(w http.ResponseWriter, r *route) (answer, error) {
	leave, err := c.enter(r)
	if err != nil {
		return answer{}, err
	}
	defer leave()
	if c.query, err = readQuery(c.r, r); err != nil {
		return answer{}, err
	}
	if r.handler.takes != nil {
		if c.key, err = readKey(c.r, r); err != nil {
			return answer{}, err
		}
		if c.body, err = readBody(w, c.r, r.bodyMax); err != nil {
			return answer{}, err
		}
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), c.options.Timeout)
	defer cancel()
	a, err := r.handler.serve(ctx, c)
	return a, c.ended(err)
}

// ended says of an error whether the client went away. A call that was cancelled without that has not the status that
// blames the client.
func (c *call) ended(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(c.r.Context().Err(), context.Canceled):
		return &goneError{err}
	case bursar.CodeOf(err) == bursar.CodeCanceled:
		return &statusError{status: http.StatusServiceUnavailable, err: err}
	default:
		return err
	}
}

// enter takes a place among the requests under way. The health check needs none: a busy server is a healthy one.
func (c *call) enter(r *route) (leave func(), err error) {
	if r.path == healthPath {
		return func() {}, nil
	}
	places := c.requests
	if r.batch {
		places = c.batches
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, bursar.Errorf(bursar.CodeBusy, "%d requests of this kind are under way", cap(places))
	}
}

// readBody reads a JSON body of at most limit bytes. Another content type, and none, are refused: a browser sends those
// to other sites without asking. It sends JSON only with a permission, which this server never gives.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	declared := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(declared)
	if err != nil || media != "application/json" {
		err := bursar.Errorf(bursar.CodeMalformed, "the body is declared as %q: send JSON as Content-Type: application/json",
			brief.Text(declared))
		return nil, &statusError{status: http.StatusUnsupportedMediaType, err: err}
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
		err := bursar.Errorf(bursar.CodeCanceled, "the body did not arrive in time")
		return nil, &statusError{status: http.StatusRequestTimeout, err: err}
	case err != nil:
		return nil, bursar.Errorf(bursar.CodeMalformed, "the body breaks off after %d bytes", len(body))
	}
	return body, nil
}
