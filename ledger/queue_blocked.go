package ledger

import (
	"time"

	"github.com/bursar-ledger/bursar"
)

const (
	pauseMin = time.Millisecond
	pauseMax = 32 * time.Millisecond
	// After being sent back backMax times a call waits for the account, together with all others that wait for it.
	backMax = 4
	// At most groupsMax accounts are waited for so, each with a connection.
	groupsMax = 4
	// A call that has waited so awaitedMax times, and found another of its accounts blocked each time, waits for all of
	// them in order, so that its turn comes. It has some locked while it waits.
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

// await begins to wait for the accounts of calls that were sent back often, and sends back the other calls. The
// caller has locked the mutex.
func (q *queue) await(calls []*call) {
	if len(calls) == 0 {
		return
	}
	groups := make(map[string]*round)
	for _, c := range calls {
		if c.back > backMax && !q.awaited[c.waits] && len(q.awaited) < groupsMax {
			q.awaited[c.waits] = true
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
	q.write(group)
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.awaited, group.await)
	var back []*call
	for _, c := range group.calls {
		before := len(c.jobs)
		switch {
		case c.conflicted():
			c.forgive()
			q.sendBack(c)
			continue
		case c.keepBlocked() > 0:
			c.awaited++
			before -= len(c.jobs)
			back = append(back, c)
		}
		q.pending -= before
	}
	q.await(back)
	close(group.done)
	q.signal()
}

// conflicted reports whether nothing of the call was written because others were in the way until the store gave up.
func (c *call) conflicted() bool {
	if !c.partial {
		return bursar.CodeOf(c.err) == bursar.CodeConflict
	}
	for _, job := range c.jobs {
		if bursar.CodeOf(job.Err) != bursar.CodeConflict {
			return false
		}
	}
	return true
}

// forgive lets a call that conflicted begin again. What is written next writes over the errors of its jobs.
func (c *call) forgive() { c.err, c.back = nil, 0 }

// sendBack puts a call among those that are written again. The caller has locked the mutex.
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

// keepBlocked takes the jobs that have their results out of the call, and returns how many are left, which are
// blocked. A call without any stays as it is.
func (c *call) keepBlocked() int {
	blocked := make([]*job, 0)
	for _, job := range c.jobs {
		if c.err == nil && job.Err == nil && job.Blocked != "" {
			blocked = append(blocked, job)
		}
	}
	if len(blocked) == 0 {
		return 0
	}
	c.partial = c.partial || len(blocked) < len(c.jobs)
	c.jobs = blocked
	c.back++
	c.waits = blocked[0].Blocked
	return len(blocked)
}
