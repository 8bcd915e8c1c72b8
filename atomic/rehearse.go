package atomic

import (
	"context"
	"errors"
	"fmt"
)

// A recorded block that counts as outside makes of each block directly inside a rehearsal: a savepoint that does what
// a database transaction of its own would do, but for the COMMIT.

// outside reports whether block t counts as outside of any block, for itself or for a block inside it.
func (t *Tx) outside() bool {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for b := t.s.current; b != nil && b.depth >= t.depth; b = b.parent {
		if b.recorder != nil && b.recorder.options.Outside {
			return true
		}
	}
	return false
}

// rehearse runs fn inside t, which counts as outside, as Do would run it outside.
func (t *Tx) rehearse(ctx context.Context, fn func(context.Context, *Tx) error, o *Options) error {
	if o.Nesting == Required || o.Nesting == Savepoint {
		return fmt.Errorf("%s%w", o.label(), ErrRequired)
	}
	db := t.s.db
	r := newRetrier(db, o)
	whole := func(ctx context.Context, tx *Tx) error {
		tx.of = r.run()
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return tx.settle(ctx)
	}
	for {
		err := t.s.nest(ctx, whole, &Options{Name: o.Name})
		if err == nil {
			return nil
		}
		code, ok := db.conflict(err, o)
		if !ok || t.usable() != nil || isContextError(err) && ctx.Err() != nil {
			return err
		}
		if err := r.wait(ctx, code, err); err != nil {
			return err
		}
	}
}

// settle does in block t what COMMIT would do: it runs the hooks before the commit that were registered since t began,
// and checks deferred constraints.
func (t *Tx) settle(ctx context.Context) error {
	s := t.s
	for {
		s.mu.Lock()
		if len(s.before) <= t.beforeMark {
			s.mu.Unlock()
			break
		}
		run := s.before[t.beforeMark]
		s.before = append(s.before[:t.beforeMark:t.beforeMark], s.before[t.beforeMark+1:]...)
		s.mu.Unlock()
		if err := run(ctx); err != nil {
			return err
		}
	}
	return t.checkDeferred(ctx)
}

// errChecked undoes the savepoint of a check.
var errChecked = errors.New("checked")

// checkDeferred checks in a savepoint, because the check may leave constraints undeferred.
func (t *Tx) checkDeferred(ctx context.Context) error {
	var found error
	err := t.Savepoint(ctx, func(ctx context.Context, inner *Tx) error {
		if found = t.s.db.dialect.CheckDeferred(ctx, inner); found != nil {
			return found
		}
		return errChecked
	})
	if found != nil {
		return fmt.Errorf("atomic: refused by COMMIT: %w", found)
	}
	if err == errChecked {
		return nil
	}
	return err
}

// run runs the function of block t. If t is recorded, its recorder then reports.
func (t *Tx) run(ctx context.Context, fn func(context.Context, *Tx) error, o *Options) error {
	err := fn(ctx, t)
	t.s.mu.Lock()
	r := t.recorder
	t.s.mu.Unlock()
	if r == nil || r.options.Report == nil {
		return err
	}
	if err == nil {
		if unrun := r.unrun(); unrun != nil {
			r.options.Report(unrun)
		}
		return nil
	}
	if _, again := t.s.db.conflict(err, o); again {
		return err
	}
	if found := r.Check(context.WithoutCancel(ctx)); found != nil {
		r.options.Report(found)
	}
	return err
}
