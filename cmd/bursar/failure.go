package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
)

const (
	usageExit = 2
	plainExit = 1 // of an error that is neither about the command line nor the ledger's
)

// usageError is a mistake in the command line.
type usageError struct{ message string }

func (u *usageError) Error() string { return u.message }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// hintedError is an error with a hint that is better than the remedy of the error table.
type hintedError struct {
	error
	hint string
}

func (h *hintedError) Unwrap() error { return h.error }

func hintf(err error, format string, args ...any) error {
	return &hintedError{err, fmt.Sprintf(format, args...)}
}

// words are what fields are called on the command line, by their names in JSON.
type words map[string]string

// inWords names the field at fault as it was typed. A field that was not typed stays as it is.
func inWords(err error, typed words) error {
	var e *bursar.Error
	if !errors.As(err, &e) {
		return err
	}
	word, ok := typed[e.Field]
	if !ok {
		return err
	}
	said := *e
	said.Field = word
	var hinted *hintedError
	if errors.As(err, &hinted) {
		return &hintedError{&said, hinted.hint}
	}
	return &said
}

// report says on stderr why cmd failed, if it did, and returns the exit code. A reader of stdout that has gone away is
// no failure: it has seen all it wanted.
func (e *env) report(cmd *cobra.Command, err, output error) int {
	switch {
	case errors.Is(output, syscall.EPIPE) && (err == nil || errors.Is(err, syscall.EPIPE)):
		return 0
	case err == nil && output == nil:
		return 0
	case err == nil:
		e.say("error", "stdout: "+output.Error())
		return plainExit
	}
	exit, hint := e.verdict(cmd, err)
	var hinted *hintedError
	if errors.As(err, &hinted) {
		hint = hinted.hint
	}
	e.say("error", err.Error())
	e.note(err)
	if hint != "" {
		e.say("hint", hint)
	}
	return exit
}

// verdict is the exit code of an error and the hint that goes with it.
func (e *env) verdict(cmd *cobra.Command, err error) (exit int, hint string) {
	var usage *usageError
	var coded *bursar.Error
	switch {
	case !e.running || errors.As(err, &usage):
		return usageExit, cmd.CommandPath() + " --help shows how"
	case errors.As(err, &coded), bursar.CodeOf(err) != bursar.CodeInternal:
		described := bursar.Describe(bursar.CodeOf(err))
		return described.Exit, described.Remedy
	default:
		return plainExit, ""
	}
}

// say writes lines on stderr. None of them can steer a terminal.
func (e *env) say(kind, text string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintf(e.stderr, "bursar: %s: %s\n", kind, printable(line))
		}
	}
}
