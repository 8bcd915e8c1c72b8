package httpapi

import (
	"log/slog"
	"sync/atomic"

	"github.com/bursar-ledger/bursar"
)

// outage tells an operator that the database is away, without filling the screen. While it is away every request fails
// for the same reason. The first failure is logged, the others are counted, and their number is logged when one
// succeeds. Each operation has its own outage, because the server of a replica answers what reads and refuses what
// posts.
type outage struct {
	failed atomic.Int64 // requests that failed, with the one that was logged; 0: the operation is served
}

// What is said of it. The error that is logged with it says which of the two it is.
const (
	outageBegun = "the database cannot be reached, or its server takes no writes: bring it back, or send such requests " +
		"to the server that takes writes; until one succeeds, those that fail are counted"
	outageGoesOn = "the database cannot be reached, or its server takes no writes"
	outageOver   = "the database serves this operation again"
)

// tell hears how a request ended, and logs what an operator wants to know about the database.
func (o *outage) tell(logger *slog.Logger, operation, request string, err error) {
	switch {
	case err == nil && o.failed.Load() > 0:
		if n := o.failed.Swap(0); n > 0 {
			logger.Info(outageOver, "operation", operation, "failed", n)
		}
	case bursar.CodeOf(err) != bursar.CodeUnavailable:
	case o.failed.Add(1) == 1:
		logger.Error(outageBegun, "operation", operation, "request", request, "code", string(bursar.CodeUnavailable),
			"error", err)
	default:
		logger.Debug(outageGoesOn, "operation", operation, "request", request, "error", err)
	}
}
