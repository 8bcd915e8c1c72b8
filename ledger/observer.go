package ledger

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar"
)

// Strategy decides when requests are written and how concurrent ones are kept apart. Package posting has the
// strategies; a ledger without one writes each call in a database transaction of its own.
type Strategy interface {
	// Start makes the poster of one ledger. The ledger closes it.
	start(w *writer) poster
}

// Poster takes requests from many goroutines at once and has them written.
type poster interface {
	// Post returns when every job has its result, or with an error for all of them: [bursar.ErrBusy], [bursar.ErrClosed] and [bursar.ErrCanceled]
	// say that nothing was written, [bursar.ErrOutcomeUnknown] that it is not known.
	Post(ctx context.Context, jobs []*job) error
	// Close stops taking jobs, waits until those taken are answered or ctx is done, and may be called twice.
	Close(ctx context.Context) error
}

// Observer is told what a ledger does. Every function may be nil and must be quick: they run in the path of
// posting, from several goroutines.
type Observer struct {
	Posted  func(requests int)                     // requests that happened for the first time
	Refused func(code bursar.Code)                 // one request was refused
	Retried func(code string)                      // a database transaction ran again for this engine's code
	Batch   func(requests int, took time.Duration) // one database transaction was committed
	Sealed  func(entries int)                      // entries got their place after they were committed
}

func (o *Observer) retried(code string) {
	if o != nil && o.Retried != nil {
		o.Retried(code)
	}
}

func (o *Observer) sealed(entries int) {
	if o != nil && o.Sealed != nil && entries > 0 {
		o.Sealed(entries)
	}
}

func (o *Observer) wrote(jobs []*job, took time.Duration) {
	if o == nil {
		return
	}
	posted, written := 0, len(jobs)
	for _, job := range jobs {
		switch {
		case job.Blocked != "":
			written--
		case job.Err != nil && o.Refused != nil:
			o.Refused(bursar.CodeOf(job.Err))
		case job.Err == nil && !job.Posted.Replayed:
			posted++
		}
	}
	if o.Posted != nil && posted > 0 {
		o.Posted(posted)
	}
	if o.Batch != nil && written > 0 {
		o.Batch(written, took)
	}
}
