package httpapi

import (
	"log/slog"
	"sync/atomic"

	"github.com/bursar-ledger/bursar"
)

// outage keeps a database that is away from filling the operator's screen: every request fails then, and for one
// reason. The first is told, the others are counted, and their number is told when the database answers again. Each
// operation has its own, because a server that takes no writes may answer reads.
type outage struct {
	failed atomic.Int64 // since the first one that was told, inclusive; 0: the database answers
}

// tell tells of a request's end what an operator wants to know about the database.
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
