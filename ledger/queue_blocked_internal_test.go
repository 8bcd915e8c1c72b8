package ledger

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// blocking is a post function that blocks jobs as long as a test wants.
type blocking struct {
	accounts map[*job]string // that a job waits for, where it is not the usual one
	entered  chan []*job     // a round that has been taken, not of a group that waits
	answer   chan []*job     // which of its jobs are blocked
	waits    chan []*job     // a group that waits for its account
	locked   chan error      // what becomes of it
	group    *round          // the last of them
	next     string          // the account for which its jobs wait then
}

func newBlocking() *blocking {
	return &blocking{entered: make(chan []*job), answer: make(chan []*job), waits: make(chan []*job),
		locked: make(chan error)}
}

func (h *blocking) account(job *job) string { return cmp.Or(h.accounts[job], "taken") }

func (h *blocking) post(ctx context.Context, r *round, jobs []*job) error {
	for _, job := range jobs {
		job.Blocked = ""
	}
	if r.await != "" {
		h.group = r
		h.waits <- jobs
		err := <-h.locked
		for _, job := range jobs {
			job.Blocked = h.next
		}
		return err
	}
	select {
	case h.entered <- slices.Clone(jobs):
	case <-ctx.Done():
		return bursar.Errorf(bursar.CodeCanceled, "abandoned")
	}
	blocked := <-h.answer
	for _, job := range jobs {
		if slices.Contains(blocked, job) {
			job.Blocked = h.account(job)
		}
	}
	return nil
}

func TestABlockedJobWaitsAloneAndComesFirst(t *testing.T) {
	h := newBlocking()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.post)
	blocked, free := jobs(1), jobs(1)
	first := post(t, q, t.Context(), blocked)
	if round := <-h.entered; !slices.Equal(round, blocked) {
		t.Fatal("the first round is another")
	}
	second := post(t, q, t.Context(), free)
	h.answer <- blocked
	if round := <-h.entered; !slices.Equal(round, slices.Concat(blocked, free)) {
		t.Errorf("a round of %d jobs, want the blocked one and then the other", len(round))
	}
	h.answer <- blocked
	if err := <-second; err != nil {
		t.Errorf("the free call: %v", err)
	}
	select {
	case err := <-first:
		t.Errorf("the blocked call was answered %v", err)
	case round := <-h.entered: // after a pause
		if !slices.Equal(round, blocked) {
			t.Errorf("a round of %d jobs, want the blocked one", len(round))
		}
	}
	h.answer <- nil
	if err := <-first; err != nil {
		t.Errorf("the blocked call, once free: %v", err)
	}
	closeQueue(t, q)
	if n := pending(q); n != 0 {
		t.Errorf("%d jobs are still counted", n)
	}
}

