package atomic

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic/internal/native"
)

// Native is the seam for packages of this module that give a Tx the shape of their driver's own transactions, such
// as pgxatomic. Applications use those packages, or [Tx.Raw].
//
// Errors: [ErrEnded], and [ErrUnsupported] for an adopted database transaction.
func (t *Tx) Native(native.Key) (native.Session[*Tx], error) {
	if t.s.owned == nil {
		return nil, errNotLent
	}
	if err := t.usable(); errors.Is(err, ErrEnded) {
		return nil, err
	}
	n := &nativeBlock{t: t}
	err := t.s.owned.Raw(func(conn any) error {
		n.conn = conn
		return nil
	})
	if err != nil { // database/sql has closed the connection after a loss.
		return nil, errors.Join(t.usable(), err)
	}
	return n, nil
}

// errNotLent refuses the connection of an adopted database transaction.
var errNotLent = fmt.Errorf("%w: the connection of an adopted database transaction is its owner's", ErrUnsupported)

// A nativeBlock is block t for its driver's package.
type nativeBlock struct {
	t    *Tx
	conn any
}

// Conn is the driver's connection. database/sql leaves it alone while the session has it and runs no statement.
func (n *nativeBlock) Conn() any { return n.conn }

// Control is what every statement of a Tx is held to.
func (n *nativeBlock) Control(query string) error { return n.t.s.control(query) }

// Run runs one statement.
func (n *nativeBlock) Run(ctx context.Context, fn func() (native.Cursor, error)) error {
	s := n.t.s
	if err := n.t.begun(ctx); err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned { // fn has panicked, perhaps in the middle of a message.
			s.harm(DamageAll, errPanicked, true)
			s.leave(ctx, nil)
		}
	}()
	cursor, err := fn()
	returned = true
	if err != nil || cursor == nil {
		s.leave(ctx, err)
		return err
	}
	err = s.keep(cursor) // Before leave: after it the block may end.
	s.leave(ctx, nil)
	return err
}

// Settle judges the errors of cursors, unless a statement is being admitted. That one judges them itself.
func (n *nativeBlock) Settle(ctx context.Context) {
	s := n.t.s
	s.mu.Lock()
	if s.busy || s.over {
		s.mu.Unlock()
		return
	}
	s.busy = true
	s.mu.Unlock()
	_ = s.judgeRows(ctx) // What is broken now is told to the next statement.
	s.mu.Lock()
	s.prune()
	s.mu.Unlock()
	s.leave(ctx, nil)
}

// Begin opens a savepoint inside the innermost open block.
func (n *nativeBlock) Begin(ctx context.Context) (*Tx, error) {
	if err := n.t.usable(); err != nil {
		return nil, err
	}
	s := n.t.s
	tx, err := s.open(ctx, false)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tx.handle = true
	return tx, nil
}

// Commit releases the savepoint, or undoes it where nest would.
func (n *nativeBlock) Commit(ctx context.Context) error {
	if err := n.endable("return nil from the function instead"); err != nil {
		return err
	}
	if err := n.t.s.close(ctx, n.t); err != nil {
		return n.t.s.undo(ctx, n.t, err)
	}
	return nil
}

// Rollback undoes the savepoint. It returns [ErrBroken] where an error has ended everything around it.
func (n *nativeBlock) Rollback(ctx context.Context) error {
	if err := n.endable("return an error from the function instead"); err != nil {
		return err
	}
	s := n.t.s
	if err := s.undo(ctx, n.t, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage == DamageAll {
		return fmt.Errorf("%w: %w", ErrBroken, s.cause)
	}
	return nil
}

// endable returns why the caller may not end block t, or nil.
func (n *nativeBlock) endable(advice string) error {
	s := n.t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over || n.t.ended.Load():
		return ErrEnded
	case !n.t.handle:
		return fmt.Errorf("%w: %s", ErrControl, advice)
	}
	return nil
}

// undoHandles undoes savepoints of Begin that were left open inside block t.
func (s *session) undoHandles(ctx context.Context, t *Tx) {
	for {
		s.mu.Lock()
		left := s.current
		idle := left != t && left.handle && left.depth > t.depth && !s.busy && !s.over
		s.mu.Unlock()
		if !idle {
			return
		}
		_ = s.undo(ctx, left, nil) // What could not be undone has broken everything, and t finds that.
	}
}

// tableRows are rows of database/sql as a cursor.
type tableRows struct{ *sql.Rows }

// Open asks for the columns, because database/sql has no other way to ask whether rows are open.
func (r tableRows) Open() bool {
	_, err := r.Columns()
	return err == nil
}
