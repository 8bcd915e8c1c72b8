//go:build unix

package bench

import (
	"runtime"
	"syscall"
	"time"
)

// processUsage is the processor time of this process and the most memory that it had, in bytes; zeros where the system
// does not say.
func processUsage() (cpu time.Duration, peak int64) {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0, 0
	}
	peak = int64(r.Maxrss)
	if runtime.GOOS != "darwin" { // there it is in bytes already
		peak <<= 10
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), peak
}
