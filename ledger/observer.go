package ledger

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar"
)

// Observer is told what a ledger does, also inside a caller's database transaction. Every function may be nil and
// must be quick: they run in the path of posting, from several goroutines. The context is that of the call; in
// [Queue], whose batches belong to no single call, it is the ledger's.
type Observer struct {
	// Posted: requests that happened for the first time. Under [Ledger.In] they were written, and it is not known yet
	// whether the caller commits.
	Posted func(ctx context.Context, requests int)
	// Refused: one request was refused.
	Refused func(ctx context.Context, code bursar.Code)
	// Retried: a database transaction of the ledger's own ran again for this engine's code.
	Retried func(ctx context.Context, code string)
	// Batch: one database transaction of the ledger's own was committed.
	Batch func(ctx context.Context, requests int, took time.Duration)
	// Sealed: entries got their place after they were committed.
	Sealed func(ctx context.Context, entries int)
}

func (o *Observer) retried(ctx context.Context) func(code string) {
	if o == nil || o.Retried == nil {
		return nil
	}
	return func(code string) { o.Retried(ctx, code) }
}

func (o *Observer) sealed(ctx context.Context, entries int) {
	if o != nil && o.Sealed != nil && entries > 0 {
		o.Sealed(ctx, entries)
	}
}

func (o *Observer) refused(ctx context.Context, err error) {
	if o != nil && o.Refused != nil {
		o.Refused(ctx, bursar.CodeOf(err))
	}
}

// answered tells what became of jobs, and returns how many of them have an answer.
func (o *Observer) answered(ctx context.Context, jobs []*job) (answered int) {
	if o == nil {
		return 0
	}
	posted := 0
	for _, job := range jobs {
		if job.Blocked != "" {
			continue
		}
		answered++
		switch {
		case job.Err != nil:
			o.refused(ctx, job.Err)
		case !job.Posted.Replayed:
			posted++
		}
	}
	if o.Posted != nil && posted > 0 {
		o.Posted(ctx, posted)
	}
	return answered
}

// committed tells of a database transaction of the ledger's own.
func (o *Observer) committed(ctx context.Context, jobs []*job, took time.Duration) {
	if answered := o.answered(ctx, jobs); answered > 0 && o.Batch != nil {
		o.Batch(ctx, answered, took)
	}
}
