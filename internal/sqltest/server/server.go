package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Limits on how long a server may take. Both are far beyond what a busy machine needs.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 30 * time.Second
)

// admin is the name of the superuser of every instance.
const admin = "bursar"

// An Instance is a server with a folder and a port of its own, which it keeps over a restart. It is safe for
// concurrent use.
type Instance struct {
	engine   Engine
	kind     kind
	programs programs
	folder   *folder
	port     int
	password string
	extra    []string // arguments besides those of kind.args
	node     *node    // nil for a server by itself

	mu      sync.Mutex
	running *process // nil while the server is down
	crashed bool     // the last run was killed, so it has not cleaned up behind itself
	closed  bool
}

// Start makes a new server with an empty database and returns when it takes connections. If programs are missing,
// the error is that of [Engine.Find]. If the server does not start, the error ends with its log. The caller must
// call Close.
func Start(ctx context.Context, e Engine) (*Instance, error) {
	return start(ctx, e, func(*Instance) error { return nil })
}

// start makes a server after prepare has changed what is not as usual.
func start(ctx context.Context, e Engine, prepare func(*Instance) error) (*Instance, error) {
	k, err := e.kind()
	if err != nil {
		return nil, err
	}
	found, err := e.find()
	if err != nil {
		return nil, err
	}
	in := &Instance{engine: e, kind: k, programs: found, password: password()}
	if err := prepare(in); err != nil {
		return nil, fmt.Errorf("start %s: %w", e, err)
	}
	if in.folder, err = newFolder(k.user); err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", e, err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := in.create(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", e, err), in.Close())
	}
	return in, nil
}

func password() string { return rand.Text() }

// create fills the folder and runs the server for the first time.
func (in *Instance) create(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for name, text := range in.kind.files(in) {
		if err := in.folder.write(name, text); err != nil {
			return err
		}
	}
	if err := in.setUp(ctx); err != nil {
		return err
	}
	return in.anyPort(ctx, func() error { return nil })
}

// anyPort runs the server on a free port, after what has to be done when the port is known.
func (in *Instance) anyPort(ctx context.Context, prepare func() error) error {
	// Another program may take the port between the look and the server's own.
	const tries = 3
	for try := 1; ; try++ {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		in.port = port
		if err := prepare(); err != nil {
			return err
		}
		if err := in.run(ctx); err == nil || try == tries || ctx.Err() != nil {
			return err
		}
	}
}

// setUp runs the engine's own program that makes the files of a new server.
func (in *Instance) setUp(ctx context.Context) error {
	out, err := in.output("")
	if err != nil {
		return err
	}
	p, err := spawn(in.command(in.programs.install, in.kind.install(in)), out)
	if err != nil {
		return err
	}
	select {
	case <-p.gone:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.kill9())
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", in.programs.install, p.err, in.Log())
	}
	return nil
}

// run starts the server and waits for its word that it takes connections.
func (in *Instance) run(ctx context.Context) error {
	if in.kind.prepare != nil {
		if err := in.kind.prepare(ctx, in); err != nil {
			return err
		}
	}
	out, err := in.output(in.kind.ready)
	if err != nil {
		return err
	}
	p, err := spawn(in.command(in.programs.server, append(in.kind.args(in), in.extra...)), out)
	if err != nil {
		return err
	}
	select {
	case <-out.found:
		in.running, in.crashed = p, false
		return nil
	case <-p.gone:
		return fmt.Errorf("%s ended before it took connections: %w\n%s", in.programs.server, p.err, in.Log())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.kill9(), errors.New(in.Log()))
	}
}

// command prepares a program that works in the folder as the folder's owner, with an environment that says nothing
// about the servers of this machine.
func (in *Instance) command(program string, args []string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = in.folder.path
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "TMPDIR=" + in.folder.join("tmp")}
	cmd.ExtraFiles = []*os.File{in.folder.hold}
	cmd.SysProcAttr = attributes(in.folder.owner, in.kind.orphaned)
	return cmd
}

func (in *Instance) output(ready string) (*output, error) {
	file, err := os.OpenFile(in.folder.join("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return newOutput(file, ready), nil
}

// Engine returns what the server is.
func (in *Instance) Engine() Engine { return in.engine }

// URL returns where the server is, as its superuser, with the database that every server of its kind has.
func (in *Instance) URL() *url.URL {
	return &url.URL{
		Scheme:   in.kind.scheme,
		User:     url.UserPassword(admin, in.password),
		Host:     "127.0.0.1:" + strconv.Itoa(in.port),
		Path:     "/" + in.kind.database,
		RawQuery: in.kind.query,
	}
}

// Folder returns where the server keeps its files. It is gone after Close.
func (in *Instance) Folder() string { return in.folder.path }

// Log returns the last lines of the log of the server.
func (in *Instance) Log() string { return tail(filepath.Join(in.folder.path, "log")) }

// up reports whether the server runs, and notices one that has ended by itself.
func (in *Instance) up() bool {
	if in.running == nil {
		return false
	}
	select {
	case <-in.running.gone:
		in.running, in.crashed = nil, true
	default:
	}
	return in.running != nil
}

var errDown = errors.New("the server is not running")

// Kill9 kills the server and all of its processes with SIGKILL, at once, as when the machine loses power, except that
// what was written to files is there. It returns when all of them are gone. It is an error if none runs.
func (in *Instance) Kill9() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.kill9()
}

func (in *Instance) kill9() error {
	if !in.up() {
		return errDown
	}
	if err := in.running.kill9(); err != nil {
		return fmt.Errorf("kill %s: %w", in.engine, err)
	}
	in.running, in.crashed = nil, true
	return nil
}

// Stop ends the server in order, which closes all connections, and returns when it is gone. One that takes too long is
// killed, and that is an error. It is an error if none runs.
func (in *Instance) Stop() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stop()
}

func (in *Instance) stop() error {
	if !in.up() {
		return errDown
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := in.running.signal(in.kind.quit); err != nil {
		return fmt.Errorf("stop %s: %w", in.engine, err)
	}
	select {
	case <-in.running.gone:
		in.running = nil
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s has not stopped within %v, so it is killed", in.engine, stopTimeout), in.kill9())
	}
}

// Restart starts the server again on the same port, with the data that it had. A server that runs is stopped first. It
// returns when connections are taken, which after a crash is when the engine has recovered.
func (in *Instance) Restart(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return errors.New("restart: the server's folder is removed already")
	}
	if in.up() {
		if err := in.stop(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := in.run(ctx); err != nil {
		return fmt.Errorf("restart %s: %w", in.engine, err)
	}
	return nil
}

// Close kills the server, if it runs, and removes its folder. Nobody will read its data any more, so nothing is saved.
// Closing twice does nothing.
func (in *Instance) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return nil
	}
	in.closed = true
	var errs []error
	if in.up() {
		errs = append(errs, in.kill9())
	}
	if in.crashed {
		in.kind.sweep(in)
	}
	return errors.Join(append(errs, in.folder.remove())...)
}
