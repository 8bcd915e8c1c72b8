//go:build !unix

package bench

import "time"

// processUsage is not known here.
func processUsage() (cpu time.Duration, peak int64) { return 0, 0 }
