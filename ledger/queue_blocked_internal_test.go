package ledger

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// holding is a write function that holds jobs as long as a test wants.
type holding struct {
	accounts map[*job]string // that a job waits for, where it is not the usual one
	entered  chan []*job     // a round that has been taken, not of a patient group
	answer   chan []*job     // which of its jobs are held
	insists  chan []*job     // a group that waits for its account
	locked   chan error      // what becomes of it
	group    *round          // the last of them
	next     string          // the account for which its jobs wait then
}

func newHolding() *holding {
	return &holding{entered: make(chan []*job), answer: make(chan []*job), insists: make(chan []*job), locked: make(chan error)}
}

func (h *holding) account(job *job) string { return cmp.Or(h.accounts[job], "held") }

func (h *holding) write(ctx context.Context, r *round, jobs []*job) error {
	for _, job := range jobs {
		job.Blocked = ""
	}
	if r.await != "" {
		h.group = r
		h.insists <- jobs
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
	held := <-h.answer
	for _, job := range jobs {
		if slices.Contains(held, job) {
			job.Blocked = h.account(job)
		}
	}
	return nil
}

func TestAHeldJobWaitsAloneAndComesFirst(t *testing.T) {
	h := newHolding()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.write)
	blocked, free := jobs(1), jobs(1)
	first := post(t, q, t.Context(), blocked)
	if round := <-h.entered; !slices.Equal(round, blocked) {
		t.Fatal("the first round is another")
	}
	second := post(t, q, t.Context(), free)
	h.answer <- blocked
	if round := <-h.entered; !slices.Equal(round, slices.Concat(blocked, free)) {
		t.Errorf("a round of %d jobs, want the held one and then the other", len(round))
	}
	h.answer <- blocked
	if err := <-second; err != nil {
		t.Errorf("the free call: %v", err)
	}
	select {
	case err := <-first:
		t.Errorf("the held call was answered %v", err)
	case round := <-h.entered: // after a pause
		if !slices.Equal(round, blocked) {
			t.Errorf("a round of %d jobs, want the held one", len(round))
		}
	}
	h.answer <- nil
	if err := <-first; err != nil {
		t.Errorf("the held call, once free: %v", err)
	}
	closeQueue(t, q)
	if n := pending(q); n != 0 {
		t.Errorf("%d jobs are still counted", n)
	}
}

// The queue of this test has no writer running: the test takes its place.
func TestAHeldCallThatIsCancelledIsNotPostedUnlessAPartOfItWas(t *testing.T) {
	for parts, want := range map[int]bursar.Code{1: bursar.CodeCanceled, 2: bursar.CodeOutcomeUnknown} {
		q := &queue{options: Queue{PendingMax: 100, BatchMax: 100}, wake: make(chan struct{}, 1)}
		c := &call{jobs: jobs(parts)}
		if _, err := q.enter(c); err != nil {
			t.Fatal(err)
		}
		r, _ := q.take()
		c.jobs[0].Blocked = "held"
		q.finish(r)
		if n := pending(q); n != 1 {
			t.Errorf("%d jobs are pending after a round in which one was held", n)
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

func TestACallThatIsHeldTooLongWaitsForItsLocks(t *testing.T) {
	h := newHolding()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.write)
	list := jobs(2)
	call := post(t, q, t.Context(), list)
	for range heldMax + 1 {
		<-h.entered
		h.answer <- list[1:]
	}
	if insisting := <-h.insists; !slices.Equal(insisting, list[1:]) {
		t.Errorf("%d jobs wait for locks, want the one that is held", len(insisting))
	}
	h.locked <- bursar.Errorf(bursar.CodeConflict, "still held")
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
	h := newHolding()
	q := &queue{options: Queue{PendingMax: 100, BatchMax: 100}, write: h.write, ctx: t.Context(), wake: make(chan struct{}, 1), patient: make(map[string]bool)}
	write := func(held ...*call) { // a round of all that waits, in which these are held
		r, _ := q.take()
		for _, c := range held {
			c.jobs[0].Blocked = h.account(c.jobs[0])
		}
		q.finish(r)
	}
	enter := func(held int) *call {
		c := &call{jobs: jobs(1), held: held}
		if _, err := q.enter(c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	often, once, elsewhere := enter(heldMax), enter(0), enter(0)
	h.accounts = map[*job]string{elsewhere.jobs[0]: "another"}
	write(often, once, elsewhere)
	if together := <-h.insists; !slices.Equal(together, slices.Concat(often.jobs, once.jobs)) {
		t.Errorf("%d calls wait for their account together, want 2", len(together))
	}
	late := enter(heldMax)
	q.resting = false
	write(late, elsewhere)
	if n := pending(q); n != 4 || q.again == nil || len(q.again.calls) != 2 {
		t.Errorf("%d jobs are pending; while one goroutine waits for an account no other does", n)
	}
	group := often.round.Load()
	h.locked <- nil
	<-group.done
	if n := pending(q); n != 2 || len(q.patient) != 0 || once.round.Load() != group || once.err != nil {
		t.Errorf("%d jobs are pending after two of four were posted", n)
	}
}

// The jobs of a call are written in order also where each is written by itself.
func TestNothingOvertakesAHeldJobOfItsCall(t *testing.T) {
	list := jobs(4)
	list[3].Blocked = "stale"
	var written []*job
	q := &queue{ctx: t.Context(), write: func(_ context.Context, _ *round, some []*job) error {
		if len(some) > 1 {
			return bursar.Errorf(bursar.CodeInternal, "poison")
		}
		written = append(written, some[0])
		if some[0] == list[1] {
			some[0].Blocked = "held"
		}
		return nil
	}}
	q.answer(&round{jobs: 4, calls: []*call{{jobs: list[:3]}, {jobs: list[3:]}}})
	if !slices.Equal(written, []*job{list[0], list[1], list[3]}) {
		t.Errorf("%d jobs were written", len(written))
	}
	for i, want := range []string{"", "held", "held", ""} {
		if list[i].Blocked != want || list[i].Err != nil {
			t.Errorf("job %d waits for %q with error %v, want %q", i, list[i].Blocked, list[i].Err, want)
		}
	}
}

// Accounts that others want may be held by turns. Who waits for one at a time might never find both free.
func TestACallThatFindsAnotherAccountHeldWaitsForAllInTheEnd(t *testing.T) {
	h := newHolding()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.write)
	list := jobs(1)
	call := post(t, q, t.Context(), list)
	for range heldMax + 1 {
		<-h.entered
		h.answer <- list
	}
	await := "held"
	for i := range awaitedMax {
		<-h.insists
		if h.group.await != await || h.group.ordered {
			t.Errorf("wait %d is for %s (in order: %v), want %s", i, h.group.await, h.group.ordered, await)
		}
		await = []string{"left", "right"}[i%2]
		h.next = await
		h.locked <- nil
	}
	<-h.insists
	if !h.group.ordered {
		t.Error("in the end it does not wait for all in order")
	}
	h.next = ""
	h.locked <- nil
	if err := <-call; err != nil {
		t.Error(err)
	}
	closeQueue(t, q)
	if n := pending(q); n != 0 || len(q.patient) != 0 {
		t.Errorf("%d jobs are still counted, and %d accounts waited for", n, len(q.patient))
	}
}

func TestCloseWaitsForHeldJobsOrAbandonsThem(t *testing.T) {
	h := newHolding()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, h.write)
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
