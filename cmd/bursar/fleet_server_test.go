package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// leashed is the name of a program like bursar that ends when its stdin does. So no server stays behind when the tests
// themselves are killed.
const leashed = "bursar-leashed"

func runLeashed() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(plainExit)
	}()
	main()
}

// server is one server of a fleet. It has one process after the other. A single goroutine starts and kills it, but only
// while nobody else holds it.
type server struct {
	fleet *fleet
	db    string // the URL of its database
	held  sync.Mutex
	cmd   *exec.Cmd
	read  chan struct{} // closed when stderr is at its end

	mu  sync.Mutex
	url string // of the process that runs, or that ran last
	log []string
}

func (s *server) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// linesMax is how many lines of a server's log are kept.
const linesMax = 20_000

// start begins a process. It returns when the process says its address, or with an error when it ended.
func (s *server) start(ctx context.Context, listen string) error {
	s.cmd = exec.Command(leashed, "serve", "--db", s.db, "--listen", listen)
	if _, err := s.cmd.StdinPipe(); err != nil { // the leash; it ends with cmd
		return err
	}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	began, read := make(chan string, 1), make(chan struct{})
	s.read = read
	var first []string
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			_, address, found := strings.Cut(lines.Text(), " on http://")
			if found && strings.HasPrefix(lines.Text(), "bursar: serving ") {
				began <- "http://" + address
			}
			if len(first) < 10 {
				first = append(first, lines.Text())
			}
			s.note(lines.Text())
		}
	}()
	select {
	case url := <-began:
		s.mu.Lock()
		s.url = url
		s.mu.Unlock()
		return nil
	case <-read:
		return fmt.Errorf("%w: %s", s.cmd.Wait(), strings.Join(first, "\n"))
	case <-ctx.Done():
		return errors.Join(errors.New("the server does not say that it serves"), s.kill())
	}
}

func (s *server) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) < linesMax {
		s.log = append(s.log, line)
	}
}

// kill ends the process with SIGKILL and returns when it is gone.
func (s *server) kill() error {
	err := s.cmd.Process.Kill()
	<-s.read
	var exit *exec.ExitError
	if end := s.cmd.Wait(); !errors.As(end, &exit) || exit.ExitCode() != -1 {
		err = errors.Join(err, fmt.Errorf("the server ended by itself: %v", end))
	}
	return err
}

// stop asks the process to end and wants it to end well.
func (s *server) stop() error {
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.read
	return errors.Join(err, s.cmd.Wait())
}

const anyPort = "127.0.0.1:0"

// isUnavailable reports whether a start has failed because the database cannot be reached, and has said so.
func isUnavailable(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == bursar.Describe(bursar.CodeUnavailable).Exit &&
		strings.Contains(err.Error(), "bursar: error: unavailable: ")
}

// restart starts the server and waits until it is healthy. Another program may have taken its old port meanwhile.
func (s *server) restart(ctx context.Context, samePort bool) error {
	listen := anyPort
	if samePort {
		listen = strings.TrimPrefix(s.address(), "http://")
	}
	err := s.start(ctx, listen)
	if err != nil && strings.Contains(err.Error(), "taken by another program") {
		err = s.start(ctx, anyPort)
	}
	if err != nil {
		return err
	}
	return s.awaitHealthy(ctx)
}

// health is the status of /healthz.
func (s *server) health(ctx context.Context) (int, error) {
	call, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address()+"/healthz", nil)
	if err != nil {
		return 0, err
	}
	response, err := s.fleet.patient.Do(call)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// awaitHealthy waits until the server says that it is healthy.
func (s *server) awaitHealthy(ctx context.Context) error {
	for {
		status, err := s.health(ctx)
		if err != nil {
			return fmt.Errorf("health: %w", err)
		}
		switch status {
		case http.StatusOK:
			return nil
		case http.StatusServiceUnavailable:
		default:
			return fmt.Errorf("health: status %d", status)
		}
		if err := clock.System().Sleep(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("health: still status %d: %w", status, err)
		}
	}
}
