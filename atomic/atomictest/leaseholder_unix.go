//go:build linux || darwin

package atomictest

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// canFreeze says whether processes can be frozen and resumed.
const canFreeze = true

// freezeSelf begins to freeze this process. It may return before all threads have stopped.
func freezeSelf() error { return syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

// awaitFrozen waits until every thread of a child has stopped. A child that ends instead is an error.
func awaitFrozen(pid int) error {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("wait for process %d to freeze: %w", pid, err)
		case status.Stopped():
			return nil
		default:
			return fmt.Errorf("process %d ended and did not freeze", pid)
		}
	}
}

func resumeProcess(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// ownGroup gives a child a process group of its own. When this process dies, the system then ends a frozen child.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
