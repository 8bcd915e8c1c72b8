package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// guest runs the program as somebody who may read the files of a folder and write nowhere.
type guest struct {
	t       *testing.T
	program string
}

// newGuest copies the program to where everybody may run it. Root may write everywhere, so the guest of root is another
// user.
func newGuest(t *testing.T) *guest {
	t.Helper()
	self, err := exec.LookPath("bursar") // of TestMain
	if err != nil {
		t.Fatal(err)
	}
	folder := publicFolder(t)
	g := &guest{t: t, program: filepath.Join(folder, "bursar")}
	from, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(g.program, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return g
}

// publicFolder is a temporary folder into which everybody may look.
func publicFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "bursar-public-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(os.Chmod(folder, 0o755), os.RemoveAll(folder)); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

func (g *guest) run(args ...string) (code int, stdout, stderr string) {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), g.program, args...)
	cmd.Dir = filepath.Dir(g.program)
	if os.Geteuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		g.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), talk.String()
}

// reading are commands that need no right to write, with something that each says.
var reading = map[string]string{
	"balance":                  "25.00 USD",
	"balance users:alice":      "25.00 USD",
	"account list":             "users:alice",
	"account show users:alice": "25.00 USD",
	"statement users:alice":    "25.00 USD",
	"journal":                  "25.00 USD",
	"verify":                   "ok: book main: 3 entries",
	"export":                   "25.00,USD",
}

// TestAReaderNeedsNoRightToWrite reads a file that belongs to somebody else, in a folder that does: at rest, and
// while a server has it open. Nothing is left behind.
func TestAReaderNeedsNoRightToWrite(t *testing.T) {
	g := newGuest(t)
	folder := publicFolder(t)
	file := filepath.Join(folder, "bursar.db")
	db := "--db=sqlite:" + file
	for _, args := range [][]string{
		{"account", "open", "outside:bank", "--currency", "USD", "--min", "none"},
		{"account", "open", "users:alice", "--currency", "USD"},
		{"transfer", "outside:bank", "users:alice", "25.00 USD"},
	} {
		if code, _, stderr := line(t, t.Context(), append(args, db)...); code != 0 {
			t.Fatalf("bursar %q: exit code %d: %s", args, code, stderr)
		}
	}
	for path, mode := range map[string]os.FileMode{file: 0o444, folder: 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	all := func(when string) {
		for args, want := range reading {
			code, stdout, stderr := g.run(append(strings.Fields(args), db)...)
			if code != 0 || !strings.Contains(stdout, want) {
				t.Errorf("%s: bursar %s: exit code %d, %q, %q", when, args, code, stdout, stderr)
			}
		}
	}
	all("at rest")
	if found, err := os.ReadDir(folder); err != nil || len(found) != 1 {
		t.Errorf("the folder has %v, %v", found, err)
	}
	if code, _, stderr := g.run("transfer", "outside:bank", "users:alice", "1.00 USD", db); code == 0 {
		t.Errorf("a guest posted: %s", stderr)
	}
	now := clock.System().Now().UTC().Format(time.RFC3339Nano)
	code, _, stderr := g.run("balance", "users:alice", "--at", now, db)
	if code != 4 || !strings.Contains(stderr, "as_of_ahead: --at: ") || !strings.Contains(stderr, "who may write") ||
		!strings.Contains(stderr, "cannot be moved there: read_only: you may not write to ") {
		t.Errorf("a time behind the last entry: exit code %d, %q", code, stderr)
	}
	if code, _, stderr := g.run("journal", "--follow", db); code != usageExit || !strings.Contains(stderr, "--follow") {
		t.Errorf("following a file at rest: exit code %d, %q", code, stderr)
	}
	for path, mode := range map[string]os.FileMode{folder: 0o755, file: 0o644} { // for the server
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 { // otherwise the guest is the server's own user
		s := startServing(t, func(string) string { return "" }, "--listen=127.0.0.1:0", db)
		defer s.ended()
		defer s.stop()
		all("while a server has it open")
	}
}
