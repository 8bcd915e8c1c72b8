package atomic

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// commit commits the outermost block t. If the outcome is unknown, commit notes that in s.outcome. After any other
// error nothing was committed, and end rolls back.
//
// An error of COMMIT says little by itself. If the engine numbers it as a refusal, nothing was committed. On
// SQLite, BUSY leaves the database transaction open, so COMMIT alone is tried again and fn need not run again. An
// I/O error or a lost connection says nothing: the commit may have reached the disk before the answer was lost.
func (s *session) commit(ctx context.Context, t *Tx, r *retrier) error {
	if err := contextError(ctx); err != nil {
		return fmt.Errorf("atomic: %snot committed: %w", r.o.label(), err)
	}
	if err := s.finish(ctx, t); err != nil {
		return err
	}
	s.closeAll(ctx)
	if s.blind && s.db.traits.EmptyCommit {
		if err := s.look(ctx); err != nil {
			return err
		}
	}
	for {
		err := s.commitOnce(ctx)
		if err == nil {
			s.outcome = outcomeCommitted
			return nil
		}
		class := s.db.dialect.Classify(err)
		open := false
		if class.Kind == KindOther || class.Kind == KindRetry {
			state, stateErr := s.state(ctx)
			open = stateErr == nil && state == StateOpen
		}
		switch {
		case class.Kind == KindRetry && open:
			if err := r.wait(ctx, class.Code, err); err != nil {
				return err
			}
		case class.Kind == KindDoubt, class.Kind == KindLost, class.Kind == KindOther && !open:
			s.outcome, s.suspect = outcomeUnknown, true
			return fmt.Errorf("%s%w: %w", r.o.label(), ErrOutcomeUnknown, err)
		default:
			return fmt.Errorf("atomic: %scommit: %w", r.o.label(), err)
		}
	}
}

func (s *session) commitOnce(ctx context.Context) error {
	ctx, cancel := s.db.detached(ctx)
	defer cancel()
	return s.db.dialect.Commit(ctx, s.owned)
}

// end rolls back unless commit has settled the outcome, and gives the connection back. It returns err, joined with
// any error of the rollback.
func (s *session) end(ctx context.Context, t *Tx, err error) error {
	s.mu.Lock()
	s.over = true
	past := s.past
	s.mu.Unlock()
	t.ended.Store(true)
	if past && s.outcome == outcomeNone {
		s.outcome, s.suspect = outcomeUnknown, true
		if err != nil && !errors.Is(err, ErrOutcomeUnknown) { // fn has swallowed what the statement after it was told.
			err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		}
	}
	if s.outcome == outcomeNone {
		s.closeAll(ctx)
		if rollbackErr := s.rollback(ctx); rollbackErr != nil && err != nil {
			err = errors.Join(err, fmt.Errorf("atomic: rollback: %w", rollbackErr))
		}
	}
	s.release(ctx)
	s.noteEnd(ctx, err)
	if s.outcome == outcomeNone {
		runRollbackHooks(s.onRollback)
	}
	return err
}

// rollback leaves the connection without a database transaction, or marks it as suspect. If ROLLBACK fails because
// the engine has rolled back already, that is no error.
func (s *session) rollback(ctx context.Context) error {
	if s.suspect {
		return nil // Closing the connection rolls back. Its answers could not be relied on.
	}
	ctx, cancel := s.db.detached(ctx)
	defer cancel()
	err := s.db.dialect.Rollback(ctx, s.owned)
	if err == nil {
		return nil
	}
	if state, stateErr := s.db.dialect.State(ctx, s.conn); stateErr == nil && state == StateNone {
		return nil
	}
	s.suspect = true
	return err
}

// release gives the connection back to the pool. It closes a suspect one.
func (s *session) release(ctx context.Context) {
	if s.restore != "" && !s.suspect && s.exec(ctx, s.restore) != nil {
		s.suspect = true
	}
	s.mu.Lock()
	locked := s.locked
	s.mu.Unlock()
	if locked {
		s.abandon()
		return
	}
	if s.suspect {
		// ErrBadConn makes database/sql close the connection instead of keeping it.
		_ = s.owned.Raw(func(conn any) error {
			if s.db.discard != nil {
				s.db.discard(conn)
			}
			return driver.ErrBadConn
		})
	}
	_ = s.owned.Close() // An error would mean that the connection is closed already.
	if s.turn {
		s.db.turn <- struct{}{}
	}
}

// abandon closes a connection that database/sql keeps locked after a panic of the driver. It cannot go back to the
// pool, which counts it for ever.
func (s *session) abandon() {
	_ = s.owned.Raw(func(conn any) error {
		if conn, ok := conn.(driver.Conn); ok {
			_ = conn.Close() // The engine rolls back what was open.
		}
		return nil
	})
	if s.turn {
		s.db.turn <- struct{}{}
	}
}
