package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// served is a serve command that runs in this process.
type served struct {
	t     *testing.T
	db    string
	said  string // its address, as it says
	url   string
	lines chan string // of stderr
	stop  context.CancelFunc
	exit  chan int
}

// patience bounds what a test waits for; nothing takes that long.
const patience = 20 * time.Second

// startServing runs the command until its address is known.
func startServing(t *testing.T, getenv func(string) string, args ...string) *served {
	t.Helper()
	s := &served{t: t, db: filepath.Join(t.TempDir(), "bursar.db"), lines: make(chan string, 64), exit: make(chan int, 1)}
	reader, writer := io.Pipe()
	go func() {
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	e := &env{stdin: strings.NewReader(""), stdout: io.Discard, stderr: writer, getenv: getenv}
	go func() {
		s.exit <- run(ctx, e, append([]string{"serve", "--db", "sqlite:" + s.db}, args...))
		writer.Close()
	}()
	said := s.line("bursar: serving book ")
	s.said = said[strings.LastIndex(said, " ")+1:]
	s.url = strings.NewReplacer("[::]", "127.0.0.1", "0.0.0.0", "127.0.0.1").Replace(s.said)
	return s
}

// line waits for a line of stderr that begins with prefix.
func (s *served) line(prefix string) string {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line := <-s.lines:
			if strings.HasPrefix(line, prefix) {
				return line
			}
		case code := <-s.exit:
			s.t.Fatalf("exit %d before a line with %q", code, prefix)
		case <-timeout:
			s.t.Fatalf("no line with %q", prefix)
		}
	}
}

func (s *served) ended() int {
	s.t.Helper()
	select {
	case code := <-s.exit:
		return code
	case <-time.After(patience):
		s.t.Fatal("serve does not end")
		return 0
	}
}

func (s *served) post(path, body string) *http.Response {
	s.t.Helper()
	response, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response.Body.Close()
	return response
}

func noVariables(string) string { return "" }

// TestServeAnswersWhatIsUnderWay stops the server while it reads a body: the request is still answered, the port is
// free afterwards, and what was answered is in the file.
func TestServeAnswersWhatIsUnderWay(t *testing.T) {
	s := startServing(t, noVariables, "--listen", "127.0.0.1:0")
	for _, body := range []string{
		`{"path":"outside:bank","currency":"USD","min":"none"}`, `{"path":"users:alice","currency":"USD"}`,
	} {
		if got := s.post("/v1/accounts", body).StatusCode; got != http.StatusCreated {
			t.Fatalf("status %d", got)
		}
	}
	http.DefaultClient.CloseIdleConnections()

	// The server asks for the body with 100 Continue when the handler first reads it: then the request is under way.
	reading := make(chan struct{})
	body, send := io.Pipe()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/transfers", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: patience}, Timeout: patience}
	type outcome struct {
		status int
		err    error
	}
	answered := make(chan outcome, 1)
	go func() {
		response, err := client.Do(request)
		if err != nil {
			answered <- outcome{err: err}
			return
		}
		response.Body.Close()
		answered <- outcome{status: response.StatusCode}
	}()
	<-reading
	s.stop()
	s.line("bursar: shutting down")
	if _, err := io.WriteString(send, `{"from":"outside:bank","to":"users:alice","amount":"25.00 USD"}`); err != nil {
		t.Fatal(err)
	}
	send.Close()
	if got := <-answered; got.err != nil || got.status != http.StatusCreated {
		t.Errorf("the request under way got %+v", got)
	}
	if code := s.ended(); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
	var out strings.Builder
	e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: io.Discard, getenv: noVariables}
	code := run(t.Context(), e, []string{"balance", "users:alice", "--db", "sqlite:" + s.db})
	if code != 0 || !strings.Contains(out.String(), "25.00 USD") {
		t.Errorf("afterwards: exit %d, %s", code, out.String())
	}
}

func TestServeWithToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fromEnvironment := func(name string) string {
		if name == "BURSAR_TOKEN" {
			return "from-environment"
		}
		return ""
	}
	for _, c := range []struct {
		name  string
		args  []string
		token string
	}{
		{"environment", []string{"--listen", "0.0.0.0:0"}, "from-environment"},
		{"file before environment", []string{"--listen", "127.0.0.1:0", "--token-file", file}, "from-file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServing(t, fromEnvironment, c.args...)
			for token, want := range map[string]int{"": 401, "other": 401, c.token: 200} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/head", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+token)
				response, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("token %q: status %d, want %d", token, response.StatusCode, want)
				}
			}
			http.DefaultClient.CloseIdleConnections()
			s.stop()
			if code := s.ended(); code != 0 {
				t.Errorf("exit %d, want 0", code)
			}
		})
	}
}

// TestServeRefusesToStart wants the exit code, the words, and no database.
func TestServeRefusesToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": " \n", "blank": "two words\n", "odd": "tok\xc3\xa9n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		args []string
		exit int
		want []string
	}{
		{"everywhere without a token", []string{"--listen", ":0"}, usageExit, []string{"other machines", "--token-file"}},
		{"everywhere in IPv4", []string{"--listen", "0.0.0.0:0"}, usageExit, []string{"other machines"}},
		{
			"empty token file", []string{"--listen", ":0", "--token-file", filepath.Join(dir, "empty")}, usageExit,
			[]string{"holds no token"},
		},
		{"two words", []string{"--token-file", filepath.Join(dir, "blank")}, usageExit, []string{"no header can carry"}},
		{"not ASCII", []string{"--token-file", filepath.Join(dir, "odd")}, usageExit, []string{"no header can carry"}},
		{
			"no token file", []string{"--token-file", filepath.Join(dir, "none")}, plainExit,
			[]string{"none", "hint: --token-file"},
		},
		{
			"port in use", []string{"--listen", taken.Addr().String()}, plainExit,
			[]string{"taken by another program", "hint: stop that program"},
		},
		{"no address", []string{"--listen", "here"}, plainExit, []string{"hint: --listen takes"}},
		{"argument", []string{"8080"}, usageExit, []string{"unexpected argument"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "bursar.db")
			var errs strings.Builder
			e := &env{stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs, getenv: noVariables}
			code := run(t.Context(), e, append([]string{"serve", "--db", "sqlite:" + db}, c.args...))
			if code != c.exit {
				t.Errorf("exit %d, want %d", code, c.exit)
			}
			for _, want := range c.want {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("stderr has no %q:\n%s", want, errs.String())
				}
			}
			if _, err := os.Stat(db); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the database was made: %v", err)
			}
		})
	}
}

func TestRedacted(t *testing.T) {
	for db, want := range map[string]string{
		"sqlite:bursar.db":                    "sqlite:bursar.db",
		"sqlite:my books/a b.db":              "sqlite:my books/a b.db",
		"postgres://bursar:hunter2@db/ledger": "postgres://bursar:xxxxx@db/ledger",
		"mysql://bursar@db/b":                 "mysql://bursar@db/b",
		"postgres://db/b?user=u&password=p":   "postgres://db/b?password=xxxxx&user=u",
		"postgres://bursar:hunter 2@db/b":     "postgres:…",
	} {
		if got := redacted(db); got != want {
			t.Errorf("%s: %s, want %s", db, got, want)
		}
	}
}
