package posting

import (
	"context"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// holding is a write function that holds jobs as long as a test wants.
type holding struct {
	entered chan []*bursar.Job // a round that has been taken, in mode Queue
	answer  chan []*bursar.Job // which of its jobs are held
	insists chan []*bursar.Job // a call that waits for locks
	locked  chan error         // what becomes of it
}

func newHolding() *holding {
	return &holding{make(chan []*bursar.Job), make(chan []*bursar.Job), make(chan []*bursar.Job), make(chan error)}
}

func (h *holding) write(ctx context.Context, mode bursar.Mode, jobs []*bursar.Job) error {
	if mode == bursar.Locks {
		h.insists <- jobs
		return <-h.locked
	}
	select {
	case h.entered <- slices.Clone(jobs):
	case <-ctx.Done():
		return bursar.Errorf(bursar.Canceled, "abandoned")
	}
	held := <-h.answer
	for _, job := range jobs {
		job.Held = slices.Contains(held, job)
	}
	return nil
}

func TestAHeldJobWaitsAloneAndComesFirst(t *testing.T) {
	h := newHolding()
	q := start(Queue{PendingMax: 100, BatchMax: 100}, h.write)
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
	for parts, want := range map[int]bursar.Code{1: bursar.Canceled, 2: bursar.OutcomeUnknown} {
		q := &queue{options: Queue{PendingMax: 100, BatchMax: 100}, wake: make(chan struct{}, 1)}
		c := &call{jobs: jobs(parts)}
		if _, err := q.enter(c); err != nil {
			t.Fatal(err)
		}
		r, _ := q.take()
		c.jobs[0].Held = true
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
	q := start(Queue{PendingMax: 100, BatchMax: 100}, h.write)
	list := jobs(2)
	call := post(t, q, t.Context(), list)
	for range heldMax + 1 {
		<-h.entered
		h.answer <- list[1:]
	}
	if insisting := <-h.insists; !slices.Equal(insisting, list[1:]) {
		t.Errorf("%d jobs wait for locks, want the one that is held", len(insisting))
	}
	h.locked <- bursar.Errorf(bursar.Conflict, "still held")
	if round := <-h.entered; !slices.Equal(round, list[1:]) {
		t.Errorf("after a conflict %d jobs go back to the queue, want 1", len(round))
	}
	h.answer <- nil
	if err := <-call; err != nil {
		t.Error(err)
	}
	closeQueue(t, q)
}

func TestCloseWaitsForHeldJobsOrAbandonsThem(t *testing.T) {
	h := newHolding()
	q := start(Queue{PendingMax: 100, BatchMax: 100}, h.write)
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
	if err := <-closed; bursar.CodeOf(err) != bursar.Canceled {
		t.Errorf("close: %v", err)
	}
	if err := <-call; bursar.CodeOf(err) != bursar.Canceled {
		t.Errorf("the abandoned call: %v", err)
	}
}
