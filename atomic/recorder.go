package atomic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Recorder keeps the functions that were given to [Tx.OnCommit] inside one block, for tests: see [Record]. It is
// safe for concurrent use.
type Recorder struct {
	tx *Tx
	// guarded by tx.s.mu, like the session's own
	options RecordOptions
	hooks   []*Hook
}

// RecordOptions are the choices of [Record]. The zero value only records.
type RecordOptions struct {
	// Outside makes the recorded block count as no block at all, so that the application meets what it meets in
	// production. A [Do] directly inside runs as a whole database transaction would, although it is a savepoint:
	//
	//   - [Outermost], [DoKeyed], [Hybrid] and leases run. [Required] and [Savepoint] are refused.
	//   - [InTransaction] is false directly inside, and true in the blocks inside that.
	//   - At its end the functions given to [Tx.BeforeCommit] run and deferred constraints are checked, as by COMMIT.
	//   - A conflict that the recorded block survives makes it run again. One that ends everything is returned.
	//
	// Isolation and read-only are those of the recorded block, whatever is asked for inside. What is handed to another
	// goroutine without the context, or goes past the handle, is not inside: it neither sees what the block has
	// written nor is undone with it, and may wait for it. [Setup] is refused as in any block.
	Outside bool

	// Report, if not nil, is told what [Recorder.Check] finds when the function of the recorded block has returned.
	// The Error method of a testing.T will do. If the function has returned nil, COMMIT makes those checks itself, and
	// Report is told only of hooks that nobody has run. It is not called for an attempt that a conflict has ended.
	Report func(args ...any)
}

// A Hook is a function that was given to [Tx.OnCommit] inside the block of a [Recorder].
type Hook struct {
	// Depth is how many blocks deep inside the recorded block it was registered, 0 for the recorded block itself.
	// Joined blocks count.
	Depth int
	// Name is what the runtime calls the function, for messages.
	Name string
	// Place is the file and line that registered the function, for messages.
	Place string
	// Func is the function.
	Func func(ctx context.Context) error

	kept hook
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
// returns the same Recorder, with the options of this call. Record panics if the block has ended. When a conflict
// makes [Do] run its function again, that run has another tx and needs another Recorder. o may be nil.
func Record(tx *Tx, o *RecordOptions) *Recorder {
	need(tx != nil, "Record", "the *Tx")
	tx.register("Record", true, func(*session) {
		if tx.recorder == nil {
			tx.recorder = &Recorder{tx: tx}
		}
		tx.recorder.options = RecordOptions{}
		if o != nil {
			tx.recorder.options = *o
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
func (r *Recorder) add(t *Tx, kept hook) {
	h := &Hook{Depth: t.depth - r.tx.depth, Name: kept.name(), Place: kept.place(), Func: kept.run, kept: kept}
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
	var failed HookError
	for len(hooks) > 0 {
		runCommitHooks(context.WithoutCancel(ctx), hooks, &failed)
		if hooks, err = r.take(); err != nil {
			failed.Errs, failed.Hooks = append(failed.Errs, err), append(failed.Hooks, "")
		}
	}
	if len(failed.Errs) == 0 {
		return nil
	}
	return &failed
}

// take empties the list.
func (r *Recorder) take() ([]hook, error) {
	s := r.tx.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage != DamageNone {
		return nil, fmt.Errorf("%w: %w", ErrBroken, s.cause)
	}
	hooks := make([]hook, len(r.hooks))
	for i, h := range r.hooks {
		hooks[i] = h.kept
	}
	r.hooks = nil
	return hooks, nil
}

// Drop forgets the functions without running them, and returns them. It is for a test that has looked at them and
// wants [Recorder.Check] to say nothing of them.
func (r *Recorder) Drop() []Hook {
	hooks := r.Hooks()
	r.tx.s.mu.Lock()
	defer r.tx.s.mu.Unlock()
	r.hooks = nil
	return hooks
}

// Check says what would come to light at a COMMIT of the recorded block, while that is open. It runs the functions
// that were given to [Tx.BeforeCommit] inside, each once, with ctx; it has the engine check the constraints that are
// deferred until COMMIT; and it looks whether there are functions that [Recorder.Run] has not run. On SQLite it reads
// the whole database for rows without their parent, and so finds older ones too; it looks only where foreign keys are
// enforced.
//
// Errors, joined: [ErrBroken]; what a function returned; the violated constraint, of [KindConstraint] for
// [DB.Classify] as at COMMIT; [ErrHooksUnrun], with the names of the functions.
func (r *Recorder) Check(ctx context.Context) error { return errors.Join(r.tx.settle(ctx), r.unrun()) }

// unrun is the error for hooks that the test has not run.
func (r *Recorder) unrun() error {
	hooks := r.Hooks()
	if len(hooks) == 0 {
		return nil
	}
	names := make([]string, len(hooks))
	for i, h := range hooks {
		names[i] = h.kept.String()
	}
	return fmt.Errorf("%w: %s", ErrHooksUnrun, strings.Join(names, ", "))
}
