package atomic

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
)

// A Recorder keeps the functions that were given to [Tx.OnCommit] inside one block, for tests: see [Record]. It is safe for
// concurrent use.
type Recorder struct {
	tx    *Tx
	hooks []*Hook // guarded by tx.s.mu, like the session's own
}

// A Hook is a function that was given to [Tx.OnCommit] inside the block of a [Recorder].
type Hook struct {
	// Depth is how many blocks inside the recorded one it was registered, 0 for that one itself. Joined blocks count.
	Depth int
	// Name is what the runtime calls the function, for messages.
	Name string
	// Func is the function.
	Func func(ctx context.Context) error
}

// Record keeps from now on what is given to [Tx.OnCommit] in the block of tx and in those inside it. It is for tests that run
// their application in an outer block and roll that back: nothing would be committed, so nothing would run, and what
// the application meant to do after its commit could not be tested.
//
// The recorder lists what would run if the block of tx were committed: a block inside that is undone takes its hooks with
// it, as it does everywhere. Once kept, a function runs only through [Recorder.Run], however the block of tx and those
// around it end. The list outlives them.
//
// With recorders on several blocks around it, a function goes to the innermost. A second Record with the same tx returns the
// same Recorder. Record panics if the block has ended. If a conflict makes [Do] run its function again, that gets another tx and
// needs another Recorder.
func Record(tx *Tx) *Recorder {
	tx.register("Record", func(*session) {
		if tx.recorder == nil {
			tx.recorder = &Recorder{tx: tx}
		}
	})
	return tx.recorder
}

// recording is the recorder for hooks of block t, nil if there is none. The caller holds s.mu.
func (t *Tx) recording() *Recorder {
	for ; t != nil; t = t.parent {
		if t.recorder != nil {
			return t.recorder
		}
	}
	return nil
}

// add keeps a hook of block t until a block between t and the recorded one is undone. The caller holds s.mu.
func (r *Recorder) add(t *Tx, fn func(context.Context) error) {
	h := &Hook{Depth: t.depth - r.tx.depth, Name: runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name(), Func: fn}
	r.hooks = append(r.hooks, h)
	s := t.s
	s.onRollback = append(s.onRollback, func() {
		if r.tx.ended.Load() {
			return // It is the test that undoes, not what it tests.
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		r.hooks = slices.DeleteFunc(r.hooks, func(kept *Hook) bool { return kept == h })
	})
}

// Hooks lists what would run, in the order of registration. It is empty if an earlier error has broken the recorded block,
// because nothing of it can be committed. Functions that [Recorder.Run] has run are no longer listed.
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

// Run runs the functions as [Do] would after the commit: in order, all of them even if some fail, with ctx's values but not its
// cancellation. Each runs once, whatever it returns. Those that they register in turn run too, after the rest.
//
// While the recorded block is open, ctx should be its context or one of a block inside, so that what the functions write is undone with the
// rest, and does not wait for it.
//
// Errors: [ErrBroken] if the recorded block cannot be committed, and then nothing has run; [*HookError] with what the functions
// returned.
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
