package main

import (
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
	"github.com/google/go-cmp/cmp"
)

func TestServersLiveAsLongAsTheRun(t *testing.T) {
	for i, e := range engines {
		if err := e.Find(); err != nil {
			if strings.Contains(os.Getenv("BURSAR_REQUIRE"), string(e)) {
				t.Fatal(err)
			}
			t.Skip(err)
		}
		t.Setenv(variables[i], "")
	}
	var out strings.Builder
	named, stop, err := startServers(t.Context(), nil, &out)
	if err != nil {
		t.Fatal(err)
	}
	var hosts, names []string
	for _, v := range named {
		name, address, _ := strings.Cut(v, "=")
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		hosts, names = append(hosts, u.Host), append(names, name)
	}
	if diff := cmp.Diff(variables, names); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	answers := func(host string) bool {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		if err == nil {
			err = c.Close()
		}
		return err == nil
	}
	for _, host := range hosts {
		if !answers(host) {
			t.Errorf("nobody answers at %s", host)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, host := range hosts {
		if answers(host) {
			t.Errorf("the server at %s outlives the run", host)
		}
	}
	if out.Len() > 0 {
		t.Errorf("said %q", out.String())
	}
}

func TestNamedServersAreNotStarted(t *testing.T) {
	for _, v := range variables {
		t.Setenv(v, "postgres://bursar@127.0.0.1:1/postgres")
	}
	named, stop, err := startServers(t.Context(), nil, &strings.Builder{})
	if err != nil || len(named) != 0 {
		t.Errorf("startServers = %q, %v, want nothing", named, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestHasLooksForEnginesAndPrograms(t *testing.T) {
	for _, e := range server.All() {
		if got, want := has(string(e)), !errors.Is(e.Find(), server.ErrMissing); got != want {
			t.Errorf("has(%s) = %t, want %t", e, got, want)
		}
	}
	if !has("go") || has("no-such-program") {
		t.Error("has finds what is not there, or not what is")
	}
}
