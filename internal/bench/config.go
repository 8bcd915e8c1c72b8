package bench

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
)

// Bounds of what makes sense. The queue and the server are measured as they are by default, so that callers who bring
// more than these take are refused before anything is made.
const (
	queueMax    = 65_536 // jobs that wait in a queue: ledger.Queue's PendingMax
	requestsMax = 1_024  // requests that the HTTP interface works on at once
	batchesMax  = 16     // batches that it works on at once
	accountsMax = 10_000_000
	clientsMax  = 65_536
)

// Names of what is measured beside the strategies.
const (
	SubjectIn       = "in"        // an application's row and a transfer in one database transaction
	SubjectTextbook = "textbook"  // no ledger
	SubjectHTTP     = "http"      // the queue behind the HTTP interface
	SubjectPlain    = "http-json" // the same requests to a handler that only decodes and answers
	subjectGrowth   = "growth"
)

// inCallers is how many callers In always has in a run.
const inCallers = 16

// LoadShare is the part of a subject's measured throughput that its latency is measured at.
const LoadShare = 0.5

// Config says what to measure. The zero value is not ready for use.
type Config struct {
	// Database is a URL as store.Open takes it, in which books and tables with new names are made. The books stay, because
	// a journal cannot be removed. Empty means SQLite files in a temporary folder, which is removed.
	Database   string
	Strategies []string // names of strategies, and SubjectIn
	Workload   Workload
	Hot        []int // percent of the transfers that touch one account; each is measured
	Clients    []int // callers; each is measured
	Batch      int   // transfers a call
	Time       time.Duration
	Rounds     int
	Growth     int64 // transfers; 0: not measured
	// Handler makes the HTTP interface of a ledger; nil: it is not measured.
	Handler func(*ledger.Ledger) http.Handler
	Build   Build
	// Progress is told what is done next, and how many steps of how many are done. It is called by one goroutine at a
	// time. Defaults to nobody.
	Progress func(what string, done, total int)
	Clock    clock.Clock // defaults to the machine's
}

// Names are the strategies that can be measured, in the order in which they are shown, and SubjectIn.
func Names() []string {
	names := make([]string, 0, len(strategies)+1)
	for _, s := range strategies {
		names = append(names, s.name)
	}
	return append(names, SubjectIn)
}

// Check refuses what cannot work, before anything is made: bursar.CodeMalformed with the remedy, and
// bursar.CodeUnsupported for a database that cannot be measured.
func (c *Config) Check() error {
	if c.Database != "" {
		if _, err := engineOf(c.Database); err != nil {
			return err
		}
	}
	for _, name := range c.Strategies {
		if !slices.Contains(Names(), name) {
			return refused("there is no strategy %q: the strategies are %s", name, strings.Join(Names(), ", "))
		}
	}
	if len(c.Strategies) == 0 {
		return refused("nothing is to be measured: name a strategy")
	}
	return c.checkWorkload()
}

// checkWorkload is the part of Check that is about what is asked for, whoever is asked.
func (c *Config) checkWorkload() error {
	switch {
	case len(c.Clients) == 0 || len(c.Hot) == 0:
		return refused("nothing is to be measured: name a number of clients and a share of hot transfers")
	case c.Workload.Accounts < 2 || c.Workload.Accounts > accountsMax:
		return refused("%d accounts: take 2 to %d", c.Workload.Accounts, accountsMax)
	case !(c.Workload.Zipf >= 0 && c.Workload.Zipf <= 10):
		return refused("the exponent of zipf is %v: take 0 (uniform) to 10", c.Workload.Zipf)
	case c.Batch < 1 || c.Batch > bursar.BatchMax:
		return refused("batches of %d: take 1 to %d", c.Batch, bursar.BatchMax)
	case c.Time <= 0 || c.Rounds < 1 || c.Growth < 0:
		return refused("seconds and rounds are more than zero, and growth is not less")
	}
	return c.checkLoad()
}

// checkLoad compares the callers with what a queue and a server take by default.
func (c *Config) checkLoad() error {
	most, least := slices.Max(c.Clients), slices.Min(c.Clients)
	switch {
	case least < 1 || most > clientsMax:
		return refused("%d clients: take 1 to %d", min(least, most), clientsMax)
	case slices.Min(c.Hot) < 0 || slices.Max(c.Hot) > 100:
		return refused("a share of hot transfers is 0 to 100 percent")
	case most*c.Batch > queueMax:
		return refused("%d clients with batches of %d: a queue takes %d transfers at once, so take fewer clients or "+
			"smaller batches", most, c.Batch, queueMax)
	case c.Handler != nil && c.Batch == 1 && most > requestsMax:
		return refused("%d clients: the HTTP interface works on %d requests at once", most, requestsMax)
	case c.Handler != nil && c.Batch > 1 && most > batchesMax:
		return refused("%d clients with batches: the HTTP interface works on %d batches at once", most, batchesMax)
	}
	return nil
}

func refused(format string, args ...any) error {
	return bursar.Errorf(bursar.CodeMalformed, "%s", fmt.Sprintf(format, args...))
}

// warmup is how long each subject runs before it is measured, each time.
func (c *Config) warmup() time.Duration { return c.Time / 4 }
