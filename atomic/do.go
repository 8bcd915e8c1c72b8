package atomic

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Nesting says what [Do] does inside an open database transaction of the same [DB]. Outside of one, Do begins one,
// unless the Nesting refuses that.
type Nesting uint8

const (
	// Nested makes the block a savepoint. When the block fails, its own writes are undone, and the block around it
	// decides whether to go on.
	Nested Nesting = iota
	// Join makes the block part of the block around it. It costs no round trip. When the block fails, the block around
	// it is broken too, even if that swallows the error.
	Join
	// Outermost refuses to run inside another block, of this DB or any other, with [ErrNested]. It is for work that
	// must be committed once when Do returns, because what follows cannot be undone. Around it there must be nothing
	// that could undo it, or run it again after a conflict of its own. Other libraries call it "durable" or "begin".
	Outermost
	// Required refuses to run outside another block, with [ErrRequired], and otherwise joins that block as [Join]
	// does. It is for work that is right only as a part of something.
	Required
	// Savepoint refuses to run outside another block, with [ErrRequired], and otherwise is a savepoint as [Nested] is.
	Savepoint
)

// Options are the choices of one [Do]. The zero value is the usual case. Isolation, ReadOnly and Retry belong to
// the outermost block. A nested block may repeat Isolation and ReadOnly but not change them; its Retry is not used.
type Options struct {
	// Name tells blocks apart in errors, in [OpenOptions.Retried] and in an [Observer].
	Name string

	// Nesting is what happens inside an open database transaction. Default: [Nested].
	Nesting Nesting

	// Isolation is the isolation level. Default: the engine's own, or what the dialect recommends.
	Isolation sql.IsolationLevel

	// ReadOnly makes the engine refuse writes.
	ReadOnly bool

	// Retry bounds the attempts after conflicts.
	Retry Budget

	// RetryStale makes the outermost block begin again after [ErrStale], as after a conflict. That helps only if fn
	// itself reads what it swaps. Otherwise each attempt is stale again.
	RetryStale bool

	// replayable means that a second run of the block does no harm, so it may stand in a block of another DB.
	replayable bool
}

// A Budget bounds how often and how long a block is attempted. A field of zero or less means its default.
type Budget struct {
	// Attempts is how often fn may run, the first time included. 1 means that nothing is retried. Default: 20.
	Attempts int

	// Lost is how many of the attempts may fail because the database is away: the connection was lost, there was none,
	// or the server takes no writes. Default: all. It is for a budget whose many attempts are meant for conflicts, which
	// pass, while a database that is away stays away for some time.
	Lost int

	// Time is how long after the start of Do another attempt may begin. It does not interrupt a running attempt; a
	// deadline of the context does. Default: one minute, in which an engine that ends a wait for a lock after 50
	// seconds may be asked once more.
	Time time.Duration
}

// Do runs fn in a database transaction of db. If fn returns nil, Do commits and returns nil. Otherwise Do rolls
// back and returns fn's error, unchanged. If the rollback fails too, Do returns both errors joined.
//
// fn MAY RUN MORE THAN ONCE. Do retries when fn's error is or wraps a conflict ([KindRetry]), or when COMMIT is
// answered with one. It then rolls everything back and runs fn again with a new Tx and without the hooks of the
// earlier attempt. So fn must not change anything outside the database that a second run would change again. Such
// things belong into [Tx.OnCommit]. Wrap errors with %w, or Do cannot see the conflict.
//
// The context given to fn carries the Tx. Use it for statements and for inner blocks. A Do inside fn with that
// context follows [Options.Nesting]. Only the outermost Do retries, because a conflict undoes everything. fn uses
// tx from one goroutine at a time.
//
// If the end of ctx makes Do fail before COMMIT, wherever it was met, Do rolls back and returns an error that matches
// ctx.Err() and its cause. COMMIT itself does not end with ctx.
//
// Errors: [ErrBroken], [ErrOutcomeUnknown], [ErrBudget], [ErrNested], [ErrRequired], [ErrMode], [ErrNoConnection],
// [*HookError] (committed), or what fn or the driver returned. o may be nil. Do is safe for concurrent use. It
// panics if db or fn is nil.
func Do(ctx context.Context, db *DB, fn func(ctx context.Context, tx *Tx) error, o *Options) error {
	need(db != nil, "Do", "the *DB")
	need(fn != nil, "Do", "the function")
	if o == nil {
		o = &Options{}
	}
	if db.tracer != nil {
		return db.traced(ctx, fn, o)
	}
	return db.do(ctx, fn, o)
}

