//go:build !linux && !darwin

package atomictest

import (
	"errors"
	"os"
	"syscall"
)

const canStop = false

func stopSelf() error { return errors.ErrUnsupported }

func awaitStopped(int) error { return errors.ErrUnsupported }

func continueProcess(*os.Process) error { return errors.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }
