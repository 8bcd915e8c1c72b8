package main

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ship is one server of a fleet: a process that is started again after it was killed, at another address.
type ship struct {
	t        *testing.T
	database string

	mu      sync.Mutex
	command *exec.Cmd
	url     string // empty while it is down
	said    []string
	read    chan struct{} // closed when all that the process said was read
}

// launch starts a server and waits until it serves.
func launch(t *testing.T, database string) *ship {
	t.Helper()
	s := &ship{t: t, database: database}
	if !s.start(true) {
		t.Fatalf("a server does not start:\n%s", strings.Join(s.said, "\n"))
	}
	t.Cleanup(func() { _ = s.command.Process.Kill() })
	return s
}

const startTimeout = time.Minute

// start begins the process. It reports whether it serves: it does not if the database is down.
func (s *ship) start(first bool) bool {
	command := exec.Command("bursar", "--db", s.database, "serve", "--listen", "127.0.0.1:0")
	stderr, err := command.StderrPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		s.t.Error(err)
		return false
	}
	address, read := make(chan string, 1), make(chan struct{})
	s.mu.Lock()
	s.command, s.said, s.read = command, nil, read
	s.mu.Unlock()
	go func() {
		defer close(read)
		defer close(address)
		s.listen(stderr, address)
	}()
	select {
	case url, serves := <-address:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.url = url
		return serves
	case <-time.After(startTimeout):
		s.t.Errorf("a server has not begun to serve after %v", startTimeout)
		return false
	}
}

// saidMax is how many lines of a server's are kept.
const saidMax = 50

func (s *ship) listen(stderr io.Reader, address chan<- string) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if _, url, found := strings.Cut(lines.Text(), " on http://"); found && strings.HasPrefix(lines.Text(), "bursar: serving ") {
			address <- "http://" + url
		}
		s.mu.Lock()
		s.said = append(s.said, lines.Text())
		s.said = s.said[max(0, len(s.said)-saidMax):]
		s.mu.Unlock()
	}
}

// at is where the server is; empty while it is down.
func (s *ship) at() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// sink kills the server and starts it again. One that does not start, because there is no database to be had, is tried
// again as a supervisor would.
func (s *ship) sink() {
	s.mu.Lock()
	command, read := s.command, s.read
	s.url = ""
	s.mu.Unlock()
	_ = command.Process.Kill()
	<-read
	_ = command.Wait()
	for range 20 {
		if s.start(false) {
			return
		}
		s.mu.Lock()
		command, read = s.command, s.read
		s.mu.Unlock()
		_ = command.Process.Kill()
		<-read
		_ = command.Wait()
	}
	s.t.Errorf("a server did not start again:\n%s", strings.Join(s.said, "\n"))
}

// stop ends the server in order.
func (s *ship) stop() {
	s.t.Helper()
	s.mu.Lock()
	command, read := s.command, s.read
	s.url = ""
	s.mu.Unlock()
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	<-read
	if err := command.Wait(); err != nil {
		s.t.Errorf("a server ended with %v:\n%s", err, strings.Join(s.said, "\n"))
	}
}
