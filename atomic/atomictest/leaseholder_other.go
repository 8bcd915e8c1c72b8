//go:build !linux && !darwin

package atomictest

import (
	"errors"
	"os"
	"syscall"
)

const canFreeze = false

func freezeSelf() error { return errors.ErrUnsupported }

func awaitFrozen(int) error { return errors.ErrUnsupported }

func resumeProcess(*os.Process) error { return errors.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }
