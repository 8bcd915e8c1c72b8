package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/httpapi"
)

const secret = "0fa2c1-secret"

func TestToken(t *testing.T) {
	t.Parallel()
	f := serve(t, &httpapi.Options{Token: secret}, nil)
	for _, c := range []struct {
		name, path, authorization string
		status                    int
	}{
		{"missing", "/v1/head", "", 401},
		{"wrong", "/v1/head", "Bearer 0fa2c1-secreT", 401},
		{"part", "/v1/head", "Bearer 0fa2c1", 401},
		{"empty", "/v1/head", "Bearer ", 401},
		{"other scheme", "/v1/head", "Basic " + secret, 401},
		{"bare", "/v1/head", secret, 401},
		{"unknown path", "/v1/nothing", "", 401},
		{"document", "/openapi.json", "", 401},
		{"right", "/v1/head", "Bearer " + secret, 200},
		{"right in lower case", "/v1/head", "bearer " + secret, 200},
		{"right, unknown path", "/v1/nothing", "Bearer " + secret, 404},
		{"health", "/healthz", "", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := *f
			g.t = t
			r := g.request(http.MethodGet, c.path, nil)
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			reply := g.do(r).wants(c.status)
			if c.status != http.StatusUnauthorized {
				return
			}
			if p := reply.problem(); p.Code != "unauthorized" || strings.Contains(p.Detail, secret) {
				t.Errorf("%+v", p)
			}
			if got := reply.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
				t.Errorf("WWW-Authenticate %q", got)
			}
		})
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	open, guarded := serve(t, nil, nil), serve(t, &httpapi.Options{Token: secret}, nil)
	for host, loopback := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST": true, "127.0.0.1": true,
		"127.9.9.9:1": true, "[::1]:8080": true, "[::1]": true,
		"evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
		"10.0.0.1": false, "0.0.0.0": false, "[::]:8080": false, "localhost:80:90": false,
	} {
		r := open.request(http.MethodGet, "/v1/head", nil)
		r.Host = host
		want := http.StatusMisdirectedRequest
		if loopback {
			want = http.StatusOK
		}
		if got := open.do(r).status; got != want {
			t.Errorf("%s without a token: status %d, want %d", host, got, want)
		}
		r = guarded.request(http.MethodGet, "/v1/head", nil)
		r.Host = host
		r.Header.Set("Authorization", "Bearer "+secret)
		guarded.do(r).wants(http.StatusOK)
	}
}

// TestOtherSites sends what a browser sends when a page of another site reaches for the ledger.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r := f.request(http.MethodPost, "/v1/transfers", strings.NewReader(pay(`"1.00 USD"`)))
		r.Header.Set(name, value)
		reply := f.do(r).wants(http.StatusForbidden)
		if p := reply.problem(); p.Code != "unauthorized" {
			t.Errorf("%s: code %s", name, p.Code)
		}
		for header := range reply.header {
			if strings.HasPrefix(header, "Access-Control-") {
				t.Errorf("%s: %s grants something", name, header)
			}
		}
	}
}

