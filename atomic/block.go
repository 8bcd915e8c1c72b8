package atomic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// errUnwound is the cause when a joined block ended in a panic or in runtime.Goexit.
var errUnwound = errors.New("a joined block did not return")

// open begins a block inside the innermost open one. The block is a savepoint, or needs no statement at all if it
// joins.
func (s *session) open(ctx context.Context, join bool) (*Tx, error) {
	if err := contextError(ctx); err != nil {
		return nil, fmt.Errorf("atomic: block not begun: %w", err)
	}
	s.mu.Lock()
	parent := s.current
	s.mu.Unlock()
	if err := parent.enter(ctx); err != nil {
		return nil, err
	}
	tx := &Tx{s: s, parent: parent, depth: parent.depth + 1, of: parent.of}
	var err error
	if !join {
		s.savepoints++
		tx.savepoint = "atomic_" + strconv.Itoa(s.savepoints)
		err = s.exec(ctx, "SAVEPOINT "+tx.savepoint)
	}
	if err == nil {
		s.mu.Lock()
		tx.beforeMark, tx.commitMark, tx.rollbackMark = len(s.before), len(s.onCommit), len(s.onRollback)
		s.current = tx
		s.mu.Unlock()
	}
	s.leave(ctx, err)
	if err != nil {
		return nil, fmt.Errorf("atomic: savepoint: %w", err)
	}
	return tx, nil
}

// finish checks that block t may end well. If so, the session stays busy until the caller calls leave.
func (s *session) finish(ctx context.Context, t *Tx) error {
	s.mu.Lock()
	if err := s.refusal(t); err != nil {
		s.mu.Unlock()
		return err
	}
	if s.current != t {
		s.mu.Unlock()
		return fmt.Errorf("%w: a block inside it is still open", ErrConcurrent)
	}
	s.busy = true
	held := len(s.rows) > 0 || s.row != nil
	s.mu.Unlock()
	if !held {
		return nil
	}
	s.closeRows(t.depth)
	s.settleRow(ctx) // Left unread, it is closed like other rows.
	if err := s.judgeRows(ctx); err != nil {
		s.leave(ctx, nil)
		return err
	}
	return nil
}

// close ends block t well. Its writes and hooks belong to the block around it from now on.
func (s *session) close(ctx context.Context, t *Tx) error {
	if err := s.finish(ctx, t); err != nil {
		return err
	}
	var err error
	if t.savepoint != "" {
		err = s.exec(ctx, "RELEASE SAVEPOINT "+t.savepoint)
	}
	s.leave(ctx, err)
	if err != nil {
		return fmt.Errorf("atomic: release savepoint: %w", err)
	}
	s.leaveBlock(t)
	return nil
}

// undo ends block t badly: it takes back its writes and drops its hooks. It returns err, joined with any error of
// its own.
func (s *session) undo(ctx context.Context, t *Tx, err error) error {
	s.undoHandles(ctx, t)
	s.mu.Lock()
	over, damage := s.over, s.damage
	disorder := s.current != t || s.busy
	s.busy = s.busy || !disorder
	s.mu.Unlock()
	switch {
	case over || damage == DamageAll:
	case disorder:
		s.harm(DamageAll, ErrConcurrent, false)
	case t.savepoint == "":
		cause := err
		if cause == nil {
			cause = errUnwound
		}
		s.harm(DamageBlock, cause, false)
	default:
		err = s.rollbackTo(ctx, t, err)
	}
	if !disorder {
		s.leave(ctx, nil)
	}
	s.leaveBlock(t)
	return err
}

// rollbackTo undoes the savepoint of block t. That also repairs what an error inside the block broke.
func (s *session) rollbackTo(ctx context.Context, t *Tx, err error) error {
	s.closeRows(t.depth)
	s.settleRow(ctx)
	undoErr := s.exec(ctx, "ROLLBACK TO SAVEPOINT "+t.savepoint)
	if undoErr == nil {
		undoErr = s.exec(ctx, "RELEASE SAVEPOINT "+t.savepoint)
	}
	if undoErr != nil {
		undoErr = fmt.Errorf("atomic: rollback to savepoint: %w", undoErr)
		s.harm(DamageAll, undoErr, false)
		if err == nil {
			return undoErr
		}
		return errors.Join(err, undoErr)
	}
	s.mu.Lock()
	s.damage, s.cause, s.cut = DamageNone, nil, false
	s.rows = slices.DeleteFunc(s.rows, func(r openRows) bool { return r.depth >= t.depth }) // With their errors.
	s.before, s.onCommit = s.before[:t.beforeMark], s.onCommit[:t.commitMark]
	hooks := s.onRollback[t.rollbackMark:]
	s.onRollback = s.onRollback[:t.rollbackMark:t.rollbackMark]
	s.mu.Unlock()
	t.ended.Store(true)
	runRollbackHooks(hooks)
	return err
}

func (s *session) leaveBlock(t *Tx) {
	t.ended.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == t {
		s.current = t.parent
	}
}