// The queue of this test has no writer running: the test takes its place.
func TestABlockedCallThatIsCancelledIsNotPostedUnlessAPartOfItWas(t *testing.T) {
	for parts, want := range map[int]bursar.Code{1: bursar.CodeCanceled, 2: bursar.CodeOutcomeUnknown} {
		q := &queue{options: Queue{PendingMax: 100, BatchMax: 100}, wake: make(chan struct{}, 1)}
		c := &call{jobs: jobs(parts)}
		if _, err := q.enter(c); err != nil {
			t.Fatal(err)
		}
		r, _ := q.take()
		c.jobs[0].Blocked = "taken"
		q.settle(r)
		if n := pending(q); n != 1 {
			t.Errorf("%d jobs are pending after a round in which one was blocked", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.leave(ctx, c); bursar.CodeOf(err) != want {
			t.Errorf("%d jobs: %v, want %s", parts, err, want)
		}
		if r, _ := q.take(); r != nil || pending(q) != 0 {
			t.Errorf("%d jobs: the call that left is still there", parts)
		}
	}
}

func TestACallThatIsBlockedTooLongWaitsForItsLocks(t *testing.T) {
	h := newBlocking()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.post)
	list := jobs(2)
	call := post(t, q, t.Context(), list)
	for range backMax + 1 {
		<-h.entered
		h.answer <- list[1:]
	}
	if waiting := <-h.waits; !slices.Equal(waiting, list[1:]) {
		t.Errorf("%d jobs wait for locks, want the one that is blocked", len(waiting))
	}
	h.locked <- bursar.Errorf(bursar.CodeConflict, "still taken")
	if round := <-h.entered; !slices.Equal(round, list[1:]) {
		t.Errorf("after a conflict %d jobs go back to the queue, want 1", len(round))
	}
	h.answer <- nil
	if err := <-call; err != nil {
		t.Error(err)
	}
	closeQueue(t, q)
}

// The queue of this test has no writer running: the test takes its place.
func TestCallsThatWaitForOneAccountWaitTogether(t *testing.T) {
	h := newBlocking()
	q := &queue{options: Queue{PendingMax: 100, BatchMax: 100}, post: h.post, ctx: t.Context(),
		wake: make(chan struct{}, 1), awaited: make(map[string]bool)}
	write := func(blocked ...*call) { // a round of all that waits, in which these are blocked
		r, _ := q.take()
		for _, c := range blocked {
			c.jobs[0].Blocked = h.account(c.jobs[0])
		}
		q.settle(r)
	}
	enter := func(back int) *call {
		c := &call{jobs: jobs(1), back: back}
		if _, err := q.enter(c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	often, once, elsewhere := enter(backMax), enter(0), enter(0)
	h.accounts = map[*job]string{elsewhere.jobs[0]: "another"}
	write(often, once, elsewhere)
	if together := <-h.waits; !slices.Equal(together, slices.Concat(often.jobs, once.jobs)) {
		t.Errorf("%d calls wait for their account together, want 2", len(together))
	}
	late := enter(backMax)
	q.resting = false
	write(late, elsewhere)
	if n := pending(q); n != 4 || q.again == nil || len(q.again.calls) != 2 {
		t.Errorf("%d jobs are pending; while one goroutine waits for an account no other does", n)
	}
	group := often.round.Load()
	h.locked <- nil
	<-group.done
	if n := pending(q); n != 2 || len(q.awaited) != 0 || once.round.Load() != group || once.err != nil {
		t.Errorf("%d jobs are pending after two of four were posted", n)
	}
}

// The jobs of a call are written in order also where each is written by itself.
func TestNothingOvertakesABlockedJobOfItsCall(t *testing.T) {
	list := jobs(4)
	list[3].Blocked = "stale"
	var written []*job
	q := &queue{ctx: t.Context(), post: func(_ context.Context, _ *round, some []*job) error {
		if len(some) > 1 {
			return bursar.Errorf(bursar.CodeInternal, "poison")
		}
		written = append(written, some[0])
		if some[0] == list[1] {
			some[0].Blocked = "taken"
		}
		return nil
	}}
	q.write(&round{jobs: 4, calls: []*call{{jobs: list[:3]}, {jobs: list[3:]}}})
	if !slices.Equal(written, []*job{list[0], list[1], list[3]}) {
		t.Errorf("%d jobs were written", len(written))
	}
	for i, want := range []string{"", "taken", "taken", ""} {
		if list[i].Blocked != want || list[i].Err != nil {
			t.Errorf("job %d waits for %q with error %v, want %q", i, list[i].Blocked, list[i].Err, want)
		}
	}
}

// Accounts that others want may be locked by turns. Who waits for one at a time might never find both free.
func TestACallThatFindsAnotherAccountBlockedWaitsForAllInTheEnd(t *testing.T) {
	h := newBlocking()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.post)
	list := jobs(1)
	call := post(t, q, t.Context(), list)
	for range backMax + 1 {
		<-h.entered
		h.answer <- list
	}
	await := "taken"
	for i := range awaitedMax {
		<-h.waits
		if h.group.await != await || h.group.ordered {
			t.Errorf("wait %d is for %s (in order: %v), want %s", i, h.group.await, h.group.ordered, await)
		}
		await = []string{"left", "right"}[i%2]
		h.next = await
		h.locked <- nil
	}
	<-h.waits
	if !h.group.ordered {
		t.Error("in the end it does not wait for all in order")
	}
	h.next = ""
	h.locked <- nil
	if err := <-call; err != nil {
		t.Error(err)
	}
	closeQueue(t, q)
	if n := pending(q); n != 0 || len(q.awaited) != 0 {
		t.Errorf("%d jobs are still counted, and %d accounts waited for", n, len(q.awaited))
	}
}

func TestCloseWaitsForBlockedJobsOrAbandonsThem(t *testing.T) {
	h := newBlocking()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.post)
	list := jobs(1)
	call := post(t, q, t.Context(), list)
	<-h.entered
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	go func() { closed <- q.Close(ctx) }()
	h.answer <- list
	<-h.entered // Close does not drop it
	h.answer <- list
	cancel()
	select {
	case <-h.entered:
		h.answer <- list
	case <-q.ctx.Done():
	}
	if err := <-closed; bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("close: %v", err)
	}
	if err := <-call; bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("the abandoned call: %v", err)
	}
}
