package ledger

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// Queue is the strategy of one queue and one writer. The zero value is ready for use.
//
// # How it works
//
// Invariants: a job is written by the writer alone; jobs are judged in the order in which their calls arrived; every
// call gets exactly one answer, after the commit that holds its jobs; the queue never holds more than PendingMax jobs.
//
// The obvious way, a channel of jobs with an answer channel for each, costs more than the database does: two
// synchronisations and one allocation a job. Here callers append to the round that is gathering, under a mutex,
// and wait for that round's one done channel, which the writer closes for all of them at once:
//
//	caller                                writer
//	lock; append jobs to gathering; unlock
//	wake the writer                       lock; take gathering, put an empty round in its place; unlock
//	wait for round.done                   write the round in one database transaction
//	                                      close(round.done)
//
// There is no timer: while one round is being written the next one gathers, so the batch size follows the load, and
// a lone caller never waits for company.
//
// A call that is cancelled while its round gathers is taken out of it: nothing was written. One that is cancelled
// later cannot know, and says so with outcome_unknown.
//
// Jobs on an account that someone else holds, in a database transaction that is still open, come back from the writer undecided.
// They go first into the next round, until the account is free; the rest of their round is answered, transfers on the other
// accounts of the held ones too. With nothing else to do the writer looks again after a pause that grows. On an account that
// many others want a look may never come at the right moment, so after a few looks all calls that wait for it are given a
// goroutine of their own, which waits for this one account while it holds no other, and then writes them together. The next
// group gathers meanwhile. Calls that find another of their accounts held time and again wait for all of theirs in order.
//
// A round that the database refuses as a whole, for a reason that is neither contention nor a lost commit, is
// written again job by job, so that one poisonous job cannot fail the others.
type Queue struct {
	// PendingMax is how many jobs may wait. When it would be exceeded a post is Busy at once. Defaults to 65,536.
	PendingMax int
	// BatchMax is how many jobs one database transaction holds, unless a single call brings more. Defaults to 8,192.
	BatchMax int
}

const (
	pendingMaxDefault = 65_536
	batchMaxDefault   = 8_192
)

// Start begins the writer.
func (q Queue) start(w *writer) poster {
	if q.PendingMax <= 0 {
		q.PendingMax = pendingMaxDefault
	}
	if q.BatchMax <= 0 {
		q.BatchMax = batchMaxDefault
	}
	return startQueue(q, func(ctx context.Context, r *round, jobs []*job) error {
		if r.ordered {
			return w.post(ctx, driver.ModeLocks, "", jobs)
		}
		return w.post(ctx, driver.ModeQueue, r.await, jobs)
	})
}

// queue is a running Queue.
type queue struct {
	options Queue
	write   func(context.Context, *round, []*job) error // some jobs of a round, or all
	wake    chan struct{}                               // capacity 1: there may be something to do
	stopped chan struct{}                               // closed when the writer has ended
	ctx     context.Context
	abandon context.CancelFunc // ends what the writer is doing

	mu      sync.Mutex
	rounds  []*round // waiting, oldest first; the last one gathers
	again   *round   // calls that were sent back; nil when there are none
	resting bool     // until the pause is over again is written with another round only
	pause   time.Duration
	patient map[string]bool // accounts for which a goroutine waits
	pending int             // jobs in rounds and in the one being written
	closing bool
}

// round is the calls that one database transaction will hold.
type round struct {
	await   string // the account to wait for first; empty but for a patient group
	ordered bool   // wait for all accounts, in their order
	calls   []*call
	jobs    int
	done    chan struct{} // closed when every call has its answer, or another round
}

// call is one Post.
type call struct {
	jobs    []*job // without an answer
	partial bool   // others of the same call have theirs
	held    int    // how often it was sent back
	awaited int    // how often it was after having waited for an account
	waits   string // for this account
	err     error
	round   atomic.Pointer[round] // the one to wait for
}

func startQueue(options Queue, write func(context.Context, *round, []*job) error) *queue {
	ctx, abandon := context.WithCancel(context.Background())
	q := &queue{options: options, write: write, patient: make(map[string]bool), wake: make(chan struct{}, 1), stopped: make(chan struct{}), ctx: ctx, abandon: abandon}
	go q.run()
	return q
}

// Post has the jobs written with what else gathers.
func (q *queue) Post(ctx context.Context, jobs []*job) error {
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	c := &call{jobs: jobs}
	r, err := q.enter(c)
	if err != nil {
		return err
	}
	for {
		select {
		case <-r.done:
		case <-ctx.Done():
			return q.leave(ctx, c)
		}
		next := c.round.Load()
		if next == r {
			return c.err
		}
		r = next
	}
}