func (db *DB) do(ctx context.Context, fn func(ctx context.Context, tx *Tx) error, o *Options) error {
	if outer, ok := From(ctx, db); ok {
		if outer.outside() {
			return outer.rehearse(ctx, fn, o)
		}
		return outer.s.nest(ctx, fn, o)
	}
	if o.Nesting == Outermost && !o.replayable && InTransaction(ctx) {
		return fmt.Errorf("%w, of another DB%s", ErrNested, o.suffix())
	}
	if o.Nesting == Required || o.Nesting == Savepoint {
		return fmt.Errorf("%s%w", o.label(), ErrRequired)
	}
	if err := contextError(ctx); err != nil {
		return fmt.Errorf("atomic: %snot begun: %w", o.label(), err)
	}
	r := newRetrier(db, o)
	for {
		hooks, err := db.attempt(ctx, fn, o, r)
		if err == nil {
			return db.afterCommit(ctx, hooks, o)
		}
		code, ok := db.conflict(err, o)
		if isContextError(err) && ctx.Err() != nil {
			return r.ended(err)
		}
		if !ok {
			return err
		}
		if err := r.wait(ctx, code, err); err != nil {
			return err
		}
	}
}

// suffix is the name of the block for the end of an error.
func (o *Options) suffix() string {
	if o.Name == "" {
		return ""
	}
	return fmt.Sprintf(" (block %q)", o.Name)
}

// label is the name of the block for the beginning of an error.
func (o *Options) label() string {
	if o.Name == "" {
		return ""
	}
	return fmt.Sprintf("%q: ", o.Name)
}

// attempt runs fn once in a database transaction of its own and returns the hooks to run after the commit.
func (db *DB) attempt(
	ctx context.Context, fn func(context.Context, *Tx) error, o *Options, r *retrier,
) (hooks []hook, err error) {
	s, err := db.begin(ctx, o, r)
	if err != nil {
		return nil, err
	}
	tx := &Tx{s: s, of: r.run()}
	s.current = tx
	// There is no recover: a panic or Goexit runs the deferred call and then travels on with its own stack.
	defer func() { err = s.end(ctx, tx, err) }()
	inner := &blockContext{Context: ctx, tx: tx}
	if err := tx.run(inner, fn, o); err != nil {
		return nil, s.lost(s.told(ctx, err))
	}
	if err := s.beforeCommit(inner); err != nil {
		return nil, s.lost(s.told(ctx, err))
	}
	if err := s.commit(ctx, tx, r); err != nil {
		return nil, s.lost(s.told(ctx, err))
	}
	return s.onCommit, nil
}

// nest runs fn as a block inside the innermost open block of s. ctx may be the context of any block of s.
func (s *session) nest(ctx context.Context, fn func(context.Context, *Tx) error, o *Options) (err error) {
	if err := s.admits(o); err != nil {
		return fmt.Errorf("%w%s", err, s.names(o))
	}
	tx, err := s.open(ctx, o.Nesting == Join || o.Nesting == Required)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			err = s.undo(ctx, tx, err)
		}
	}()
	if err := tx.run(&blockContext{Context: ctx, tx: tx}, fn, o); err != nil {
		return s.told(ctx, err)
	}
	if err := s.close(ctx, tx); err != nil {
		return s.told(ctx, err)
	}
	done = true
	return nil
}

// admits checks whether the database transaction is what a nested block asks for.
func (s *session) admits(o *Options) error {
	if o.Nesting == Outermost {
		return ErrNested
	}
	if o.Isolation != sql.LevelDefault && o.Isolation != s.mode.Isolation || o.ReadOnly && !s.mode.ReadOnly {
		return ErrMode
	}
	return nil
}

// names says which block stands in which, for the end of an error.
func (s *session) names(o *Options) string {
	if o.Name == "" && s.name == "" {
		return ""
	}
	return fmt.Sprintf(" (block %q in %q)", o.Name, s.name)
}

// final reports whether err forbids another attempt, whatever conflict it wraps.
func final(err error) bool {
	return errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrBudget) || isHookError(err)
}
