package ledger

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bursar-ledger/bursar"
)

// run is the writer: it writes round after round until the queue is closed and empty.
func (q *queue) run() {
	defer close(q.stopped)
	for {
		r, open := q.take()
		if r == nil {
			if !open {
				return
			}
			q.wait()
			continue
		}
		q.write(r)
		q.settle(r)
	}
}

// take removes the oldest round, and puts in front of it what was sent back. It returns nil when there is nothing to
// write now.
func (q *queue) take() (r *round, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.rounds) > 0 {
		r = q.rounds[0]
		q.rounds = slices.Delete(q.rounds, 0, 1)
		if len(r.calls) > 0 {
			q.join(r)
			return r, true
		}
		close(r.done) // every caller has left
	}
	if q.again != nil && !q.resting {
		r, q.again = q.again, nil
		return r, true
	}
	return nil, !q.closing || q.again != nil || len(q.awaited) > 0
}

// wait waits for something to do. When calls were sent back it waits no longer than the pause.
func (q *queue) wait() {
	q.mu.Lock()
	resting, pause := q.resting, q.pause
	q.mu.Unlock()
	if !resting {
		<-q.wake
		return
	}
	ctx, cancel := context.WithTimeout(q.ctx, pause)
	defer cancel()
	select {
	case <-q.wake:
	case <-ctx.Done():
		q.mu.Lock()
		q.resting = false
		q.mu.Unlock()
	}
}

// settle gives the calls of a written round their answers and sends back those that are blocked.
func (q *queue) settle(r *round) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var back []*call
	for _, c := range r.calls {
		before := len(c.jobs)
		if c.keepBlocked() > 0 {
			before -= len(c.jobs)
			back = append(back, c)
		}
		q.pending -= before
	}
	q.await(back)
	q.resting = q.again != nil
	if q.resting {
		q.pause = min(max(2*q.pause, pauseMin), pauseMax)
	} else {
		q.pause = 0
	}
	clear(r.calls)
	q.spare, r.calls = r.calls[:0], nil
	close(r.done)
}

// write writes a round and fills in the errors of its calls. The jobs carry their own results.
func (q *queue) write(r *round) {
	jobs := r.list()
	err := q.attempt(r, jobs)
	switch {
	case err == nil:
	case len(jobs) > 1 && poisoned(err):
		for _, c := range r.calls {
			q.writeOneByOne(r, c)
		}
	default:
		for _, c := range r.calls {
			c.fail(err)
		}
	}
}

// writePatience bounds what is written in the background. It is twice what the store takes for its attempts where the
// database answers.
const writePatience = 2 * time.Minute

// attempt has jobs written, within the time that the database may take. A connection whose other end says nothing any
// more, because the machine hangs or the network drops what is sent, would hold up all rounds until the system gives it
// up. A group that waits for an account waits for as long as somebody has that locked.
func (q *queue) attempt(r *round, jobs []*job) error {
	if r.await != "" {
		return q.post(q.ctx, r, jobs)
	}
	ctx, cancel := context.WithTimeout(q.ctx, q.patience)
	defer cancel()
	err := q.post(ctx, r, jobs)
	if bursar.CodeOf(err) != bursar.CodeCanceled || ctx.Err() == nil || q.ctx.Err() != nil {
		return err
	}
	return &bursar.Error{
		Code: bursar.CodeUnavailable, Err: errors.New(err.Error()), // the callers have not cancelled anything
		Message: "the database did not answer, or what a batch waits for was not free, in the time that it may take",
	}
}

// list is the jobs of all calls, in order.
func (r *round) list() []*job {
	if len(r.calls) == 1 {
		return r.calls[0].jobs
	}
	jobs := make([]*job, 0, r.jobs)
	for _, c := range r.calls {
		jobs = append(jobs, c.jobs...)
	}
	return jobs
}

// writeOneByOne writes the jobs of a call one by one. What comes after a blocked one waits with it.
func (q *queue) writeOneByOne(r *round, c *call) {
	blocked := ""
	for i, job := range c.jobs {
		if job.Blocked, job.Err = blocked, nil; blocked != "" {
			continue
		}
		if err := q.attempt(r, c.jobs[i:i+1]); err != nil {
			job.Err = err
			continue
		}
		blocked = job.Blocked // its error, if it has one, is a refusal
	}
}

// poisoned reports whether err may be the fault of one job rather than of the database's state.
func poisoned(err error) bool {
	switch bursar.CodeOf(err) {
	case bursar.CodeInternal, bursar.CodeCorrupt:
		return true
	default:
		return false
	}
}
