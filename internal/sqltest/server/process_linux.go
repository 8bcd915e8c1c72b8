package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const supported = true

// attributes makes a process run as another user, keeps the signals of the terminal from it, and ends it with the
// program.
func attributes(owner *identity, orphaned syscall.Signal) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: orphaned}
	if owner != nil {
		a.Credential = &syscall.Credential{Uid: uint32(owner.uid), Gid: uint32(owner.gid)}
	}
	return a
}

// detached keeps the terminal's signals from a process that must outlive the program.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// inMemory reports whether a folder is in memory and not on disk.
func inMemory(dir string) bool {
	const tmpfs, ramfs = 0x01021994, 0x858458f6
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && (uint32(s.Type) == tmpfs || uint32(s.Type) == ramfs)
}

// killTree kills a process and its children. Each child of PostgreSQL is in a session of its own, so no process
// group reaches it. Without its parent it would finish a commit under way. So the parent is stopped first and
// starts no more children. Then its children are killed until none is left.
func killTree(parent *os.Process) error {
	if err := parent.Signal(syscall.SIGSTOP); errors.Is(err, os.ErrProcessDone) {
		return nil // and its children are about to follow it
	} else if err != nil {
		return err
	}
	for {
		living, err := children(parent.Pid)
		if err != nil {
			return err
		}
		if len(living) == 0 {
			break
		}
		for _, pid := range living {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("kill process %d: %w", pid, err)
			}
		}
	}
	if err := parent.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// children lists the processes that a process has started and that have not ended.
func children(parent int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var living []int
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended in the meantime
		}
		// The second field is the name in parentheses, which may hold anything; then come state and parent.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(parent) || bytes.Contains([]byte("ZX"), fields[0]) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			living = append(living, pid)
		}
	}
	return living, nil
}