// enter puts a call into the gathering round.
func (q *queue) enter(c *call) (*round, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(c.jobs)
	switch {
	case q.closing:
		return nil, bursar.Errorf(bursar.CodeClosed, "the ledger is shutting down")
	case q.pending+n > q.options.PendingMax && q.pending > 0:
		return nil, bursar.Errorf(bursar.CodeBusy, "%d posts are waiting, the queue takes %d", q.pending, q.options.PendingMax)
	}
	last := len(q.rounds) - 1
	if last < 0 || q.rounds[last].jobs+n > q.options.BatchMax {
		q.rounds = append(q.rounds, &round{done: make(chan struct{})})
		last++
	}
	r := q.rounds[last]
	r.calls = append(r.calls, c)
	r.jobs += n
	c.round.Store(r)
	q.pending += n
	q.signal()
	return r, nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// leave takes a cancelled call out of its round if the writer has not taken that.
func (q *queue) leave(ctx context.Context, c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := c.round.Load()
	select {
	case <-r.done: // answered meanwhile
		return c.err
	default:
	}
	for _, waiting := range append(q.rounds[:len(q.rounds):len(q.rounds)], q.again) {
		if waiting != r {
			continue
		}
		if i := slices.Index(r.calls, c); i >= 0 {
			r.calls = slices.Delete(r.calls, i, i+1)
			r.jobs -= len(c.jobs)
			q.pending -= len(c.jobs)
			if r == q.again && len(r.calls) == 0 {
				q.again, q.resting = nil, false
				q.signal()
			}
			if !c.partial {
				return canceled(ctx.Err())
			}
		}
	}
	return &bursar.Error{Code: bursar.CodeOutcomeUnknown, Message: "the call ended while its transfers were being written", Err: ctx.Err()}
}

func canceled(cause error) error {
	return &bursar.Error{Code: bursar.CodeCanceled, Message: "the call ended before its transfers were taken", Err: cause}
}

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
		q.answer(r)
		q.finish(r)
	}
}

// take removes the oldest round, and puts in front of it what was sent back. It returns nil when there is nothing to write now.
func (q *queue) take() (r *round, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.rounds) > 0 {
		r, q.rounds = q.rounds[0], q.rounds[1:]
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
	return nil, !q.closing || q.again != nil || len(q.patient) > 0
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

// finish gives the calls of a written round their answers and sends back those that are held.
func (q *queue) finish(r *round) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var back []*call
	for _, c := range r.calls {
		before := len(c.jobs)
		if c.sentBack() {
			before -= len(c.jobs)
			back = append(back, c)
		}
		q.pending -= before
	}
	q.insist(back)
	q.resting = q.again != nil
	if q.resting {
		q.pause = min(max(2*q.pause, pauseMin), pauseMax)
	} else {
		q.pause = 0
	}
	close(r.done)
}

// answer writes a round and fills in the errors of its calls. The jobs carry their own results.
func (q *queue) answer(r *round) {
	jobs := make([]*job, 0, r.jobs)
	for _, c := range r.calls {
		jobs = append(jobs, c.jobs...)
	}
	err := q.write(q.ctx, r, jobs)
	switch {
	case err == nil:
	case len(jobs) > 1 && poisoned(err):
		for _, c := range r.calls {
			q.answerSingly(r, c)
		}
	default:
		for _, c := range r.calls {
			c.fail(err)
		}
	}
}

// answerSingly writes the jobs of a call one by one. What comes after one that is held waits with it.
func (q *queue) answerSingly(r *round, c *call) {
	held := ""
	for i, job := range c.jobs {
		if job.Blocked, job.Err = held, nil; held != "" {
			continue
		}
		job.Err = q.write(q.ctx, r, c.jobs[i:i+1])
		if job.Err == nil {
			held = job.Blocked
		}
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

// Close stops taking jobs and waits until those taken are answered. When ctx ends first, what is being written is
// abandoned, unless its commit is under way, and its callers are told which of the two it was.
func (q *queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	q.signal()
	select {
	case <-q.stopped:
		return nil
	case <-ctx.Done():
		q.abandon()
		<-q.stopped
		return errors.Join(bursar.Errorf(bursar.CodeCanceled, "posts were abandoned at shutdown"), ctx.Err())
	}
}
