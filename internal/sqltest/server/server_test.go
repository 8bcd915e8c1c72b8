package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// engines are those of the machine, and the newest of each kind.
var engines = []server.Engine{server.Postgres, server.MariaDB, server.Postgres18, server.MariaDB11, server.MySQL9}

// programVariable makes the test binary the program that TestServerEndsWithItsProgram kills.
const programVariable = "BURSAR_SERVER_PROGRAM"

func TestMain(m *testing.M) {
	if e := os.Getenv(programVariable); e != "" {
		runProgram(server.Engine(e))
	}
	m.Run()
}

// runProgram starts a server, prints where it is, and waits to be killed.
func runProgram(e server.Engine) {
	in, err := server.Start(context.Background(), e)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(in.Folder(), in.URL().Host)
	select {}
}

// start starts a server that is closed with the test. If the engine is missing, the test is skipped, or fails if
// BURSAR_REQUIRE lists it.
func start(t *testing.T, e server.Engine) *server.Instance {
	t.Helper()
	need(t, e)
	in, err := server.Start(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

func need(t *testing.T, e server.Engine) {
	t.Helper()
	err := e.Find()
	switch {
	case err == nil:
	case strings.Contains(os.Getenv("BURSAR_REQUIRE"), string(e)):
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// listens reports whether somebody accepts connections at an address.
func listens(t *testing.T, address string) bool {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return false
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	return true
}

func TestAServerRunsUntilItIsKilledStoppedOrClosed(t *testing.T) {
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			in := start(t, e)
			address := in.URL().Host
			steps := []struct {
				name string
				do   func() error
				fail bool // whether it must
				up   bool // afterwards
			}{
				{"kill", in.Kill9, false, false},
				{"kill what is dead", in.Kill9, true, false},
				{"stop what is dead", in.Stop, true, false},
				{"restart after a kill", func() error { return in.Restart(t.Context()) }, false, true},
				{"stop", in.Stop, false, false},
				{"restart after an orderly end", func() error { return in.Restart(t.Context()) }, false, true},
				{"restart while it runs", func() error { return in.Restart(t.Context()) }, false, true},
				{"close", in.Close, false, false},
				{"close twice", in.Close, false, false},
				{"restart without a folder", func() error { return in.Restart(t.Context()) }, true, false},
			}
			if !listens(t, address) {
				t.Fatal("a started server takes no connection")
			}
			for _, step := range steps {
				if err := step.do(); (err != nil) != step.fail {
					t.Fatalf("%s: %v, want an error: %t", step.name, err, step.fail)
				}
				if got := listens(t, address); got != step.up {
					t.Fatalf("%s: the port answers: %t, want %t", step.name, got, step.up)
				}
			}
			if _, err := os.Stat(in.Folder()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("after Close the folder is there: %v", err)
			}
		})
	}
}

func TestStartRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := server.Start(t.Context(), "oracle"); err == nil || errors.Is(err, server.ErrMissing) {
		t.Errorf("Start = %v, want an error that names the engines", err)
	}
}

func TestFindSaysWhatToInstall(t *testing.T) {
	if err := server.Engine("oracle").Find(); err == nil {
		t.Error("an unknown engine is found")
	}
}

// A program that is killed can clean up nothing: the kernel ends its server, and the folder is removed after that.
func TestServerEndsWithItsProgram(t *testing.T) {
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			need(t, e)
			program := exec.CommandContext(t.Context(), os.Args[0])
			program.Env = append(os.Environ(), programVariable+"="+string(e))
			out, err := program.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			folder, address, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok || folder == "error" || !listens(t, address) {
				t.Fatalf("the program has started no server: %s", line)
			}
			if err := program.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = program.Wait()
			await(t, func() bool {
				_, err := os.Stat(folder)
				return errors.Is(err, os.ErrNotExist)
			})
			if listens(t, address) {
				t.Error("the server outlives its program")
			}
		})
	}
}

// await polls until done. The process in question is no child of this one, so no signal tells when it has ended.
func await(t *testing.T, done func() bool) {
	t.Helper()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	for !done() {
		select {
		case <-every.C:
		case <-timeout.C:
			t.Fatal("nothing has happened for 30 s")
		}
	}
}
