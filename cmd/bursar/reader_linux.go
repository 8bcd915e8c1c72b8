package main

import (
	"context"
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
	pipe := e.pipe()
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
		// The first call comes when an event can no longer be missed, and asks for what was before it. Closing the pipe ends
		// the wait too.
		_ = events.Read(func(fd uintptr) bool {
			done := waited || unread(int(fd))
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

// unread reports whether nobody reads a pipe that this end writes to. That is the one thing that there is to read at
// this end.
func unread(fd int) bool {
	var set syscall.FdSet
	bits := 1024 / len(set.Bits)
	if fd >= 1024 {
		return false
	}
	set.Bits[fd/bits] |= 1 << (fd % bits)
	n, err := syscall.Select(fd+1, &set, nil, nil, new(syscall.Timeval))
	return err == nil && n > 0
}

// pipe is another handle of stdout if that is a pipe, or nil.
func (e *env) pipe() *os.File {
	out := e.stdout
	if s, ok := out.(*sink); ok {
		out = s.w
	}
	file, ok := out.(*os.File)
	if !ok {
		return nil
	}
	if info, err := file.Stat(); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return nil
	}
	again, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	return again
}
