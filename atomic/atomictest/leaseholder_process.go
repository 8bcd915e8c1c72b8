package atomictest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// holderPatience is how long a process may take for one thing before it is killed and the test fails.
const holderPatience = 20 * time.Second

// A holderProcess is a process that runs [HoldLease], with the greatest number of each thing that it said.
type holderProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	stderr strings.Builder // to be read when it has ended
	read   chan struct{}   // closed when its output has been read

	mu      sync.Mutex
	changed sync.Cond
	said    map[string]int64
	ended   bool
}

func startHolder(t *testing.T, who holding, zone string) *holderProcess {
	t.Helper()
	told, err := json.Marshal(who)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &holderProcess{t: t, cmd: exec.Command(program), read: make(chan struct{}), said: map[string]int64{}}
	p.changed.L = &p.mu
	p.cmd.Env = append(os.Environ(), HelperVariable+"="+LeaseHelper, holdingVariable+"="+string(told), zone)
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = ownGroup()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It reads until the end: a process whose output nobody reads stops when the pipe is full.
	go p.listen(out)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.end()
		if t.Failed() {
			t.Logf("%s said %v and wrote %q to its standard error", who.Holder, p.said, p.stderr.String())
		}
	})
	return p
}

func (p *holderProcess) listen(out io.Reader) {
	defer close(p.read)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var event string
		var n int64
		if _, err := fmt.Sscan(lines.Text(), &event, &n); err != nil {
			continue // The text of a panic, say.
		}
		p.mu.Lock()
		p.said[event] = max(p.said[event], n)
		p.changed.Broadcast()
		p.mu.Unlock()
	}
	p.mu.Lock()
	p.ended = true
	p.changed.Broadcast()
	p.mu.Unlock()
}

// last is the greatest number that the process has said with event, 0 if none.
func (p *holderProcess) last(event string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said[event]
}

// await waits until the process has said event with at least n, and returns the greatest so far.
func (p *holderProcess) await(event string, n int64) int64 {
	p.t.Helper()
	p.until(fmt.Sprintf("%s %d", event, n), func() bool { return p.said[event] >= n })
	return p.last(event)
}

// awaitEither waits until the process has said one of two events with at least n, and returns which.
func (p *holderProcess) awaitEither(one, other string, n int64) string {
	p.t.Helper()
	p.until(fmt.Sprintf("%s or %s %d", one, other, n), func() bool { return p.said[one] >= n || p.said[other] >= n })
	if p.last(one) >= n {
		return one
	}
	return other
}

// until waits for what the process says. said is called with p.mu held.
func (p *holderProcess) until(what string, said func() bool) {
	p.t.Helper()
	defer p.guard()()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !said() && !p.ended {
		p.changed.Wait()
	}
	if !said() {
		p.t.Fatalf("a process ended, or was killed after %v, before it said %q", holderPatience, what)
	}
}

// guard kills the process after a while unless the function that it returns has been called.
func (p *holderProcess) guard() (stop func() bool) {
	return time.AfterFunc(holderPatience, func() { _ = p.cmd.Process.Kill() }).Stop
}

func (p *holderProcess) write(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// freeze makes the process freeze itself and waits until it has. It returns the token of the process, and whether
// it has the lease.
func (p *holderProcess) freeze() (token int64, held bool) {
	p.t.Helper()
	freezing, waiting := p.last("freezing"), p.last("waiting")
	p.write("freeze")
	release := p.guard()
	err := awaitFrozen(p.cmd.Process.Pid)
	release()
	if err != nil {
		p.t.Fatal(err)
	}
	p.until("freezing or waiting", func() bool { return p.said["freezing"] > freezing || p.said["waiting"] > waiting })
	token = p.last("freezing")
	return token, token > freezing
}

// resume lets a frozen process go on.
func (p *holderProcess) resume() {
	p.t.Helper()
	if err := resumeProcess(p.cmd.Process); err != nil {
		p.t.Fatal(err)
	}
	p.write("resume")
}

// finish ends the process, which must have met no error.
func (p *holderProcess) finish() {
	p.t.Helper()
	if err := p.in.Close(); err != nil {
		p.t.Fatal(err)
	}
	defer p.guard()()
	if err := p.end(); err != nil {
		p.t.Errorf("a process ended with %v: %s", err, p.stderr.String())
	}
}

// end waits for the end of the process and of its output.
func (p *holderProcess) end() error {
	<-p.read
	return p.cmd.Wait()
}
