package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestADatabaseThatSaysNothing is one behind a firewall, or one that hangs: nobody takes the connection here.
func TestADatabaseThatSaysNothing(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	at := listener.Addr().String()
	for _, scheme := range []string{"postgres", "mysql"} {
		for _, command := range []string{
			"balance", "migrate", "serve --listen 127.0.0.1:0", "verify", "export", "journal",
			"transfer show 0192f0c1-2345-7abc-8def-0123456789ab",
			"account open a --currency USD", "migrate --print",
		} {
			t.Run(scheme+" "+command, func(t *testing.T) {
				t.Parallel()
				var errs strings.Builder
				e := &env{
					stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs, getenv: noVariables,
					patience: 100 * time.Millisecond,
				}
				args := append([]string{"--db", scheme + "://user:secret@" + at + "/shop"}, strings.Fields(command)...)
				if exit := run(t.Context(), e, args); exit != 8 {
					t.Errorf("exit %d, want 8 for what may be tried again", exit)
				}
				want := "bursar: error: unavailable: " + scheme + "://user:xxxxx@" + at + "/shop did not answer in 100ms\n" +
					"bursar: hint: is its server running, and does a firewall let this machine through? " +
					"--db and BURSAR_DB say which database it is\n"
				if errs.String() != want {
					t.Errorf("got\n%s\nwant\n%s", errs.String(), want)
				}
			})
		}
	}
}
