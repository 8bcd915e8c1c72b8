package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest/bundle"
	"github.com/google/go-cmp/cmp"
)

// fakeMachine has some programs, and an apt-get that brings what it is asked for
// once its package lists are fresh.
type fakeMachine struct {
	programs []string
	lost     string // an engine that no mirror has
	stale    bool
	offline  bool
	noSudo   bool
	did      []string
}

func (f *fakeMachine) has(program string) bool { return slices.Contains(f.programs, program) }

func (f *fakeMachine) do(_ context.Context, name string, args ...string) error {
	f.did = append(f.did, strings.Join(append([]string{name}, args...), " "))
	switch {
	case name == "sudo" && args[len(args)-1] == "true" && f.noSudo:
		return errors.New("a password is required")
	case f.offline && slices.Contains(args, "apt-get"):
		return errors.New("no network")
	case slices.Contains(args, "update"):
		f.stale = false
	case slices.Contains(args, "install"):
		if f.stale {
			return errors.New("unable to locate package")
		}
		for _, t := range tools {
			if slices.Contains(args, t.debian) {
				f.programs = append(f.programs, t.name)
			}
		}
	}
	return nil
}

func (f *fakeMachine) fetch(_ context.Context, engines []bundle.Bundle) error {
	var err error
	for _, b := range engines {
		f.did = append(f.did, "fetch "+b.Name)
		if b.Name == f.lost {
			err = fmt.Errorf("fetch %s: no mirror has it", b.Name)
			continue
		}
		f.programs = append(f.programs, b.Name)
	}
	return err
}

func TestSetup(t *testing.T) {
	const (
		env       = "env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 apt-get "
		noHledger = "setup: hledger is missing (reads exported journals and adds them up on its own):" +
			" install the Debian package hledger\n"
		noSqlite3  = "setup: sqlite3 is missing (reads database files without our code): install the Debian package sqlite3\n"
		flags      = "install -y --no-install-recommends "
		noCurl     = "setup: curl is missing (talks to the server without our code): install the Debian package curl\n"
		noPostgres = "setup: postgres is missing (is an engine to test on): install the Debian package postgresql\n"
		noMariaDB  = "setup: mariadb is missing (is an engine to test on): install the Debian package mariadb-server\n"
		noMySQL    = "setup: mysql9 is missing (is an engine to test on): fetch mysql9: no mirror has it\n"
		packages   = "hledger sqlite3 curl postgresql mariadb-server"
		requireAll = "hledger,sqlite3,curl,postgres,mariadb"
	)
	// with returns a machine that has all but some tools, and other programs besides.
	with := func(other string, lacks ...string) []string {
		programs := strings.Fields(other)
		for _, t := range tools {
			if !slices.Contains(lacks, t.name) {
				programs = append(programs, t.name)
			}
		}
		return programs
	}
	tests := []struct {
		name    string
		machine fakeMachine
		root    bool
		require string
		engines string
		did     []string
		said    string
		fails   bool
	}{
		{name: "nothing missing", machine: fakeMachine{programs: with("apt-get")}, root: true, require: requireAll},
		{
			name: "root installs what is missing", machine: fakeMachine{programs: with("apt-get", "hledger")},
			root: true, require: requireAll,
			did: []string{env + flags + "hledger"},
		},
		{
			name: "stale lists are refreshed", machine: fakeMachine{programs: []string{"apt-get"}, stale: true},
			root: true, require: requireAll,
			did: []string{env + flags + packages, env + "update", env + flags + packages},
		},
		{
			name: "sudo without a password", machine: fakeMachine{programs: with("apt-get sudo", "sqlite3")},
			did: []string{"sudo -n true", "sudo -n " + env + flags + "sqlite3"},
		},
		{
			name: "sudo that asks", machine: fakeMachine{programs: with("apt-get sudo", "hledger", "sqlite3"), noSudo: true},
			did: []string{"sudo -n true"}, said: noHledger + noSqlite3,
		},
		{name: "another system", machine: fakeMachine{programs: with("", "sqlite3")}, root: true, said: noSqlite3},
		{
			name: "required and not to be had", machine: fakeMachine{}, require: "mariadb",
			said: noHledger + noSqlite3 + noCurl + noPostgres + noMariaDB, fails: true,
		},
		{
			name: "no network", machine: fakeMachine{programs: with("apt-get", "hledger"), offline: true},
			root: true, require: requireAll,
			did: []string{env + flags + "hledger", env + "update"}, said: noHledger, fails: true,
		},
		{
			name: "engines that are missing are fetched", machine: fakeMachine{programs: with("mysql9")},
			require: "postgres18", engines: "postgres18 mysql9", did: []string{"fetch postgres18"},
		},
		{
			name: "an engine that cannot be had", machine: fakeMachine{programs: with(""), lost: "mysql9"},
			require: "postgres18", engines: "postgres18 mysql9", did: []string{"fetch postgres18", "fetch mysql9"},
			said: noMySQL,
		},
		{
			name: "a required engine that cannot be had", machine: fakeMachine{programs: with(""), lost: "mysql9"},
			require: "mysql9", engines: "mysql9", did: []string{"fetch mysql9"}, said: noMySQL, fails: true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("BURSAR_REQUIRE", test.require)
			var said strings.Builder
			f := &test.machine
			m := machine{has: f.has, do: f.do, fetch: f.fetch, root: test.root, required: required(), out: &said}
			err := setup(t.Context(), m, strings.Fields(test.engines))
			if (err != nil) != test.fails {
				t.Errorf("setup() = %v, want an error: %t", err, test.fails)
			}
			if diff := cmp.Diff(test.did, f.did); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.said, said.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}
