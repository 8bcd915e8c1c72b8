package main

import (
	"errors"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestServersThatLetNobodyIn names a database that is not there, an unknown user, and a port where nobody listens. Each
// is unavailable, with a hint, and no password is shown.
func TestServersThatLetNobodyIn(t *testing.T) {
	const password = "hunter2hunter2"
	for _, server := range []*sqltest.Server{sqltest.Postgres(t), sqltest.MariaDB(t)} {
		good, err := url.Parse(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*url.URL){
			"another database": func(u *url.URL) { u.Path = "/nowhere" },
			"another user":     func(u *url.URL) { u.User = url.UserPassword("stranger", password) },
			"another port":     func(u *url.URL) { u.Host, u.User = "127.0.0.1:1", url.UserPassword("stranger", password) },
		} {
			t.Run(good.Scheme+", "+name, func(t *testing.T) {
				bad := *good
				change(&bad)
				output, err := exec.CommandContext(t.Context(), "bursar", "--db", bad.String(), "balance").CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 8 {
					t.Errorf("%v, want exit code 8", err)
				}
				text := string(output)
				hint := "bursar: hint: is " + bad.Redacted() + " the right database?"
				if !strings.HasPrefix(text, "bursar: error: unavailable: ") || !strings.Contains(text, hint) ||
					strings.Contains(text, password) {
					t.Errorf("it says\n%s", text)
				}
			})
		}
	}
}
