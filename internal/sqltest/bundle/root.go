package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tidyUp removes what no server reads, and makes every file an ordinary one that all users may read: programs that run
// as their owner have no business in a cache.
func tidyUp(root string) error {
	for _, dir := range []string{"doc", "man", "locale", "info", "perl", "lintian"} {
		if err := os.RemoveAll(filepath.Join(root, "usr/share", dir)); err != nil {
			return err
		}
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		if entry.IsDir() {
			return os.Chmod(path, 0o755)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

// elf begins a program that needs a loader.
var elf = []byte("\x7fELF")

// suffix is added to the name of a program that a script stands for.
const suffix = ".elf"

// wrap puts a script in the place of each program. It runs the program with the loader and the libraries of the
// bundle, once that is at its final place, under the script's own name: engines find their files from there. Programs
// that are links or scripts already stay as they are.
func wrap(root, final string, patterns []string) error {
	loader, err := one(root, "lib*/ld-linux*.so.*", "usr/lib*/ld-linux*.so.*")
	if err != nil {
		return fmt.Errorf("look for the loader: %w", err)
	}
	var libraries []string
	for _, dir := range []string{"lib/*-linux-gnu*", "usr/lib/*-linux-gnu*"} {
		found, err := filepath.Glob(filepath.Join(root, dir))
		if err != nil {
			return err
		}
		for _, path := range found {
			libraries = append(libraries, final+strings.TrimPrefix(path, root))
		}
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' --argv0 \"$0\" --library-path '%s' \"$0%s\" \"$@\"\n",
		final+strings.TrimPrefix(loader, root), strings.Join(libraries, ":"), suffix)
	found, err := programs(root, patterns)
	if err != nil {
		return err
	}
	for _, path := range found {
		if err := errors.Join(os.Rename(path, path+suffix), os.WriteFile(path, []byte(script), 0o755)); err != nil {
			return err
		}
	}
	return nil
}

// programs lists the files of some patterns that the loader loads.
func programs(root string, patterns []string) ([]string, error) {
	var found []string
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			switch is, err := program(path); {
			case err != nil:
				return nil, err
			case is:
				found = append(found, path)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the packages have no program %s", strings.Join(patterns, ", "))
	}
	return found, nil
}

// program reports whether a file is one that the loader loads.
func program(path string) (bool, error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	first := make([]byte, len(elf))
	n, _ := file.Read(first) // a shorter file is no program
	return bytes.Equal(first[:n], elf), nil
}

// one returns the first file that one of the patterns has.
func one(root string, patterns ...string) (string, error) {
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("the packages have no %s", strings.Join(patterns, ", "))
}
