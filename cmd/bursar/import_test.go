package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// endless is a pipe with some text in it. Nobody writes into it any more, and nobody closes it.
type endless struct {
	text    io.Reader
	waiting func() // called when a read begins to wait
	ended   <-chan struct{}
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.text.Read(p); err == nil {
		return n, nil
	}
	e.waiting()
	<-e.ended
	return 0, io.EOF
}

// TestInterruptedImport interrupts an import that waits for its input: it ends, and the next one goes on from there.
func TestInterruptedImport(t *testing.T) {
	database := "sqlite:" + filepath.Join(t.TempDir(), "bursar.db")
	const rows = "from,to,amount\nx,a,1.00 USD\nx,a,1.00 USD\nx,a,1.00 USD\n"
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan struct{})
	defer close(ended)
	var stdout, stderr bytes.Buffer
	input := &endless{strings.NewReader(rows), interrupt, ended}
	e := &env{stdin: input, stdout: &stdout, stderr: &stderr, getenv: noVariables}
	if code := run(ctx, e, []string{"--db", database, "import", "--open", "**=min:none", "--batch", "1", "-"}); code != 8 {
		t.Errorf("exit code %d, want 8", code)
	}
	for _, want := range []string{
		": 3 posted, 0 replayed, 2 accounts opened\n", "error: canceled: stopped after line 4",
		"hint: run the same command again to go on\n",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, &stderr)
		}
	}
	stderr.Reset()
	longer := strings.NewReader(rows + "x,a,1.00 USD\n")
	e = &env{stdin: longer, stdout: &stdout, stderr: &stderr, getenv: noVariables}
	code := run(t.Context(), e, []string{"--db", database, "import", "-"})
	if code != 0 || !strings.Contains(stderr.String(), ": 1 posted, 3 replayed\n") {
		t.Errorf("exit code %d and\n%s", code, &stderr)
	}
}
