package ledger

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
)

// gate is a post function that a test opens round by round.
type gate struct {
	entered chan int   // the number of jobs of a round that has been taken
	answer  chan error // what to answer it
	mu      sync.Mutex
	rounds  [][]*job
}

func newGate() *gate { return &gate{entered: make(chan int), answer: make(chan error)} }

func (g *gate) post(_ context.Context, _ *round, jobs []*job) error {
	g.mu.Lock()
	g.rounds = append(g.rounds, slices.Clone(jobs))
	g.mu.Unlock()
	g.entered <- len(jobs)
	return <-g.answer
}

func jobs(n int) []*job {
	list := make([]*job, n)
	for i := range list {
		list[i] = &job{}
	}
	return list
}

// post calls Post in a goroutine and waits until the queue has its jobs.
func post(t *testing.T, q *queue, ctx context.Context, list []*job) chan error {
	t.Helper()
	before := pending(q)
	answer := make(chan error, 1)
	go func() { answer <- q.Post(ctx, list) }()
	for pending(q) == before {
		select {
		case err := <-answer: // refused at once
			answer <- err
			return answer
		default:
		}
	}
	return answer
}

func pending(q *queue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending
}

func closeQueue(t *testing.T, q *queue) {
	t.Helper()
	if err := q.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestCallsThatGatherShareARound(t *testing.T) {
	g := newGate()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, g.post)
	first := post(t, q, t.Context(), jobs(1))
	if n := <-g.entered; n != 1 {
		t.Fatalf("the first round has %d jobs", n)
	}
	var rest []chan error
	for range 5 {
		rest = append(rest, post(t, q, t.Context(), jobs(2)))
	}
	g.answer <- nil
	if err := <-first; err != nil {
		t.Error(err)
	}
	if n := <-g.entered; n != 10 {
		t.Errorf("the second round has %d jobs, not the 10 that gathered", n)
	}
	g.answer <- nil
	for _, answer := range rest {
		if err := <-answer; err != nil {
			t.Error(err)
		}
	}
	closeQueue(t, q)
}

func TestRoundsAreBoundedAndKeepTheOrderOfCalls(t *testing.T) {
	g := newGate()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 4}, g.post)
	var want []*job
	var answers []chan error
	blocker := post(t, q, t.Context(), jobs(1))
	<-g.entered
	for _, n := range []int{2, 2, 1, 9, 1} { // a call larger than a round makes a round of its own
		list := jobs(n)
		want = append(want, list...)
		answers = append(answers, post(t, q, t.Context(), list))
	}
	g.answer <- nil
	var sizes []int
	for range 4 {
		sizes = append(sizes, <-g.entered)
		g.answer <- nil
	}
	if !slices.Equal(sizes, []int{4, 1, 9, 1}) {
		t.Errorf("rounds of %v", sizes)
	}
	for _, answer := range append(answers, blocker) {
		if err := <-answer; err != nil {
			t.Error(err)
		}
	}
	closeQueue(t, q)
	if got := slices.Concat(g.rounds[1:]...); !slices.Equal(got, want) {
		t.Error("the jobs were not written in the order of their calls")
	}
}

func TestAFullQueueIsBusyAtOnce(t *testing.T) {
	g := newGate()
	q := startQueue(Queue{PendingMax: 3, BatchMax: 100}, g.post)
	first := post(t, q, t.Context(), jobs(1))
	<-g.entered
	second := post(t, q, t.Context(), jobs(2))
	if err := q.Post(t.Context(), jobs(1)); !errors.Is(err, bursar.ErrBusy) {
		t.Errorf("a post beyond the bound: %v", err)
	}
	g.answer <- nil
	<-first
	<-g.entered
	g.answer <- nil
	<-second
	third := post(t, q, t.Context(), jobs(1))
	<-g.entered
	g.answer <- nil
	if err := <-third; err != nil {
		t.Errorf("a post after the queue has emptied: %v", err)
	}
	closeQueue(t, q)
}

func TestACancelledCallLeavesBeforeItIsTakenAndIsUnknownAfter(t *testing.T) {
	g := newGate()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, g.post)
	ctx, cancel := context.WithCancel(t.Context())
	taken := post(t, q, ctx, jobs(1))
	<-g.entered
	waiting := post(t, q, ctx, jobs(3))
	stays := post(t, q, t.Context(), jobs(1))
	cancel()
	if err := <-taken; !errors.Is(err, bursar.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it was written: %v", err)
	}
	if err := <-waiting; bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("cancelled while it waited: %v", err)
	}
	g.answer <- nil
	if n := <-g.entered; n != 1 {
		t.Errorf("the next round has %d jobs: the cancelled ones are still in it", n)
	}
	g.answer <- nil
	if err := <-stays; err != nil {
		t.Error(err)
	}
	if err := q.Post(ctx, jobs(1)); bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("posted with a context that has ended: %v", err)
	}
	closeQueue(t, q)
	if n := pending(q); n != 0 {
		t.Errorf("%d jobs are still counted", n)
	}
}

