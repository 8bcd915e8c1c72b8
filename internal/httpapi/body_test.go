package httpapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/httpapi"
)

// TestSlowBody promises a body and does not send it.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(httpapi.New(newLedger(t, nil), nil))
	server.Config.ReadTimeout = 50 * time.Millisecond
	server.Start()
	defer server.Close()
	response := raw(t, server, "POST /v1/transfers HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d, want 408", response.StatusCode)
	}
	if response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("content type %q", response.Header.Get("Content-Type"))
	}
}

// TestHugeBody is refused by what it promises, without being read, and by what it sends when it promises nothing.
func TestHugeBody(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	response := raw(t, f.server, "POST /v1/transfers/batch HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{")
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("promised: status %d, want 413", response.StatusCode)
	}
	chunked := io.MultiReader(strings.NewReader(`{"path":"`), strings.NewReader(strings.Repeat("x", 70<<10)))
	p := f.do(f.request(http.MethodPost, "/v1/accounts", chunked)).wants(http.StatusRequestEntityTooLarge).problem()
	if p.Code != "too_large" {
		t.Errorf("sent: %+v", p)
	}
}

// raw sends a request as it is written and reads the head of the answer.
func raw(t *testing.T, server *httptest.Server, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}
