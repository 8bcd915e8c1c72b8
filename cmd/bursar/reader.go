package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// whileRead is ctx until stop is called, or until the reader of stdout is gone, when stdout is a pipe.
//
// Linux tells the writer of a pipe when its last reader closes it, without a write, but only one who waits for events.
// So the pipe is opened a second time, for that alone: its own handle is shared with other programs and stays as it is.
// Where /proc is missing, a reader that is gone is noticed when the next line is written.
func (e *env) whileRead(ctx context.Context) (reading context.Context, stop func()) {
	reading, cancel := context.WithCancel(ctx)
	pipe, gone := e.pipe()
	if gone {
		cancel()
	}
	if pipe == nil {
		return reading, cancel
	}
	events, err := pipe.SyscallConn()
	if err != nil {
		_ = pipe.Close() // nothing was written to it
		return reading, cancel
	}
	go func() {
		waited := false
		// What a pipe has to tell its writer other than "there is room" is that nobody reads. Closing it ends the wait too.
		_ = events.Read(func(uintptr) bool {
			done := waited
			waited = true
			return done
		})
		cancel()
	}()
	return reading, func() {
		cancel()
		_ = pipe.Close() // nothing was written to it
	}
}

// pipe is another handle of stdout if that is a pipe, or nil. gone says that nobody reads it already.
func (e *env) pipe() (again *os.File, gone bool) {
	out := e.stdout
	if s, ok := out.(*sink); ok {
		out = s.w
	}
	file, ok := out.(*os.File)
	if !ok {
		return nil, false
	}
	if info, err := file.Stat(); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return nil, false
	}
	again, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.Is(err, syscall.ENXIO)
	}
	return again, false
}