// TestMethods asks for paths that exist with methods that they may not have.
func TestMethods(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for _, c := range []struct {
		method, path, allow string
		status              int
	}{
		{http.MethodHead, "/v1/head", "", http.StatusOK},
		{http.MethodDelete, "/v1/accounts", "GET, POST", http.StatusMethodNotAllowed},
		{http.MethodPut, "/v1/accounts/users:alice/balance", "GET", http.StatusMethodNotAllowed},
		{http.MethodGet, "/v1/transfers/batch/more", "", http.StatusNotFound},
		{http.MethodDelete, "/v1/transfers", "GET, POST", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/v1/transfers/batch", "GET, POST", http.StatusMethodNotAllowed},
		{http.MethodPost, "/openapi.json", "GET", http.StatusMethodNotAllowed},
		{http.MethodPost, "/", "", http.StatusNotFound},
		{http.MethodPost, "/v1", "", http.StatusNotFound},
		{http.MethodPost, "/v1/transfers/", "", http.StatusNotFound},
		{http.MethodPost, "/v1/./transfers", "", http.StatusNotFound},
		{http.MethodPost, "/v1/transfers/batch/more", "", http.StatusNotFound},
	} {
		response, err := f.server.Client().Do(f.request(c.method, c.path, nil))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Allow"); response.StatusCode != c.status || got != c.allow {
			t.Errorf("%s %s: status %d, Allow %q; want %d, %q", c.method, c.path, response.StatusCode, got, c.status, c.allow)
		}
	}
	response := raw(t, f.server, "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if response.StatusCode != http.StatusNotFound || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("GET *: status %d, content type %q", response.StatusCode, response.Header.Get("Content-Type"))
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for sent, kept := range map[string]bool{
		"job-7_a.B": true, "": false, "a b": false, "a\tb": false, "é": false, strings.Repeat("x", 65): false,
	} {
		r := f.request(http.MethodGet, "/v1/nothing", nil)
		if sent != "" {
			r.Header.Set("X-Request-Id", sent)
		}
		if got := f.do(r).problem().Request; (got == sent) != kept || got == "" {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
}

// trap is a store whose reads do as they are told, and whose writes may be held up.
type trap struct {
	driver.Store
	mu    sync.Mutex
	read  func(context.Context) error // nil: as the store does
	write func()                      // what a write waits for; nil: for nothing
}

func (s *trap) setWrite(write func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write = write
}

func (s *trap) Write(
	ctx context.Context, mode driver.Mode, retried func(string), fn func(context.Context, driver.Tx) error,
) error {
	s.mu.Lock()
	write := s.write
	s.mu.Unlock()
	if write != nil {
		write()
	}
	return s.Store.Write(ctx, mode, retried, fn)
}

func (s *trap) set(read func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = read
}

func (s *trap) Read(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
	s.mu.Lock()
	read := s.read
	s.mu.Unlock()
	if read != nil {
		return read(ctx)
	}
	return s.Store.Read(ctx, fn)
}

// trapped serves a ledger whose store is a trap.
func trapped(t *testing.T, o *httpapi.Options) (*fixture, *trap) {
	t.Helper()
	s := &trap{}
	f := serve(t, o, func(inner driver.Store) driver.Store {
		s.Store = inner
		return s
	})
	return f, s
}

// logged is a buffer for slog, which writes from the server's goroutines.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestCausesStayInside has the database fail in several ways: the caller learns the code, the log the cause.
func TestCausesStayInside(t *testing.T) {
	t.Parallel()
	var log logged
	f, store := trapped(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, c := range []struct {
		name   string
		read   func(context.Context) error
		status int
		code   string
	}{
		{"uncoded", func(context.Context) error { return errors.New("dial tcp: password=hunter2") }, 500, "internal"},
		{"unavailable", func(context.Context) error {
			return bursar.Errorf(bursar.CodeUnavailable, "dial: %w", errors.New("password=hunter2"))
		}, 503, "unavailable"},
		{"corrupt", func(context.Context) error {
			return bursar.Errorf(bursar.CodeCorrupt, "password=hunter2 in row 7")
		}, 500, "corrupt"},
		{"panic", func(context.Context) error { panic("password=hunter2") }, 500, "internal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := *f
			g.t = t
			store.set(c.read)
			reply := g.get("/v1/head").wants(c.status)
			p := reply.problem()
			if p.Code != c.code {
				t.Errorf("code %s, want %s", p.Code, c.code)
			}
			if strings.Contains(string(reply.body), "hunter2") {
				t.Errorf("the cause leaked: %s", reply.body)
			}
			if got := log.String(); !strings.Contains(got, "hunter2") || !strings.Contains(got, p.Request) {
				t.Errorf("the log has not both cause and request %s:\n%s", p.Request, got)
			}
			if retry := reply.header.Get("Retry-After") != ""; retry != (c.status == http.StatusServiceUnavailable) {
				t.Errorf("Retry-After %q with status %d", reply.header.Get("Retry-After"), c.status)
			}
		})
	}
	store.set(nil)
	f.get("/v1/head").wants(http.StatusOK) // it goes on
}

// TestOutageIsToldOnce has the database go away and come back: the log has the first request that found it away, the
// number of all, and the same again the next time, for each operation.
func TestOutageIsToldOnce(t *testing.T) {
	t.Parallel()
	var log logged
	f, store := trapped(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		store.set(func(context.Context) error { return bursar.Errorf(bursar.CodeUnavailable, "away") })
		for range 5 {
			f.get("/v1/head").wants(http.StatusServiceUnavailable)
			f.get("/healthz").wants(http.StatusServiceUnavailable)
		}
		store.set(nil)
		for range 2 {
			f.get("/v1/head").wants(http.StatusOK)
			f.get("/healthz").wants(http.StatusOK)
		}
	}
	for _, c := range []struct {
		part string
		want int
	}{
		{"level=ERROR", 4}, {"level=INFO", 4}, {"failed=5", 4}, {"operation=getHead", 4}, {"operation=getHealth", 4},
		{"code=unavailable", 4}, {"\n", 8},
	} {
		if got := strings.Count(log.String(), c.part); got != c.want {
			t.Errorf("%q is there %d times, want %d:\n%s", c.part, got, c.want, log.String())
		}
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	f, store := trapped(t, &httpapi.Options{RequestsMax: 1, BatchesMax: 1})
	entered, leave := make(chan struct{}), make(chan struct{})
	store.set(func(context.Context) error {
		close(entered)
		<-leave
		return bursar.ErrConflict
	})
	slow := make(chan int)
	go func() { slow <- f.get("/v1/head").status }()
	<-entered
	store.set(nil)
	reply := f.get("/v1/head").wants(http.StatusServiceUnavailable)
	if p := reply.problem(); p.Code != "busy" || !p.Retryable || reply.header.Get("Retry-After") == "" {
		t.Errorf("%+v, Retry-After %q", p, reply.header.Get("Retry-After"))
	}
	f.get("/healthz").wants(http.StatusOK)
	f.post("/v1/transfers/batch", `{"transfers":[]}`).wants(http.StatusOK) // batches have places of their own
	close(leave)
	if got := <-slow; got != http.StatusServiceUnavailable {
		t.Errorf("the slow request got %d", got)
	}
	f.get("/v1/head").wants(http.StatusOK)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	f, store := trapped(t, &httpapi.Options{Timeout: time.Millisecond})
	store.set(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if p := f.get("/v1/head").wants(http.StatusServiceUnavailable).problem(); p.Code != "canceled" || !p.Retryable {
		t.Errorf("%+v", p)
	}
}

func TestClosedLedger(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil).funded()
	if err := f.ledger.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]string{
		"/v1/transfers":       pay(`"1.00 USD"`),
		"/v1/transfers/batch": `{"transfers":[` + pay(`"1.00 USD"`) + `]}`,
		"/v1/accounts":        `{"path":"x","currency":"USD"}`,
	} {
		reply := f.post(path, body).wants(http.StatusServiceUnavailable)
		if p := reply.problem(); p.Code != "closed" || reply.header.Get("Retry-After") == "" {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	f, store := trapped(t, &httpapi.Options{Draining: draining})
	if got := string(f.get("/healthz").wants(http.StatusOK).body); got != "{\"status\":\"ok\"}\n" {
		t.Errorf("body %q", got)
	}
	store.set(func(context.Context) error { return errors.New("disk gone") })
	if p := f.get("/healthz").wants(http.StatusServiceUnavailable).problem(); p.Code != "unavailable" {
		t.Errorf("without a database: %+v", p)
	}
	store.set(nil)
	close(draining)
	if p := f.get("/healthz").wants(http.StatusServiceUnavailable).problem(); p.Code != "closed" {
		t.Errorf("while draining: %+v", p)
	}
	f.get("/v1/head").wants(http.StatusOK)
}
