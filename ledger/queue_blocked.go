package ledger

import (
	"time"

	"github.com/bursar-ledger/bursar"
)

const (
	pauseMin = time.Millisecond
	pauseMax = 32 * time.Millisecond
	// After being sent back heldMax times a call waits for the account, together with all others that wait for it. At most
	// patientMax accounts are waited for so, each with a connection. A call that has found another of its accounts held
	// awaitedMax times after that waits for all of them in order, so that its turn comes; it holds some while it waits.
	heldMax    = 4
	patientMax = 4
	awaitedMax = 4
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

// insist begins to wait for the accounts of calls that were sent back often, and sends back those for which nobody waits. The
// caller holds the mutex.
func (q *queue) insist(calls []*call) {
	groups := make(map[string]*round)
	for _, c := range calls {
		if c.held > heldMax && !q.patient[c.waits] && len(q.patient) < patientMax {
			q.patient[c.waits] = true
			groups[c.waits] = &round{await: c.waits, ordered: c.ordered(), done: make(chan struct{})}
		}
	}
	for _, c := range calls {
		group := groups[c.waits]
		if group == nil || group.ordered && !c.ordered() {
			q.sendBack(c)
			continue
		}
		group.calls = append(group.calls, c)
		group.jobs += len(c.jobs)
		c.round.Store(group)
	}
	for _, group := range groups {
		go q.waitFor(group)
	}
}

func (c *call) ordered() bool { return c.awaited >= awaitedMax }

// waitFor writes a group of calls once their account is free. Those that must begin again go back to the queue.
func (q *queue) waitFor(group *round) {
	q.answer(group)
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.patient, group.await)
	var back []*call
	for _, c := range group.calls {
		before := len(c.jobs)
		switch {
		case c.conflicted():
			c.held = 0
			q.sendBack(c)
			continue
		case c.sentBack():
			c.awaited++
			before -= len(c.jobs)
			back = append(back, c)
		}
		q.pending -= before
	}
	q.insist(back)
	close(group.done)
	q.signal()
}

// conflicted reports whether nothing of the call was written because others were in the way until the store gave up, and
// takes that error away.
func (c *call) conflicted() bool {
	if c.partial {
		for _, job := range c.jobs {
			if bursar.CodeOf(job.Err) != bursar.CodeConflict {
				return false
			}
		}
		return true // whatever is written next writes over their errors
	}
	if bursar.CodeOf(c.err) != bursar.CodeConflict {
		return false
	}
	c.err = nil
	return true
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
	held := make([]*job, 0)
	for _, job := range c.jobs {
		if c.err == nil && job.Err == nil && job.Blocked != "" {
			held = append(held, job)
		}
	}
	if len(held) == 0 {
		return false
	}
	c.partial = c.partial || len(held) < len(c.jobs)
	c.jobs = held
	c.held++
	c.waits = held[0].Blocked
	return true
}
