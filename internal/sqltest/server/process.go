package server

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is one run of a program, with the processes that it starts in turn.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it and all that it has started are gone
	err  error         // how it ended; to be read after gone
}

// spawn starts a program with its output going to out, which is closed when the program is gone. All its children
// inherit the pipe for that output, and [exec.Cmd.Wait] returns at the end of the pipe. So it waits for all of
// them.
func spawn(cmd *exec.Cmd, out *output) (*process, error) {
	cmd.Stdout, cmd.Stderr = out, out
	p := &process{cmd: cmd, gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel ends the process when the thread that has started it ends. So that thread stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			_ = out.file.Close()
			close(p.gone)
		}
	}()
	if err := <-started; err != nil {
		_ = out.file.Close()
		return nil, err
	}
	return p, nil
}

func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// kill9 kills the process with all that it has started and returns when they are gone.
func (p *process) kill9() error {
	if err := killTree(p.cmd.Process); err != nil {
		return err
	}
	<-p.gone
	return nil
}

// output copies the output of a server into a file and watches for a text in it.
type output struct {
	file  *os.File
	text  []byte
	last  []byte        // the end of what was said, too short to hold the text
	found chan struct{} // closed when the text was said
}

func newOutput(file *os.File, text string) *output {
	return &output{file: file, text: []byte(text), found: make(chan struct{})}
}

// Write never fails, because an error would close the pipe and with it end the server: a full disk is the server's to
// report.
func (o *output) Write(p []byte) (int, error) {
	_, _ = o.file.Write(p)
	if len(o.text) == 0 {
		return len(p), nil
	}
	o.last = append(o.last, p...)
	if bytes.Contains(o.last, o.text) {
		close(o.found)
		o.text, o.last = nil, nil
	} else if spare := len(o.last) - len(o.text) + 1; spare > 0 {
		o.last = append(o.last[:0], o.last[spare:]...)
	}
	return len(p), nil
}

// tail returns the last lines of a file.
func tail(path string) string {
	const most = 8 << 10
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(text) > most {
		text = text[len(text)-most:]
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return string(text)
}
