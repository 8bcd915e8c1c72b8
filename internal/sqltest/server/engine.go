package server

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/bursar-ledger/bursar/internal/sqltest/bundle"
)

// An Engine names a kind of server.
type Engine string

// The engines that can be started. The first two are whatever version the machine has. The others are of the version
// that they name, installed or from package bundle.
const (
	Postgres   Engine = "postgres"
	MariaDB    Engine = "mariadb"
	Postgres15 Engine = "postgres15"
	Postgres18 Engine = "postgres18"
	MariaDB10  Engine = "mariadb10.11"
	MariaDB11  Engine = "mariadb11.8"
	MySQL9     Engine = "mysql9"
)

// All lists the engines.
func All() []Engine {
	return []Engine{Postgres, MariaDB, Postgres15, Postgres18, MariaDB10, MariaDB11, MySQL9}
}

// ErrMissing is the error of an engine that cannot be started on this machine. Its text says in one line what to do.
var ErrMissing = errors.New("cannot be started here")

// kind is what one engine does its own way.
type kind struct {
	user     string // the system user that the engine's packages make
	debian   string // the package to install, unless the engine is of one version
	version  string // what the server answers to --version must hold, if the engine is of one version
	server   string // program
	install  func(in *Instance) []string
	setup    string   // program that makes the files of a new server
	folders  []string // where distributions keep the programs outside PATH
	args     func(in *Instance) []string
	files    func(in *Instance) map[string]string
	prepare  func(ctx context.Context, in *Instance) error // before each run; may be nil
	ready    string                                        // what the server says when it takes connections
	quit     syscall.Signal                                // asks for an orderly end without waiting for clients
	orphaned syscall.Signal                                // what the kernel sends when our program is gone
	sweep    func(in *Instance)
	scheme   string
	database string
	query    string
}

func (e Engine) kind() (kind, error) {
	switch e {
	case Postgres:
		return postgresKind(""), nil
	case Postgres15, Postgres18:
		return postgresKind(strings.TrimPrefix(string(e), string(Postgres))), nil
	case MariaDB:
		return mariaDBKind(""), nil
	case MariaDB10, MariaDB11:
		return mariaDBKind(strings.TrimPrefix(string(e), string(MariaDB))), nil
	case MySQL9:
		return mySQLKind(), nil
	}
	return kind{}, fmt.Errorf("no engine %q: want one of %q", e, All())
}

// Find reports whether the engine can be started here: nil, or an error that is [ErrMissing] and says what to install.
func (e Engine) Find() error {
	_, err := e.find()
	return err
}

// programs are the files of an engine that must be there.
type programs struct {
	server, install string
	root            string // of the bundle that they are from, or empty
}

func (e Engine) find() (programs, error) {
	k, err := e.kind()
	if err != nil {
		return programs{}, err
	}
	if !supported {
		return programs{}, fmt.Errorf("%s %w: servers are started on Linux only", e, ErrMissing)
	}
	found := programs{server: look(k.server, k.folders), install: look(k.setup, k.folders)}
	switch there := found.server != "" && found.install != ""; {
	case there && (k.version == "" || says(found.server, k.version)):
		return found, nil
	case k.version == "":
		return programs{}, fmt.Errorf("%s %w: install the Debian package %s", e, ErrMissing, k.debian)
	}
	return e.bundled(k)
}

// bundled finds the programs of an engine in its bundle.
func (e Engine) bundled(k kind) (programs, error) {
	b, ok := bundle.Named(string(e))
	if !ok {
		return programs{}, fmt.Errorf("%s %w: it has no bundle", e, ErrMissing)
	}
	root, err := b.Find()
	if err != nil {
		return programs{}, fmt.Errorf("%s %w: %w", e, ErrMissing, err)
	}
	var folders []string
	for _, dir := range append(k.folders, "/usr/bin") {
		folders = append(folders, filepath.Join(root, dir))
	}
	found := programs{inside(k.server, folders), inside(k.setup, folders), root}
	if found.server == "" || found.install == "" {
		return programs{}, fmt.Errorf("%s %w: remove %s, which lacks %s or %s, and run testenv setup %[1]s", e,
			ErrMissing, root, k.server, k.setup)
	}
	return found, nil
}

// says reports whether a server calls itself by a version.
func says(server, version string) bool {
	said, err := exec.Command(server, "--version").Output()
	return err == nil && strings.Contains(string(said), version)
}

// look finds a program in PATH or else in the first of the folders that has it, of several versions the newest.
func look(program string, folders []string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	return inside(program, folders)
}

func inside(program string, folders []string) string {
	for _, pattern := range folders {
		found, err := filepath.Glob(filepath.Join(pattern, program))
		if err != nil || len(found) == 0 {
			continue
		}
		return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	}
	return ""
}

// version reads the last number that is a folder of the path, such as 15 in /usr/lib/postgresql/15/bin.
func version(path string) int {
	last := 0
	for part := range strings.SplitSeq(path, "/") {
		if n, err := strconv.Atoi(part); err == nil {
			last = n
		}
	}
	return last
}
