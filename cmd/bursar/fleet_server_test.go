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

// leashed is the program under another name, which ends when its stdin does: should the tests be killed themselves, no server
// stays behind.
const leashed = "bursar-leashed"

func runLeashed() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(plainExit)
	}()
	main()
}

// member is one server of a fleet, which has one process after the other. A single goroutine starts and kills it.
type member struct {
	fleet *fleet
	cmd   *exec.Cmd
	read  chan struct{} // closed when stderr is at its end

	mu   sync.Mutex
	url  string // of the process that runs, or that ran last
	said []string
}

func (m *member) address() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.url
}

// noted keeps of what a server says as much as anybody would read.
const noted = 20_000

// start begins a process and returns when it says its address, or with the error of how it ended.
func (m *member) start(ctx context.Context, listen string) error {
	m.cmd = exec.Command(leashed, "serve", "--db", m.fleet.url, "--listen", listen)
	if _, err := m.cmd.StdinPipe(); err != nil { // the leash, which ends with cmd
		return err
	}
	stderr, err := m.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	began, read := make(chan string, 1), make(chan struct{})
	m.read = read
	var talk []string
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, address, found := strings.Cut(lines.Text(), " on http://"); found && strings.HasPrefix(lines.Text(), "bursar: serving ") {
				began <- "http://" + address
			}
			if len(talk) < 10 {
				talk = append(talk, lines.Text())
			}
			m.note(lines.Text())
		}
	}()
	select {
	case url := <-began:
		m.mu.Lock()
		m.url = url
		m.mu.Unlock()
		return nil
	case <-read:
		return fmt.Errorf("%w: %s", m.cmd.Wait(), strings.Join(talk, "\n"))
	case <-ctx.Done():
		return errors.Join(errors.New("the server does not say that it serves"), m.kill())
	}
}

func (m *member) note(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.said) < noted {
		m.said = append(m.said, line)
	}
}

// kill ends the process with SIGKILL and returns when it is gone.
func (m *member) kill() error {
	err := m.cmd.Process.Kill()
	<-m.read
	var exit *exec.ExitError
	if end := m.cmd.Wait(); !errors.As(end, &exit) || exit.ExitCode() != -1 {
		err = errors.Join(err, fmt.Errorf("the server ended by itself: %v", end))
	}
	return err
}

// stop asks the process to end and wants it to end well.
func (m *member) stop() error {
	err := m.cmd.Process.Signal(syscall.SIGTERM)
	<-m.read
	return errors.Join(err, m.cmd.Wait())
}

const anyPort = "127.0.0.1:0"

// turnedAway reports whether a start has ended because the database cannot be reached, and said so.
func turnedAway(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == bursar.Describe(bursar.CodeUnavailable).Exit &&
		strings.Contains(err.Error(), "bursar: error: unavailable: ")
}

// revive starts the server and waits until it is well. Its old port may have gone to somebody else meanwhile.
func (m *member) revive(ctx context.Context, samePort bool) error {
	listen := anyPort
	if samePort {
		listen = strings.TrimPrefix(m.address(), "http://")
	}
	err := m.start(ctx, listen)
	if err != nil && strings.Contains(err.Error(), "taken by another program") {
		err = m.start(ctx, anyPort)
	}
	if err != nil {
		return err
	}
	return m.healthy(ctx)
}

// health is the status of /healthz.
func (m *member) health(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.address()+"/healthz", nil)
	if err != nil {
		return 0, err
	}
	response, err := m.fleet.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// healthy waits until the server says that it is.
func (m *member) healthy(ctx context.Context) error {
	for {
		status, err := m.health(ctx)
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
