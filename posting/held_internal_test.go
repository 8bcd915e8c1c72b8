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

func TestAHeldCallThatIsCancelledIsNotPostedUnlessAPartOfItWas(t *testing.T) {
	for _, parts := range []int{1, 2} {
		h := newHolding()
		q := start(Queue{PendingMax: 100, BatchMax: 100}, h.write)
		ctx, cancel := context.WithCancel(t.Context())
		list := jobs(parts)
		call := post(t, q, ctx, list)
		<-h.entered
		other := post(t, q, t.Context(), jobs(1)) // keeps the writer busy while the call leaves
		h.answer <- list[:1]
		<-h.entered // both
		h.answer <- list[:1]
		<-other
		for q.queuedAgain() == 0 {
		}
		cancel()
		want := bursar.Canceled
		if parts > 1 {
			want = bursar.OutcomeUnknown
		}
		select {
		case err := <-call:
			if bursar.CodeOf(err) != want {
				t.Errorf("%d jobs: %v, want %s", parts, err, want)
			}
		case <-h.entered: // the pause was over before: then it has been taken again, and nobody knows
			h.answer <- nil
			<-call
		}
		closeQueue(t, q)
	}
}

func (q *queue) queuedAgain() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.again == nil {
		return 0
	}
	return len(q.again.calls)
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
