package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// everything is the pattern of all packages of a module. Those of the modules below it do not match.
const everything = "./..."

// modules lists the folders below dir that are modules of their own, so that what they need is no dependency of the
// module around them.
func modules(dir string) (found []string, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin"):
			return fs.SkipDir
		case d.Name() == "go.mod" && filepath.Dir(name) != dir:
			found = append(found, filepath.Dir(name))
		}
		return nil
	})
	return found, err
}

// testAll runs go test, and runs it in each module below dir if all packages are asked for. All of them run even if
// one fails. A module whose dependencies cannot be had is a note, or an error on a machine that requires tools.
func testAll(ctx context.Context, dir string, args, variables, required []string, r *report) error {
	failed := []error{goTest(ctx, dir, args, variables, r.event)}
	if !slices.Contains(args, everything) {
		return failed[0]
	}
	below, err := modules(dir)
	failed = append(failed, err)
	for _, module := range below {
		err := download(ctx, module)
		switch {
		case err == nil:
			err = goTest(ctx, module, args, variables, r.event)
		case len(required) == 0:
			err = note(r.out, module, err)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("module %s: %w", module, err))
		}
	}
	return errors.Join(failed...)
}

func note(out io.Writer, module string, err error) error {
	_, printed := fmt.Fprintf(out, "module %s: not run: %v\n", module, err)
	return printed
}

// download fetches what a module needs, unless it is there.
func download(ctx context.Context, module string) error {
	cmd := exec.CommandContext(ctx, "go", "mod", "download")
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod download: %w\n%s", err, out)
	}
	return nil
}
