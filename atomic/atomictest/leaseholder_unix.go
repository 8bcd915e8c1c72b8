//go:build linux || darwin

package atomictest

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// canStop says whether processes can be stopped and continued.
const canStop = true

// stopSelf begins to stop this process. It may return before all of it has stopped.
func stopSelf() error { return syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

// awaitStopped waits until every thread of a child has stopped. A child that ends instead is an error.
func awaitStopped(pid int) error {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("wait for process %d to stop: %w", pid, err)
		case status.Stopped():
			return nil
		default:
			return fmt.Errorf("process %d ended instead of stopping", pid)
		}
	}
}

func continueProcess(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// ownGroup gives a child a process group of its own: when this process dies, the system ends a stopped one in it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
