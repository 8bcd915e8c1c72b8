package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

// testAll runs go test, and runs it in each module below dir if all packages are asked for: beside the first run, whose
// last packages leave a machine idle. All of them run even if one fails. A module whose dependencies cannot be had is a
// note, or an error on a machine that requires tools.
func testAll(ctx context.Context, dir string, args, variables, required []string, r *report) error {
	if !slices.Contains(args, everything) {
		return goTest(ctx, dir, args, variables, r.event)
	}
	below, err := modules(dir)
	if err != nil {
		return err
	}
	failed := make([]error, 2)
	var both sync.WaitGroup
	both.Go(func() { failed[0] = goTest(ctx, dir, args, variables, r.event) })
	both.Go(func() { failed[1] = testBelow(ctx, below, args, variables, required, r) })
	both.Wait()
	return errors.Join(failed...)
}

// testBelow runs go test in one module after another.
func testBelow(ctx context.Context, below, args, variables, required []string, r *report) error {
	var failed []error
	for _, module := range below {
		err := download(ctx, module)
		switch {
		case err == nil:
			err = goTest(ctx, module, args, variables, r.event)
		case len(required) == 0:
			err = r.note(module, err)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("module %s: %w", module, err))
		}
	}
	return errors.Join(failed...)
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
