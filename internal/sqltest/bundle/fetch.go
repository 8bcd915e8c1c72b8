package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Fetch brings the bundles that are missing into the cache and says on out what it does. It returns the error of each
// that cannot be had; the others are there. A bundle is either in the cache whole or not at all, also if the program is
// killed. Programs that fetch at the same time take turns, and the later one finds what the earlier one has fetched.
func Fetch(ctx context.Context, wanted []Bundle, out io.Writer) error {
	cache, err := Cache()
	if err != nil {
		return err
	}
	if len(missing(wanted, cache)) == 0 {
		return nil
	}
	if !supported {
		return errors.New("engines of Debian run on Linux only")
	}
	if err := errors.Join(os.MkdirAll(cache, 0o755), os.Chmod(cache, 0o755)); err != nil {
		return err
	}
	fmt.Fprintf(out, "engines: into %s\n", cache)
	unlock, err := lock(filepath.Join(cache, "lock"))
	if err != nil {
		return err
	}
	lacking := missing(wanted, cache)
	if len(lacking) == 0 {
		return unlock()
	}
	return errors.Join(fetchAll(ctx, cache, lacking, out), unlock())
}

func missing(wanted []Bundle, cache string) []Bundle {
	return slices.DeleteFunc(slices.Clone(wanted), func(b Bundle) bool {
		_, err := b.find(cache)
		return err == nil
	})
}

// fetchAll works in a folder of the cache, so that a rename is all that brings a bundle to its place. What a program
// that was killed has left there is removed.
func fetchAll(ctx context.Context, cache string, wanted []Bundle, out io.Writer) (err error) {
	work := filepath.Join(cache, "work")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	a, err := newApt(work)
	if err != nil {
		return err
	}
	suites := make([]string, len(wanted))
	for i, b := range wanted {
		suites[i] = b.Suite
	}
	slices.Sort(suites)
	if err := a.update(ctx, slices.Compact(suites), out); err != nil {
		return err
	}
	var errs []error
	for _, b := range wanted {
		if err := fetchOne(ctx, a, cache, b, out); err != nil {
			errs = append(errs, fmt.Errorf("fetch %s: %w", b.Name, err))
		}
	}
	return errors.Join(errs...)
}

func fetchOne(ctx context.Context, a *apt, cache string, b Bundle, out io.Writer) error {
	fmt.Fprintf(out, "engines: %s from Debian %s\n", b.Name, b.Suite)
	archives, err := a.download(ctx, b)
	if err != nil {
		return err
	}
	version, size, err := describe(b, archives)
	if err != nil {
		return err
	}
	root := filepath.Join(a.work, "root")
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	final := filepath.Join(cache, b.folder(version))
	for _, archive := range archives {
		if _, err := output(ctx, "dpkg-deb", "--extract", archive, root); err != nil {
			return err
		}
	}
	if err := errors.Join(wrap(root, final, b.Programs), tidyUp(root)); err != nil {
		return err
	}
	if err := os.Rename(root, final); err != nil {
		return err
	}
	fmt.Fprintf(out, "engines: %s %s, %d packages of %d MB, is ready\n", b.Name, version, len(archives), size>>20)
	return nil
}

// describe returns the version of the bundle's first package, without what a path cannot hold, and the bytes of all.
func describe(b Bundle, archives []string) (version string, size int64, err error) {
	for _, archive := range archives {
		info, err := os.Stat(archive)
		if err != nil {
			return "", 0, err
		}
		size += info.Size()
		if name, rest, _ := strings.Cut(filepath.Base(archive), "_"); name == b.Packages[0] {
			version, _, _ = strings.Cut(rest, "_")
		}
	}
	if version == "" {
		return "", 0, fmt.Errorf("apt has downloaded no %s", b.Packages[0])
	}
	_, upstream, epoch := strings.Cut(version, "%3a")
	if epoch {
		version = upstream
	}
	return version, size, nil
}

// output runs a program and returns what it prints. If it fails, the error ends with all that it has said.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var stdout, all bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, &all), &all
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(all.String()))
	}
	return stdout.String(), nil
}
