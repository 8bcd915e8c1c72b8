package posting

import (
	"time"

	"github.com/bursar-ledger/bursar"
)

const (
	pauseMin = time.Millisecond
	pauseMax = 32 * time.Millisecond
	// After being sent back heldMax times, which takes half a second on an idle queue, a call waits for its locks; of such
	// calls there are at most patientMax, each with a connection.
	heldMax    = 20
	patientMax = 4
)

// join puts the calls that were sent back before those of r.
func (q *queue) join(r *round) {
	back := q.again
	if back == nil {
		return
	}
	q.again = nil
	r.calls = append(back.calls, r.calls...)
	r.jobs += back.jobs
	for _, c := range back.calls {
		c.round.Store(r)
	}
	close(back.done)
}

// insist writes a call that was sent back often, waiting for whoever holds its accounts.
func (q *queue) insist(own *round) {
	c := own.calls[0]
	err := q.write(q.ctx, bursar.Locks, c.jobs)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.patient--
	if bursar.CodeOf(err) == bursar.Conflict {
		c.held = 0
		q.sendBack(c)
	} else {
		c.fail(err)
		q.pending -= len(c.jobs)
	}
	close(own.done)
	q.signal()
}

// sendBack puts a call among those that are written again. The caller holds the mutex.
func (q *queue) sendBack(c *call) {
	if q.again == nil {
		q.again = &round{done: make(chan struct{})}
	}
	q.again.calls = append(q.again.calls, c)
	q.again.jobs += len(c.jobs)
	c.round.Store(q.again)
}

// fail answers the call's jobs with an error that concerns them all, unless it is nil.
func (c *call) fail(err error) {
	if !c.partial {
		c.err = err
		return
	}
	for _, job := range c.jobs {
		if err != nil {
			job.Err = err
		}
	}
}

// sentBack reports whether a call has jobs that were held, and keeps only those.
func (c *call) sentBack() bool {
	held := make([]*bursar.Job, 0)
	for _, job := range c.jobs {
		if c.err == nil && job.Err == nil && job.Held {
			held = append(held, job)
		}
	}
	if len(held) == 0 {
		return false
	}
	c.partial = c.partial || len(held) < len(c.jobs)
	c.jobs = held
	c.held++
	return true
}
