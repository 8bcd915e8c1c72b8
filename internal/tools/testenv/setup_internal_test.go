package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeMachine has some programs, and an apt-get that brings what it is asked for
// once its package lists are fresh.
type fakeMachine struct {
	programs []string
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
		at := slices.Index(args, "--no-install-recommends")
		f.programs = append(f.programs, args[at+1:]...)
	}
	return nil
}

func TestSetup(t *testing.T) {
	const (
		env        = "env DEBIAN_FRONTEND=noninteractive apt-get "
		noHledger  = "setup: hledger is missing (reads exported journals and adds them up on its own): install the Debian package hledger\n"
		noSqlite3  = "setup: sqlite3 is missing (reads database files without our code): install the Debian package sqlite3\n"
		flags      = "install -y --no-install-recommends "
		requireAll = "hledger,sqlite3"
	)
	tests := []struct {
		name    string
		machine fakeMachine
		root    bool
		require string
		did     []string
		said    string
		fails   bool
	}{
		{name: "nothing missing", machine: fakeMachine{programs: []string{"hledger", "sqlite3", "apt-get"}}, root: true, require: requireAll},
		{
			name: "root installs what is missing", machine: fakeMachine{programs: []string{"sqlite3", "apt-get"}}, root: true, require: requireAll,
			did: []string{env + flags + "hledger"},
		},
		{
			name: "stale lists are refreshed", machine: fakeMachine{programs: []string{"apt-get"}, stale: true}, root: true, require: requireAll,
			did: []string{env + flags + "hledger sqlite3", env + "update", env + flags + "hledger sqlite3"},
		},
		{
			name: "sudo without a password", machine: fakeMachine{programs: []string{"apt-get", "sudo", "hledger"}},
			did: []string{"sudo -n true", "sudo -n " + env + flags + "sqlite3"},
		},
		{
			name: "sudo that asks", machine: fakeMachine{programs: []string{"apt-get", "sudo"}, noSudo: true},
			did: []string{"sudo -n true"}, said: noHledger + noSqlite3,
		},
		{name: "another system", machine: fakeMachine{programs: []string{"hledger"}}, root: true, said: noSqlite3},
		{name: "required and not to be had", machine: fakeMachine{}, require: "sqlite3", said: noHledger + noSqlite3, fails: true},
		{
			name: "no network", machine: fakeMachine{programs: []string{"apt-get", "sqlite3"}, offline: true}, root: true, require: requireAll,
			did: []string{env + flags + "hledger", env + "update"}, said: noHledger, fails: true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("BURSAR_REQUIRE", test.require)
			var said strings.Builder
			f := &test.machine
			err := setup(t.Context(), machine{has: f.has, do: f.do, root: test.root, required: required(), out: &said})
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
