package sqltest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// fakeTest notes how a test would end.
type fakeTest struct {
	testing.TB
	end string
}

func (f *fakeTest) Helper()                        {}
func (f *fakeTest) Skip(args ...any)               { f.end = "skip: " + fmt.Sprint(args...) }
func (f *fakeTest) Fatal(args ...any)              { f.end = "fail: " + fmt.Sprint(args...) }
func (f *fakeTest) Fatalf(format string, a ...any) { f.end = "fail: " + fmt.Sprintf(format, a...) }

func TestAnAbsentServerSkipsUnlessRequired(t *testing.T) {
	_, absent := share(CockroachEngine, "")
	tests := []struct {
		name    string
		err     error
		require string
		want    string // how the test's end begins
	}{
		{
			"not required", absent, "",
			"skip: cockroach cannot be started here: name a running server in BURSAR_TEST_COCKROACH",
		},
		{"another is required", absent, "postgres,mariadb", "skip: "},
		{"required", absent, "postgres, cockroach", "fail: cockroach cannot be started here"},
		{"does not start", errors.New("no memory"), "", "fail: no memory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("BURSAR_REQUIRE", test.require)
			var f fakeTest
			refuse(&f, CockroachEngine, test.err)
			if !strings.HasPrefix(f.end, test.want) || strings.Contains(f.end, "\n") {
				t.Errorf("the test ends with %q, want one line that begins with %q", f.end, test.want)
			}
		})
	}
}

// A cluster that was asked for and cannot be had is a failure where it is required, and one that nobody asked for is
// not.
func TestAnAbsentClusterSkipsUnlessRequired(t *testing.T) {
	absent := fmt.Errorf("galera %w: no provider", server.ErrMissing)
	for require, want := range map[string]string{
		"": "skip: ", "mariadb,mariadb11.8": "skip: ", "mariadb,galera": "fail: ",
	} {
		t.Setenv("BURSAR_REQUIRE", require)
		var f fakeTest
		refuse(&f, GaleraEngine, absent)
		if !strings.HasPrefix(f.end, want) {
			t.Errorf("with BURSAR_REQUIRE=%s the test ends with %q, want %q", require, f.end, want)
		}
	}
	t.Setenv("BURSAR_REQUIRE", "galera")
	t.Setenv("BURSAR_TEST_GALERA", "")
	var f fakeTest
	wantGalera(&f)
	if !strings.HasPrefix(f.end, "skip: ") {
		t.Errorf("without BURSAR_TEST_GALERA the test ends with %q, want a skip", f.end)
	}
}

// A server that is named and not there is an error, never a skip and never replaced by another.
func TestNamedServerMustAnswer(t *testing.T) {
	for e, address := range map[Engine]string{
		PostgresEngine: "postgres://bursar:secret@127.0.0.1:1/postgres?sslmode=disable",
		MariaDBEngine:  "mysql://bursar:secret@127.0.0.1:1/",
		TiDBEngine:     "http://127.0.0.1:1/",
	} {
		_, err := share(e, address)
		if err == nil || errors.Is(err, server.ErrMissing) {
			t.Errorf("%s: %v, want an error that names the address", e, err)
		} else if text := err.Error(); strings.Contains(text, "secret") || !strings.Contains(text, "127.0.0.1:1") {
			t.Errorf("%s: %v, want the address without the password", e, err)
		}
	}
}
