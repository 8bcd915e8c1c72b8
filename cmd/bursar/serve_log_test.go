package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// TestRequestsAreLoggedOnlyAtDebugLevel asks a server once, and wants its line in the log or nothing.
func TestRequestsAreLoggedOnlyAtDebugLevel(t *testing.T) {
	none := func(string) string { return "" }
	s := startServing(t, none, "--listen=127.0.0.1:0", "--log-level=debug")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/accounts/users:alice?secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Request-Id", "mine-17")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	said := s.line("time=")
	for !strings.Contains(said, "msg=request") {
		said = s.line("time=")
	}
	want := regexp.MustCompile(`level=DEBUG msg=request method=GET path=/v1/accounts/users:alice status=\d+ ` +
		`duration=\S+s request=mine-17$`)
	if !want.MatchString(said) {
		t.Errorf("the log says %q", said)
	}
	s.stop()
	s.ended()
}

func TestNoRequestIsLoggedAboveDebugLevel(t *testing.T) {
	var log bytes.Buffer
	handler := logRequests(slog.New(slog.NewTextHandler(&log, nil)), clock.System(), http.NotFoundHandler())
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/accounts", nil))
	if log.Len() > 0 {
		t.Errorf("the log says %q", &log)
	}
}

func TestTheAddressIsAnnouncedAsItWasTyped(t *testing.T) {
	token := func(name string) string { return map[string]string{"BURSAR_TOKEN": "secret"}[name] }
	for listen, want := range map[string]string{
		"0.0.0.0:0": "http://0.0.0.0:", "127.0.0.1:0": "http://127.0.0.1:", "localhost:0": "http://localhost:",
	} {
		s := startServing(t, token, "--listen="+listen)
		if !strings.HasPrefix(s.said, want) {
			t.Errorf("--listen %s is announced as %s", listen, s.said)
		}
		s.stop()
		s.ended()
	}
}
