package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestMain registers the program: scripts say exec bursar, and tests exec.Command("bursar"). TestFleet runs two more.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bursar": main, leashed: runLeashed, fleetShop: runFleetShop})
}

// TestScripts runs testdata/*.txtar on every engine that a test can have. There is one file for each feature, and each
// has a database of its own. Scripts have one command and two conditions more than testscript:
//
//	exits CODE COMMAND ARGUMENT...   the command ends with this exit code
//	[has:PROGRAM]                    as [exec:PROGRAM], but a failure when BURSAR_REQUIRE lists the missing program
//	[sqlite]                         the database is the file bursar.db
func TestScripts(t *testing.T) {
	for engine, database := range map[string]func(testing.TB) string{
		"sqlite":   func(testing.TB) string { return "" }, // the default
		"postgres": func(t testing.TB) string { return sqltest.Postgres(t).URL() },
		"mariadb":  func(t testing.TB) string { return sqltest.MariaDB(t).URL() },
	} {
		t.Run(engine, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata",
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup: func(e *testscript.Env) error {
					if url := database(e.T().(testing.TB)); url != "" {
						e.Setenv("BURSAR_DB", url)
					}
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
				Condition: func(name string) (bool, error) {
					if name == "sqlite" {
						return engine == "sqlite", nil
					}
					return condition(name)
				},
			})
		})
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGUMENT...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = fmt.Sprint(exit.ExitCode())
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

func condition(name string) (bool, error) {
	program, found := strings.CutPrefix(name, "has:")
	if !found {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	if _, err := exec.LookPath(program); err == nil {
		return true, nil
	}
	if slices.Contains(strings.Split(os.Getenv("BURSAR_REQUIRE"), ","), program) {
		return false, fmt.Errorf("%s is not installed, and BURSAR_REQUIRE lists it", program)
	}
	return false, nil
}
