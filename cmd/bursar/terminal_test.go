package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// line runs one command line in this process.
func line(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: &talk, getenv: func(string) string { return "" }}
	code = run(ctx, e, args)
	return code, out.String(), talk.String()
}

// book makes a ledger with two accounts and returns the flag that names it.
func book(t *testing.T) string {
	t.Helper()
	db := "--db=sqlite:" + filepath.Join(t.TempDir(), "bursar.db")
	for _, args := range [][]string{
		{db, "account", "open", "outside:bank", "--currency", "USD", "--min", "none"},
		{db, "account", "open", "users:alice", "--currency", "USD"},
	} {
		if code, _, stderr := line(t, t.Context(), args...); code != 0 {
			t.Fatalf("bursar %q: exit code %d: %s", args, code, stderr)
		}
	}
	return db
}

func TestFollowEndsCleanlyOnSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			db := book(t)
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), "bursar", db, "journal", "--follow", "-o", "json")
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stdout)
			next := func() string {
				if !lines.Scan() {
					t.Fatalf("the journal ended: %v, %s", lines.Err(), &stderr)
				}
				return lines.Text()
			}
			next()
			next() // it has come to the end, and waits
			if code, _, stderr := line(t, t.Context(), db, "transfer", "outside:bank", "users:alice", "25.00 USD"); code != 0 {
				t.Fatalf("transfer: exit code %d: %s", code, stderr)
			}
			if entry := next(); !strings.Contains(entry, `"amount":"25.00 USD"`) {
				t.Errorf("the new entry came as %s", entry)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if lines.Scan() {
				t.Errorf("after the signal came %s", lines.Text())
			}
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("ended with %v and said %q", err, &stderr)
			}
		})
	}
}

// TestFollowEndsWithItsReader closes the pipe while no entry comes.
func TestFollowEndsWithItsReader(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the writer of a pipe that its reader is gone")
	}
	for _, args := range [][]string{{"-o", "json"}, {"-o", "json", "--after", "99"}, {}} {
		db := book(t)
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "bursar", append([]string{db, "journal", "--follow"}, args...)...)
		cmd.Stderr = &stderr
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = w
		if err := errors.Join(cmd.Start(), w.Close()); err != nil {
			t.Fatal(err)
		}
		if len(args) < 3 { // it has something to say first
			if _, err := r.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		guard := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("%q: ended with %v and said %q", args, err, &stderr)
		}
		guard.Stop()
	}
}

func TestClosedPipeIsQuiet(t *testing.T) {
	db := book(t)
	for _, args := range [][]string{
		{"journal"}, {"journal", "-o", "json"}, {"journal", "-o", "csv"}, {"account", "list"}, {"balance"},
		{"statement", "users:alice", "-o", "csv"}, {"errors"}, {"version"}, {"migrate"}, {"--help"},
		{"transfer", "outside:bank", "users:alice", "1.00 USD"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), "bursar", append(args, db)...)
			cmd.Stdout, cmd.Stderr = w, &stderr
			err = cmd.Run()
			if err != nil || stderr.Len() > 0 {
				t.Errorf("ended with %v and said %q", err, &stderr)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	_, stdout, _ := line(t, t.Context(), db, "balance", "users:alice", "-o", "csv")
	if !strings.Contains(stdout, "users:alice,1.00 USD,") {
		t.Errorf("the transfer whose answer nobody read: %s", stdout)
	}
}

func TestInterruptedCommand(t *testing.T) {
	db := book(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, stdout, stderr := line(t, ctx, db, "transfer", "outside:bank", "users:alice", "25.00 USD")
	if code != 8 || stdout != "" {
		t.Errorf("exit code %d and %q, want 8 and nothing", code, stdout)
	}
	if !strings.HasPrefix(stderr, "bursar: error: canceled: ") {
		t.Errorf("stderr is %q", stderr)
	}
	if code, _, stderr := line(t, ctx, db, "journal", "--follow"); code != 8 {
		t.Errorf("interrupted before it began to follow: exit code %d: %s", code, stderr)
	}
}

func TestFullDiskIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("there is no full disk to write to: %v", err)
	}
	defer full.Close()
	for _, args := range [][]string{{"errors"}, {"version"}, {"--help"}, {"errors", "-o", "csv"}} {
		var talk bytes.Buffer
		e := &env{stdin: strings.NewReader(""), stdout: full, stderr: &talk, getenv: func(string) string { return "" }}
		code := run(t.Context(), e, args)
		if code != plainExit || !strings.Contains(talk.String(), "no space left") || strings.Contains(talk.String(), "hint") {
			t.Errorf("bursar %q: exit code %d, %q", args, code, &talk)
		}
	}
}

func TestNothingSteersTheTerminal(t *testing.T) {
	db := book(t)
	const nasty = "\x1b[2J\u202e\n\xff"
	for _, args := range [][]string{
		{"account", "open", "users:eve", "--currency", "USD", "--meta", "note=" + nasty[:len(nasty)-1]},
		{"account", "show", "users:eve"},
		{"account", "show", nasty},
		{"transfer", "outside:bank", "users:alice", "1.00 USD", "--reference", "a\u202eb"},
		{"transfer", "outside:bank", "users:alice", "1.00 USD", "--reference", "a\u202eb"},
		{"errors", nasty},
		{nasty},
	} {
		_, stdout, stderr := line(t, t.Context(), append(args, db)...)
		if text := stdout + stderr; strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("bursar %q printed %q", args, text)
		}
	}
}
