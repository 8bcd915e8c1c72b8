package ledger

import (
	"time"

	"github.com/bursar-ledger/bursar"
)

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
