package server

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An Engine names a kind of server.
type Engine string

// The engines that can be started.
const (
	Postgres Engine = "postgres"
	MariaDB  Engine = "mariadb"
)

// ErrMissing is the error of an engine that cannot be started on this machine. Its text says in one line what to do.
var ErrMissing = errors.New("cannot be started here")

// kind is what one engine does its own way.
type kind struct {
	user     string // the system user that the engine's packages make
	debian   string // the package to install
	server   string // program
	install  func(in *Instance) []string
	setup    string   // program that makes the files of a new server
	folders  []string // where distributions keep the programs outside PATH
	args     func(in *Instance) []string
	files    func(in *Instance) map[string]string
	ready    string         // what the server says when it takes connections
	quit     syscall.Signal // asks for an orderly end without waiting for clients
	orphaned syscall.Signal // what the kernel sends when our program is gone
	sweep    func(in *Instance)
	scheme   string
	database string
	query    string
}

func (e Engine) kind() (kind, error) {
	switch e {
	case Postgres:
		return postgresKind(), nil
	case MariaDB:
		return mariaDBKind(), nil
	}
	return kind{}, fmt.Errorf("no engine %q: want %s or %s", e, Postgres, MariaDB)
}

// Find reports whether the engine can be started here: nil, or an error that is [ErrMissing] and says what to install.
func (e Engine) Find() error {
	_, err := e.find()
	return err
}

// programs are the files of an engine that must be there.
type programs struct{ server, install string }

func (e Engine) find() (programs, error) {
	k, err := e.kind()
	if err != nil {
		return programs{}, err
	}
	if !supported {
		return programs{}, fmt.Errorf("%s %w: servers are started on Linux only", e, ErrMissing)
	}
	found := programs{look(k.server, k.folders), look(k.setup, k.folders)}
	if found.server == "" || found.install == "" {
		return programs{}, fmt.Errorf("%s %w: install the Debian package %s", e, ErrMissing, k.debian)
	}
	return found, nil
}

// look finds a program in PATH or else in the first of the folders that has it, of several versions the newest.
func look(program string, folders []string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
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
