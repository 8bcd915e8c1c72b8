package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/bursar-ledger/bursar/internal/sqltest/bundle"
	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// tool is a program that some tests need beside Bursar.
type tool struct {
	name   string // of the program or the engine
	debian string // the package that has it
	use    string
}

var tools = []tool{
	{"hledger", "hledger", "reads exported journals and adds them up on its own"},
	{"sqlite3", "sqlite3", "reads database files without our code"},
	{"curl", "curl", "talks to the server without our code"},
	{"postgres", "postgresql", "is an engine to test on"},
	{"mariadb", "mariadb-server", "is an engine to test on"},
}

// fetchable lists the names of the engines that setup may be asked to fetch.
func fetchable() []string {
	var names []string
	for _, b := range bundle.All() {
		names = append(names, b.Name)
	}
	return names
}

// machine is what setup knows about the computer and may do to it.
type machine struct {
	has      func(program string) bool
	do       func(ctx context.Context, name string, args ...string) error
	fetch    func(ctx context.Context, engines []bundle.Bundle) error // of other versions than the machine has
	root     bool
	required []string
	out      io.Writer
}

func thisMachine(out io.Writer) machine {
	return machine{
		has: has,
		do: func(ctx context.Context, name string, args ...string) error {
			return command(ctx, out, name, args...).Run()
		},
		fetch: func(ctx context.Context, engines []bundle.Bundle) error {
			return bundle.Fetch(ctx, engines, out)
		},
		root:     os.Geteuid() == 0,
		required: required(),
		out:      out,
	}
}

// has reports whether a program is in PATH. Database servers often are not, so these have their own look-up.
func has(program string) bool {
	if e := server.Engine(program); slices.Contains(server.All(), e) {
		return e.Find() == nil
	}
	if b, ok := bundle.Named(program); ok {
		_, err := b.Find()
		return err == nil
	}
	_, err := exec.LookPath(program)
	return err == nil
}

// setup installs the missing tools where apt-get may do it without asking, and fetches the engines that are named and
// that the machine does not have. It names the package of each tool and the reason of each engine that is still
// missing, and fails if one of those is required.
func setup(ctx context.Context, m machine, engines []string) error {
	if lacking := m.missing(); len(lacking) > 0 {
		m.install(ctx, lacking)
	}
	var needed []string
	for _, t := range m.missing() {
		fmt.Fprintf(m.out, "setup: %s is missing (%s): install the Debian package %s\n", t.name, t.use, t.debian)
		if slices.Contains(m.required, t.name) {
			needed = append(needed, t.name)
		}
	}
	needed = append(needed, m.fetchEngines(ctx, engines)...)
	if len(needed) > 0 {
		return fmt.Errorf("%s: missing but required by BURSAR_REQUIRE; install it or take it off the list",
			strings.Join(needed, ", "))
	}
	return nil
}

// fetchEngines returns the engines that are required and cannot be had.
func (m machine) fetchEngines(ctx context.Context, engines []string) (needed []string) {
	lacking := slices.DeleteFunc(slices.Clone(engines), m.has)
	if len(lacking) == 0 {
		return nil
	}
	var bundles []bundle.Bundle
	for _, name := range lacking {
		if b, ok := bundle.Named(name); ok {
			bundles = append(bundles, b)
		}
	}
	err := m.fetch(ctx, bundles)
	for _, name := range lacking {
		if m.has(name) {
			continue
		}
		fmt.Fprintf(m.out, "setup: %s is missing (is an engine to test on): %v\n", name, err)
		if slices.Contains(m.required, name) {
			needed = append(needed, name)
		}
	}
	return needed
}

func (m machine) missing() []tool {
	return slices.DeleteFunc(slices.Clone(tools), func(t tool) bool { return m.has(t.name) })
}

// install tries to get the packages, with fresh package lists if the old ones do
// not do. What went wrong shows in apt-get's own output and in what is still
// missing afterwards.
func (m machine) install(ctx context.Context, lacking []tool) {
	aptGet, ok := m.aptGet(ctx)
	if !ok {
		return
	}
	args := slices.Concat(aptGet, []string{"install", "-y", "--no-install-recommends"})
	for _, t := range lacking {
		args = append(args, t.debian)
	}
	if m.do(ctx, args[0], args[1:]...) == nil {
		return
	}
	update := slices.Concat(aptGet, []string{"update"})
	if m.do(ctx, update[0], update[1:]...) == nil {
		_ = m.do(ctx, args[0], args[1:]...)
	}
}

// aptGet returns the words that run apt-get with the rights it needs. It asks no
// questions and starts none of the services that it installs, because the tests
// start servers of their own. It returns false where that is not possible.
func (m machine) aptGet(ctx context.Context) ([]string, bool) {
	words := []string{"env", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_OFFLINE=1", "apt-get"}
	switch {
	case !m.has("apt-get"):
		return nil, false
	case m.root:
		return words, true
	case m.has("sudo") && m.do(ctx, "sudo", "-n", "true") == nil:
		return slices.Concat([]string{"sudo", "-n"}, words), true
	}
	return nil, false
}
