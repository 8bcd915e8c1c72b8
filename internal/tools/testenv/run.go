package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// run starts the database servers, calls go test and reports what it does. Under -race without a C compiler
// nothing can run: that is a note, or an error on a machine that requires tools.
func run(ctx context.Context, args, required []string, out io.Writer) error {
	if slices.Contains(args, "-race") {
		if cgo, err := exec.CommandContext(ctx, "go", "env", "CGO_ENABLED").Output(); err != nil {
			return fmt.Errorf("ask the go command for CGO_ENABLED: %w", err)
		} else if strings.TrimSpace(string(cgo)) != "1" {
			const note = "the race detector needs cgo and a C compiler; install the Debian packages gcc and libc6-dev"
			if len(required) > 0 {
				return errors.New(note)
			}
			fmt.Fprintln(out, "race: not run:", note)
			return nil
		}
	}
	variables, stop, err := startServers(ctx, required, out)
	if err != nil {
		return err
	}
	r := newReport(out)
	err = testAll(ctx, ".", args, variables, required, r)
	r.summary()
	if err != nil {
		err = fmt.Errorf("go test %s: %w", strings.Join(args, " "), err)
	}
	return errors.Join(err, stop())
}

// event is one line of go test -json.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// goTest runs go test -json in dir, with more environment variables, and hands
// every event on. A line that is no event is handed on as output of no package.
func goTest(ctx context.Context, dir string, args, variables []string, handle func(event)) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), variables...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := readEvents(pipe, handle)
	return errors.Join(cmd.Wait(), readErr)
}

func readEvents(r io.Reader, handle func(event)) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				e = event{Action: "build-output", Output: string(line)}
			}
			handle(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the output of go test: %w", err)
		}
	}
}
