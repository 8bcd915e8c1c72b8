// Command bursar is the ledger's command line and server: accounts, transfers, reading, checking, import and
// export over any database that package store opens. It prints data on stdout and talk on stderr, and its exit
// codes come from the ledger's error table.
//
// It has no logic of money of its own: every command is a thin layer over the library.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // writing to a closed pipe is then an error, and a command still closes its ledger
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	e := &env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	os.Exit(run(ctx, e, os.Args[1:]))
}
