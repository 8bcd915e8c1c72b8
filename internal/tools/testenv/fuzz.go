package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// fuzz finds the fuzz targets of some packages and runs each for the given time,
// one after the other, because go test fuzzes one target at a time. All of them
// run even if one fails.
func fuzz(ctx context.Context, each string, packages []string, out io.Writer) error {
	var targets []key
	err := goTest(ctx, "", append([]string{"-list", "^Fuzz"}, packages...), nil, func(e event) {
		if k, ok := target(e); ok {
			targets = append(targets, k)
		} else if e.Action == "build-output" {
			fmt.Fprint(out, e.Output)
		}
	})
	if err != nil {
		return fmt.Errorf("list the fuzz targets: %w", err)
	}
	var failed []error
	for _, k := range targets {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(out, "fuzz %s %s for %s\n", k.pkg, k.test, each)
		args := []string{"test", "-run", "^$", "-fuzz", "^" + k.test + "$", "-fuzztime", each, k.pkg}
		if err := command(ctx, out, "go", args...).Run(); err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", k.pkg, k.test, err))
		}
	}
	fmt.Fprintf(out, "fuzz targets: %d ok, %d failed\n", len(targets)-len(failed), len(failed))
	return errors.Join(failed...)
}

// target recognises the name of a fuzz target in the output of go test -list.
func target(e event) (key, bool) {
	name := strings.TrimSpace(e.Output)
	if e.Action != "output" || !strings.HasPrefix(name, "Fuzz") || strings.ContainsAny(name, " \t") {
		return key{}, false
	}
	return key{e.Package, name}, true
}
