package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/httpapi"
)

// lines hands over what is logged, a record at a time.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// logger logs everything into lines.
func (l lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// above is what was logged so far above debug.
func (l lines) above() (scary []string) {
	for len(l) > 0 {
		if line := <-l; !strings.Contains(line, "level=DEBUG") {
			scary = append(scary, line)
		}
	}
	return scary
}

// direct asks the handler without a connection, with a context of the test's choice.
func direct(ctx context.Context, t *testing.T, h http.Handler, method, path, body string) *reply {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return &reply{t, w.Code, w.Header(), w.Body.Bytes()}
}

// TestWhoGaveUp cancels calls in each way there is. A client that went away is 499; everything else is the server's
// doing. The client may send it again in any case.
func TestWhoGaveUp(t *testing.T) {
	t.Parallel()
	f, store := trapped(t, nil)
	ends := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("driver: %w", ctx.Err())
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	late, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		timeout time.Duration
		read    func(context.Context) error
		status  int
	}{
		{"the client", gone, time.Minute, ends, 499},
		{"a deadline before the handler", late, time.Minute, ends, 503},
		{"the handler's deadline", t.Context(), time.Nanosecond, ends, 503},
		{"a deadline below", t.Context(), time.Minute, func(context.Context) error { return context.DeadlineExceeded }, 503},
		{"somebody below", t.Context(), time.Minute, func(context.Context) error { return bursar.ErrCanceled }, 503},
	} {
		store.set(c.read)
		h := httpapi.New(f.ledger, &httpapi.Options{Timeout: c.timeout})
		reply := direct(c.ctx, t, h, http.MethodGet, "/v1/head", "").wants(c.status)
		if p := reply.problem(); p.Code != "canceled" || !p.Retryable {
			t.Errorf("%s: %+v", c.name, p)
		}
		if retry := reply.header.Get("Retry-After") != ""; retry != (c.status == 503) {
			t.Errorf("%s: Retry-After %q", c.name, reply.header.Get("Retry-After"))
		}
	}
}

// TestAClientThatLeftIsNoNews has calls fail because their client went away: an operator does not hear of it. What
// says that money is wrong is told whoever asked.
func TestAClientThatLeftIsNoNews(t *testing.T) {
	t.Parallel()
	log := make(lines, 100)
	f, store := trapped(t, nil)
	h := httpapi.New(f.ledger, &httpapi.Options{Logger: log.logger()})
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, c := range []struct {
		err  error
		told bool
	}{
		{context.Canceled, false},
		{bursar.Errorf(bursar.CodeOutcomeUnknown, "commit: %w", context.Canceled), false},
		{bursar.Errorf(bursar.CodeConflict, "interrupted"), false},
		{bursar.Errorf(bursar.CodeUnavailable, "the connection was closed"), false},
		{bursar.Errorf(bursar.CodeInternal, "interrupted: %w", context.Canceled), false},
		{bursar.Errorf(bursar.CodeInternal, "no such table"), true},
		{bursar.Errorf(bursar.CodeCorrupt, "two heads"), true},
		{errors.New("no such column"), true},
	} {
		for _, ctx := range []context.Context{gone, t.Context()} {
			store.set(func(context.Context) error { return c.err })
			id := direct(ctx, t, h, http.MethodGet, "/v1/head", "").header.Get("X-Request-Id")
			var all []string
			for len(log) > 0 {
				all = append(all, <-log)
			}
			text := strings.Join(all, "")
			if !strings.Contains(text, id) && (ctx == gone || c.told) {
				t.Errorf("%v: the log does not name the request: %s", c.err, text)
			}
			if told := strings.Contains(text, "level=ERROR"); ctx == gone && told != c.told {
				t.Errorf("%v, client gone: told %v, want %v: %s", c.err, told, c.told, text)
			}
		}
		store.set(nil)
		direct(t.Context(), t, h, http.MethodGet, "/v1/head", "").wants(http.StatusOK) // ends the outage, if one was told
		log.above()
	}
}

// TestHangUpInTheMiddleOfAPost closes the connection while the transfer is being written. The log has it at debug. The
// transfer stands, and whoever asks again with its id finds it.
func TestHangUpInTheMiddleOfAPost(t *testing.T) {
	t.Parallel()
	log := make(lines, 100)
	f, store := trapped(t, &httpapi.Options{Logger: log.logger()})
	f.funded()
	entered, release := make(chan struct{}), make(chan struct{})
	store.setWrite(func() {
		entered <- struct{}{}
		<-release
	})
	conn, err := net.Dial("tcp", f.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body := with(`"id":"` + known + `"`)
	if _, err := fmt.Fprintf(conn, "POST /v1/transfers HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: hung-up\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	<-entered
	store.setWrite(nil)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	for line := ""; !strings.Contains(line, "request=hung-up"); {
		line = <-log
		if !strings.Contains(line, "level=DEBUG") {
			t.Errorf("an operator is told: %s", line)
		}
	}
	close(release)
	reply := f.post("/v1/transfers", body).wants(http.StatusOK)
	if reply.header.Get("Idempotent-Replayed") != "true" || f.balance("users:bob") != "1.00 USD" {
		t.Errorf("header %v, users:bob has %s", reply.header, f.balance("users:bob"))
	}
	if scary := log.above(); len(scary) > 0 {
		t.Errorf("an operator is told: %q", scary)
	}
}

// TestClientsThatHangUp has many clients post and hang up at different moments, as early as before the body has gone
// out. Whatever they interrupted, the log stays calm, and asking again under the same id moves the money once.
func TestClientsThatHangUp(t *testing.T) {
	t.Parallel()
	const clients = 60
	log := make(lines, 10_000)
	f := serve(t, &httpapi.Options{Logger: log.logger()}, nil).funded()
	for i := range clients {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Microsecond)
		r := f.request(http.MethodPost, "/v1/transfers", strings.NewReader(pay(`"1.00 USD"`)))
		r.Header.Set("Idempotency-Key", fmt.Sprint("client ", i))
		if response, err := f.server.Client().Do(r.WithContext(ctx)); err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		cancel()
	}
	for i := range clients {
		f.keyed("/v1/transfers", pay(`"1.00 USD"`), fmt.Sprint("client ", i))
	}
	if got, want := f.balance("users:bob"), fmt.Sprintf("%d.00 USD", clients); got != want {
		t.Errorf("users:bob has %s, want %s", got, want)
	}
	if scary := log.above(); len(scary) > 0 {
		t.Errorf("an operator is told: %q", scary)
	}
}