func TestAPoisonousJobFailsAlone(t *testing.T) {
	bad := &job{}
	var sizes []int
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, func(_ context.Context, _ *round, list []*job) error {
		sizes = append(sizes, len(list))
		if slices.Contains(list, bad) {
			return bursar.Errorf(bursar.CodeCorrupt, "the database refuses this one")
		}
		return nil
	})
	list := []*job{{}, bad, {}}
	if err := q.Post(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if list[0].Err != nil || list[2].Err != nil || bursar.CodeOf(list[1].Err) != bursar.CodeCorrupt {
		t.Errorf("results are %v, %v, %v", list[0].Err, list[1].Err, list[2].Err)
	}
	closeQueue(t, q)
	if !slices.Equal(sizes, []int{3, 1, 1, 1}) {
		t.Errorf("it wrote rounds of %v", sizes)
	}
}

// TestARefusalBesideAPoisonousJobIsTold posts a job that the ledger refuses in the round of one that the database
// refuses. Post returns no error for the first, because a refusal is its result.
func TestARefusalBesideAPoisonousJobIsTold(t *testing.T) {
	refusal := &bursar.Error{Code: bursar.CodeInsufficientFunds, Final: true}
	list := jobs(3)
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, func(_ context.Context, _ *round, written []*job) error {
		if slices.Contains(written, list[0]) {
			return &bursar.Error{Code: bursar.CodeInternal}
		}
		for _, job := range written {
			if job == list[1] {
				job.Err = refusal
			}
		}
		return nil
	})
	if err := q.Post(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	closeQueue(t, q)
	if bursar.CodeOf(list[0].Err) != bursar.CodeInternal || list[1].Err != refusal || list[2].Err != nil {
		t.Errorf("the jobs have %v, %v and %v", list[0].Err, list[1].Err, list[2].Err)
	}
}

func TestContentionFailsTheWholeRound(t *testing.T) {
	calls := 0
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, func(context.Context, *round, []*job) error {
		calls++
		return bursar.Errorf(bursar.CodeOutcomeUnknown, "the answer was lost")
	})
	if err := q.Post(t.Context(), jobs(3)); !errors.Is(err, bursar.ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
	closeQueue(t, q)
	if calls != 1 {
		t.Errorf("a round of unknown outcome was written %d times", calls)
	}
}

// TestADatabaseThatFallsSilentHoldsOneRoundUp is one whose answer to the first round never comes.
func TestADatabaseThatFallsSilentHoldsOneRoundUp(t *testing.T) {
	silent := true
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, func(ctx context.Context, _ *round, _ []*job) error {
		if !silent {
			return nil
		}
		silent = false
		<-ctx.Done()
		return &bursar.Error{Code: bursar.CodeCanceled, Err: ctx.Err()}
	})
	q.patience = time.Millisecond // nobody has posted, so the writer rests
	err := q.Post(t.Context(), jobs(1))
	if bursar.CodeOf(err) != bursar.CodeUnavailable || !bursar.Retryable(err) {
		t.Errorf("the first round ends with %v, want unavailable, which may be tried again", err)
	}
	if err := q.Post(t.Context(), jobs(1)); err != nil {
		t.Errorf("the second round ends with %v", err)
	}
	closeQueue(t, q)
}

func TestCloseDrainsAndThenRefuses(t *testing.T) {
	g := newGate()
	q := startQueue(Queue{PendingMax: 100, BatchMax: 1}, g.post)
	first := post(t, q, t.Context(), jobs(1))
	<-g.entered
	second := post(t, q, t.Context(), jobs(1))
	closed := make(chan error, 1)
	go func() { closed <- q.Close(t.Context()) }()
	g.answer <- nil
	<-g.entered
	g.answer <- nil
	if err := errors.Join(<-first, <-second, <-closed); err != nil {
		t.Error(err)
	}
	if err := q.Post(t.Context(), jobs(1)); !errors.Is(err, bursar.ErrClosed) {
		t.Errorf("posted after close: %v", err)
	}
	closeQueue(t, q) // twice is fine
}

func TestCloseAbandonsWhenItsContextEnds(t *testing.T) {
	taken := make(chan struct{})
	q := startQueue(Queue{PendingMax: 100, BatchMax: 100}, func(ctx context.Context, _ *round, _ []*job) error {
		close(taken)
		<-ctx.Done()
		return bursar.Errorf(bursar.CodeCanceled, "not committed")
	})
	answer := post(t, q, t.Context(), jobs(1))
	<-taken
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Close(ctx); bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("close: %v", err)
	}
	if err := <-answer; bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("the abandoned post: %v", err)
	}
}
