package sqltest

import (
	"errors"
	"os"
	"syscall"
)

// alone waits until no other test, of any process, has the file. Closing the file ends it.
func alone(file *os.File) error {
	for {
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
