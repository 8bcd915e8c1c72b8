// The testenv command prepares a machine for the tests and runs them:
//
//	testenv setup [engines]   install the programs that tests need, and fetch
//	                          engines of other versions into a cache
//	testenv run [flags] pkgs  start database servers, run go test and print
//	                          failures, skips and a summary; with ./... also
//	                          in the modules below this one
//	testenv fuzz TIME pkgs    find every fuzz target and run each for TIME
//
// The Makefile calls it. It knows no test by name and holds no test of its own
// beyond those of itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := dispatch(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: testenv setup [engines] | run [go test flags] packages | fuzz TIME packages")

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	switch verb, rest := args[0], args[1:]; {
	case verb == "setup":
		return setupWith(ctx, rest, out)
	case verb == "run" && len(rest) > 0:
		return run(ctx, rest, required(), out)
	case verb == "fuzz" && len(rest) > 1:
		return fuzz(ctx, rest[0], rest[1:], out)
	}
	return errUsage
}

// setupWith refuses names of no engine.
func setupWith(ctx context.Context, engines []string, out io.Writer) error {
	for _, name := range engines {
		if !slices.Contains(fetchable(), name) {
			return fmt.Errorf("%w\nsetup knows no engine %q: want some of %s", errUsage, name,
				strings.Join(fetchable(), ", "))
		}
	}
	return setup(ctx, thisMachine(out), engines)
}

// required returns the programs that BURSAR_REQUIRE names: without them a test
// fails instead of being skipped.
func required() []string {
	return strings.FieldsFunc(os.Getenv("BURSAR_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' })
}

// command prepares a program whose output goes to out.
func command(ctx context.Context, out io.Writer, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}
