package httpapi

import (
	"log/slog"
	"sync/atomic"

	"github.com/bursar-ledger/bursar"
)

// outage tells an operator that the database is away, without filling the screen. While it is away every request fails
// for the same reason. The first failure is logged, the others are counted, and their number is logged when the
// database answers again. Each operation has its own outage, because a database that takes no writes may answer reads.
type outage struct {
	failed atomic.Int64 // requests that failed, with the one that was logged; 0: the database answers
}

// tell hears how a request ended, and logs what an operator wants to know about the database.
func (o *outage) tell(logger *slog.Logger, operation, request string, err error) {
	switch {
	case err == nil && o.failed.Load() > 0:
		if n := o.failed.Swap(0); n > 0 {
			logger.Info("the database answers again", "operation", operation, "failed", n)
		}
	case bursar.CodeOf(err) != bursar.CodeUnavailable:
	case o.failed.Add(1) == 1:
		logger.Error("the database does not answer; until it does, requests that fail are counted", "operation", operation,
			"request", request, "code", string(bursar.CodeUnavailable), "error", err)
	default:
		logger.Debug("the database does not answer", "operation", operation, "request", request, "error", err)
	}
}
