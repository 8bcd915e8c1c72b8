package main

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// session is one command of the README with the output that it shows.
type session struct {
	command string
	output  []string
}

// readmeSessions are the commands of the README's console blocks, in order.
func readmeSessions(t *testing.T) []session {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var sessions []session
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case inside && isCommand:
			sessions = append(sessions, session{command: command})
		case inside:
			last := &sessions[len(sessions)-1]
			last.output = append(last.output, line)
		}
	}
	return sessions
}

// matches compares output with what the README shows, where … stands for anything within a line and within quotes.
func (s *session) matches(output string) bool {
	lines := make([]string, len(s.output))
	for i, line := range s.output {
		lines[i] = strings.ReplaceAll(regexp.QuoteMeta(line), "…", `[^"]+`)
	}
	pattern := regexp.MustCompile(`^` + strings.Join(lines, `\n`) + `\n*$`)
	return pattern.MatchString(strings.TrimRight(output, "\n"))
}

// TestReadmeCommands runs the README's commands as a new user would, in an empty folder and in order. Only the port is
// another one, and the program is already built.
func TestReadmeCommands(t *testing.T) {
	if ok, err := condition("has:curl"); err != nil {
		t.Fatal(err)
	} else if !ok {
		t.Skip("curl is not installed: the README's commands were not run")
	}
	sessions := readmeSessions(t)
	if len(sessions) < 8 {
		t.Fatalf("the README has only %d commands", len(sessions))
	}
	t.Chdir(t.TempDir())
	var address string
	for _, s := range sessions {
		switch s.command {
		case "go run ./cmd/bursar serve":
			address = serveReadme(t, s)
		case "make test":
			// This test is part of it.
		default:
			command := strings.ReplaceAll(s.command, "localhost:8080", address)
			command = strings.Replace(command, "go run ./cmd/bursar", "bursar", 1)
			output, err := exec.Command("sh", "-c", command).CombinedOutput()
			if err != nil {
				t.Errorf("$ %s\n%s%v", s.command, output, err)
			}
			if !s.matches(string(output)) {
				t.Errorf("$ %s\nprints\n%s\nand the README shows\n%s", s.command, output, strings.Join(s.output, "\n"))
			}
		}
	}
}

// serveReadme starts the server on a free port, compares what it says with the README, and stops it at the end.
func serveReadme(t *testing.T, s session) (address string) {
	t.Helper()
	server := exec.Command("bursar", "serve", "--listen", "127.0.0.1:0")
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	guard := time.AfterFunc(time.Minute, func() { server.Process.Kill() })
	defer guard.Stop()
	var said strings.Builder
	lines := bufio.NewScanner(stderr)
	for range s.output {
		if !lines.Scan() {
			t.Fatalf("the server ended after saying\n%s", said.String())
		}
		said.WriteString(lines.Text() + "\n")
	}
	_, at, _ := strings.Cut(said.String(), "on http")
	where, err := url.Parse("http" + strings.TrimSpace(at))
	if err != nil || where.Host == "" {
		t.Fatalf("no address in\n%s", said.String())
	}
	output := strings.ReplaceAll(said.String(), where.Host, "127.0.0.1:8080")
	if !s.matches(output) {
		t.Errorf("the server says\n%s\nand the README shows\n%s", output, strings.Join(s.output, "\n"))
	}
	return where.Host
}
