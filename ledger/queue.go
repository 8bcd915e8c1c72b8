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
// call gets exactly one answer, after the commit of its jobs; the queue never has more than PendingMax jobs.
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
// A job is blocked when somebody else has locked one of its accounts, in a database transaction that is still open.
// Blocked jobs come back from the writer undecided. They go first into the next round, until the account is free; the
// rest of their round is settled, transfers on the other accounts of the blocked ones too. With nothing else to do
// the writer looks again after a pause that grows.
//
// Where many want an account, a look may never come at the right moment. So after a few looks all calls that wait for
// it form a group with a goroutine of its own. The group waits for this one account while it has locked no other, and
// then writes its calls together. The next group gathers meanwhile. A call that finds another of its accounts blocked
// time and again waits for all of its accounts in order.
//
// A round that the database refuses as a whole, for a reason that is neither contention nor a lost commit, is
// written again job by job, so that one poisonous job cannot fail the others.
type Queue struct {
	// PendingMax is how many jobs may wait. When it would be exceeded a post is refused as busy at once. Defaults to
	// 65,536.
	PendingMax int
	// BatchMax is how many jobs one database transaction writes, unless a single call brings more. Defaults to 8,192.
	BatchMax int
}

const (
	pendingMaxDefault = 65_536
	batchMaxDefault   = 8_192
)

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
	post    func(context.Context, *round, []*job) error // writes some jobs of a round, or all
	wake    chan struct{}                               // capacity 1: there may be something to do
	stopped chan struct{}                               // closed when the writer has ended
	ctx     context.Context
	abandon context.CancelFunc // ends what the writer is doing

	patience time.Duration // with the database's answers to one round

	mu      sync.Mutex
	rounds  []*round // waiting, oldest first; the last one gathers
	again   *round   // calls that were sent back; nil when there are none
	resting bool     // until the pause is over again is written with another round only
	pause   time.Duration
	awaited map[string]bool // accounts for which a goroutine waits
	pending int             // jobs in rounds and in the one being written
	closing bool
	spare   []*call // memory of a round that was written, for the next one that gathers

	calls spare[call] // forgotten
}

// round is the calls that one database transaction will write.
type round struct {
	await   string // the account to wait for first; empty but for a group that waits
	ordered bool   // wait for all accounts, in their order
	calls   []*call
	jobs    int
	done    chan struct{} // closed when every call has its answer, or another round
}

// call is one Post.
type call struct {
	jobs    []*job // without an answer
	partial bool   // others of the same call have theirs
	back    int    // how often it was sent back
	awaited int    // how often it was after having waited for an account
	waits   string // for this account
	err     error
	round   atomic.Pointer[round] // the one to wait for
}

func startQueue(options Queue, post func(context.Context, *round, []*job) error) *queue {
	ctx, abandon := context.WithCancel(context.Background())
	q := &queue{options: options, post: post, awaited: make(map[string]bool), wake: make(chan struct{}, 1),
		stopped: make(chan struct{}), ctx: ctx, abandon: abandon, patience: writePatience}
	go q.run()
	return q
}

// Post has the jobs written with what else gathers.
func (q *queue) Post(ctx context.Context, jobs []*job) error {
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	c := q.calls.take()
	c.jobs = jobs
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
			err := c.err
			c.forget()
			q.calls.give(c)
			return err
		}
		r = next
	}
}

// forget makes a call that was answered fit for another one. Nobody else knows of it any more, because the writer
// answers last.
func (c *call) forget() {
	c.jobs, c.partial, c.back, c.awaited, c.waits, c.err = nil, false, 0, 0, "", nil
	c.round.Store(nil)
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
		return nil, bursar.Errorf(bursar.CodeBusy, "%d posts are waiting, the queue takes %d",
			q.pending, q.options.PendingMax)
	}
	last := len(q.rounds) - 1
	if last < 0 || q.rounds[last].jobs+n > q.options.BatchMax {
		q.rounds = append(q.rounds, &round{calls: q.spare, done: make(chan struct{})})
		q.spare = nil
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
	return &bursar.Error{Code: bursar.CodeOutcomeUnknown, Err: ctx.Err(),
		Message: "the call ended while its transfers were being written"}
}

func canceled(cause error) error {
	return &bursar.Error{Code: bursar.CodeCanceled, Message: "the call ended before its transfers were taken", Err: cause}
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
