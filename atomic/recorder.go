package atomic

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
)

// A Recorder keeps the functions that were given to [Tx.OnCommit] inside one block, for tests: see [Record]. It is
// safe for concurrent use.
type Recorder struct {
	tx    *Tx
	hooks []*Hook // guarded by tx.s.mu, like the session's own
}

// A Hook is a function that was given to [Tx.OnCommit] inside the block of a [Recorder].
type Hook struct {
	// Depth is how many blocks deep inside the recorded block it was registered, 0 for the recorded block itself.
	// Joined blocks count.
	Depth int
	// Name is what the runtime calls the function, for messages.
	Name string
	// Func is the function.
	Func func(ctx context.Context) error
}

// Record makes a Recorder for what is given to [Tx.OnCommit] from now on, in the block of tx and in the blocks
// inside it. It is for a test that runs its application in an outer block and rolls that back. Nothing would be
// committed, so no function would run, and the test could not see what the application meant to do after its
// commit.
//
// The recorder lists what would run if the block of tx were committed. A block inside that is undone takes its
// functions with it, as it does without a recorder. A kept function runs only through [Recorder.Run], however the
// block of tx and the blocks around it end. The list stays after they have ended.
//
// If several blocks around have recorders, the innermost keeps the function. A second Record with the same tx
// returns the same Recorder. Record panics if the block has ended. When a conflict makes [Do] run its function
// again, that run has another tx and needs another Recorder.
func Record(tx *Tx) *Recorder {
	tx.register("Record", func(*session) {
		if tx.recorder == nil {
			tx.recorder = &Recorder{tx: tx}
		}
	})
	return tx.recorder
}

// recording is the recorder that keeps the hooks of block t, or nil. The caller holds s.mu.
func (t *Tx) recording() *Recorder {
	for ; t != nil; t = t.parent {
		if t.recorder != nil {
			return t.recorder
		}
	}
	return nil
}

// add keeps a hook of block t. The hook is dropped if a block between t and the recorded one is undone. The caller
// holds s.mu.
func (r *Recorder) add(t *Tx, fn func(context.Context) error) {
	h := &Hook{Depth: t.depth - r.tx.depth, Name: runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name(), Func: fn}
	r.hooks = append(r.hooks, h)
	s := t.s
	s.onRollback = append(s.onRollback, func() {
		if r.tx.ended.Load() {
			return // The test itself rolls back.
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		r.hooks = slices.DeleteFunc(r.hooks, func(kept *Hook) bool { return kept == h })
	})
}

// Hooks lists what would run, in the order of registration. It is empty if an earlier error has broken the recorded
// block, because then nothing can be committed. Functions that [Recorder.Run] has run are no longer listed.
func (r *Recorder) Hooks() []Hook {
	r.tx.s.mu.Lock()
	defer r.tx.s.mu.Unlock()
	if r.tx.s.damage != DamageNone {
		return nil
	}
	hooks := make([]Hook, len(r.hooks))
	for i, h := range r.hooks {
		hooks[i] = *h
	}
	return hooks
}

// Len is how many functions would run.
func (r *Recorder) Len() int { return len(r.Hooks()) }

// Run runs the functions as [Do] would after the commit: in order, all of them even if some fail, with the values
// of ctx but not its cancellation. Each runs once, even if it fails. Functions that they register in turn run after
// the rest.
//
// While the recorded block is open, ctx should be its context, or that of a block inside. What the functions write
// is then undone with the rest, and does not wait for it.
//
// Errors: [ErrBroken] if the recorded block cannot be committed, in which case nothing has run; [*HookError] with
// what the functions returned.
func (r *Recorder) Run(ctx context.Context) error {
	hooks, err := r.take()
	if err != nil {
		return err
	}
	var errs []error
	for len(hooks) > 0 {
		runCommitHooks(context.WithoutCancel(ctx), hooks, &errs)
		if hooks, err = r.take(); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &HookError{Errs: errs}
}

// take empties the list.
func (r *Recorder) take() ([]func(context.Context) error, error) {
	s := r.tx.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage != DamageNone {
		return nil, fmt.Errorf("%w: %w", ErrBroken, s.cause)
	}
	hooks := make([]func(context.Context) error, len(r.hooks))
	for i, h := range r.hooks {
		hooks[i] = h.Func
	}
	r.hooks = nil
	return hooks, nil
}
