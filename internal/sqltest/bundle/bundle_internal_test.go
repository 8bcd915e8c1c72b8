package bundle

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheNewestVersionIsFound(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	b := Bundle{Name: "engine9", Suite: "sid", Packages: []string{"engine"}}
	if _, err := b.find(cache); !errors.Is(err, ErrMissing) {
		t.Fatalf("an empty cache: %v, want ErrMissing", err)
	}
	other := b
	other.Suite = "trixie"
	for _, folder := range []string{b.folder("9.9-1"), b.folder("9.10-1"), other.folder("9.11-1"), "work", "lock"} {
		if err := os.Mkdir(filepath.Join(cache, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.find(cache)
	if want := filepath.Join(cache, b.folder("9.10-1")); err != nil || got != want {
		t.Errorf("find = %q, %v, want %q", got, err, want)
	}
	if lacking := missing([]Bundle{b, {Name: "engine1"}}, cache); len(lacking) != 1 || lacking[0].Name != "engine1" {
		t.Errorf("missing = %v, want engine1", lacking)
	}
}

func TestVersionsAreComparedByTheirNumbers(t *testing.T) {
	t.Parallel()
	want := []string{"9.7.4-2", "9.7.04-10", "9.10-1", "10.11.14-0+deb12u1", "10.11.14-0+deb12u2"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareVersions)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestMirrorsAreThoseOfTheMachinesRelease(t *testing.T) {
	t.Parallel()
	got := mirrorsIn(strings.Join([]string{
		"'https://packages.example/node_20.x/dists/nodistro/InRelease' packages.example_x 0 ",
		"'https://security.example/debian-security/dists/bookworm-security/InRelease' security.example_x 0 ",
		"'https://mirror.example/debian/dists/bookworm/InRelease' mirror.example_x 0 ",
		"'https://mirror.example/debian/dists/bookworm-updates/InRelease' mirror.example_x 0 ",
		"'https://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' mirror.example_x 0 ",
		"'https://other.example/linux/dists/bookworm/InRelease' other.example_x 0 ",
		"no address",
	}, "\n"), "bookworm")
	if diff := cmp.Diff([]string{"https://mirror.example/debian", "https://other.example/linux"}, got); diff != "" {
		t.Errorf("mirrors (-want +got):\n%s", diff)
	}
}

func TestAReleaseWithAnUnknownKeySaysWhatToDo(t *testing.T) {
	t.Parallel()
	failed := errors.New("the following signatures couldn't be verified: NO_PUBKEY 6ED0E7B82643E131")
	if err := explain(failed); !errors.Is(err, failed) || !strings.Contains(err.Error(), "debian-archive-keyring") {
		t.Errorf("explain = %v, want the package that has the keys", err)
	}
	if other := errors.New("404 Not Found"); explain(other) != other {
		t.Errorf("explain(%v) = %v", other, explain(other))
	}
}

// The program of a bundle runs from its final place under its own name, with the bundle's loader and libraries. No
// file runs as its owner, and other users may read all.
func TestProgramsRunWithTheirOwnLoader(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	root, final := filepath.Join(parent, "root"), filepath.Join(parent, "final")
	for _, dir := range []string{"usr/bin", "usr/lib64", "usr/lib/any-linux-gnu", "usr/share/man"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// The loader is a script here, which shows what it is asked for.
	for path, text := range map[string]string{
		"usr/lib64/ld-linux-any.so.2": "#!/bin/sh\nprintf '%s\\n' \"$@\"\n",
		"usr/bin/engine":              "\x7fELF and so on",
		"usr/bin/script":              "#!/bin/sh\n",
		"usr/bin/short":               "#",
		"usr/share/man/engine.1":      "manual",
	} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(root, "usr/bin/script"), 0o700|fs.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(wrap(root, final, []string{"usr/bin/*"}), tidyUp(root), os.Rename(root, final))
	if err != nil {
		t.Fatal(err)
	}
	engine := filepath.Join(final, "usr/bin/engine")
	said, err := exec.CommandContext(t.Context(), engine, "--version", "two words").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"--argv0", engine, "--library-path", filepath.Join(final, "usr/lib/any-linux-gnu"),
		engine + suffix, "--version", "two words", "",
	}
	if diff := cmp.Diff(want, strings.Split(string(said), "\n")); diff != "" {
		t.Errorf("the loader is asked (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(final, "usr/share/man")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("manuals are kept: %v", err)
	}
	for name, mode := range map[string]fs.FileMode{"script": 0o755, "engine": 0o755, "engine" + suffix: 0o755} {
		info, err := os.Stat(filepath.Join(final, "usr/bin", name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
	if err := wrap(final, final, []string{"usr/bin/none"}); err == nil {
		t.Error("a bundle without its program is taken")
	}
}

// Two programs that fetch at the same time take turns.
func TestFetchingIsLocked(t *testing.T) {
	t.Parallel()
	if !supported {
		t.Skip("bundles are for Linux")
	}
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	asked, had := make(chan struct{}), make(chan error)
	var released atomic.Bool
	go func() {
		close(asked)
		second, err := lock(path)
		if err == nil && !released.Load() {
			err = errors.New("two have the lock")
		}
		if err == nil {
			err = second()
		}
		had <- err
	}()
	<-asked
	released.Store(true)
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-had; err != nil {
		t.Error(err)
	}
}

// A bundle that is there needs no apt and no network, and says nothing.
func TestWhatIsThereIsNotFetched(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("BURSAR_ENGINES_CACHE", cache)
	t.Setenv("PATH", "")
	b := Bundle{Name: "engine9", Suite: "sid", Packages: []string{"engine"}}
	if err := os.Mkdir(filepath.Join(cache, b.folder("9-1")), 0o700); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if err := Fetch(t.Context(), []Bundle{b}, &said); err != nil || said.Len() > 0 {
		t.Errorf("Fetch = %v, said %q, want nothing", err, said.String())
	}
	other := Bundle{Name: "engine1", Suite: "sid", Packages: []string{"engine"}}
	if err := Fetch(t.Context(), []Bundle{b, other}, &said); err == nil && supported {
		t.Error("a bundle is fetched without apt")
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) > 2 {
		t.Errorf("the cache holds %v, %v, want the bundle and the lock", left, err)
	}
}
