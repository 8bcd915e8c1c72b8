package atomic

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// Rows left open would keep COMMIT from working on some engines, and would keep the connection from going back for
// ever, because sql.Conn waits for them. So the session remembers what it has handed out.

// keep remembers rows to be closed with the innermost open block. It refuses them if everything ended while the
// statement ran in another goroutine.
func (s *session) keep(rows *sql.Rows) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		_ = rows.Close() // Nobody will see them.
		return ErrEnded
	}
	if len(s.rows) == cap(s.rows) {
		s.prune()
	}
	s.rows = append(s.rows, openRows{rows, s.current.depth})
	s.blind = s.db.traits.SilentRollback
	return nil
}

// keepRow notes that a row was handed out. rowContext sees to its end where rows may stay open, settleRow elsewhere.
func (s *session) keepRow(row *sql.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = s.db.traits.SilentRollback
	if s.db.traits.RowsBlock && row.Err() == nil {
		s.row = row
	}
}

// settleRow closes the last single row if nobody has read it, and reports whether that was so. Scanning it into nothing
// is how: a row that has been read has none left, but repeats the error that its reader saw, which is judged here.
func (s *session) settleRow(ctx context.Context) (unread bool) {
	s.mu.Lock()
	row, over := s.row, s.over
	s.row = nil
	s.mu.Unlock()
	if row == nil {
		return false
	}
	err := row.Scan()
	if err == nil || errors.Is(err, sql.ErrNoRows) || isContextError(err) || over {
		return false
	}
	s.judge(ctx, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damage == DamageNone && s.db.dialect.Classify(err).Kind == KindOther
}

// keepStmt remembers a statement to be closed with the session, or refuses it as keep does.
func (s *session) keepStmt(stmt *sql.Stmt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		_ = stmt.Close() // Nobody will use it.
		return ErrEnded
	}
	s.stmts = append(s.stmts, stmt)
	s.blind = s.db.traits.SilentRollback
	return nil
}

// rowContext returns a context for a single row that ends with the session: a *sql.Row that is never scanned cannot
// be closed otherwise. The usual case, many rows on the block's own context, shares one. Where rows block the
// connection there is only one at a time, and cancelling would make some drivers close the connection.
func (s *session) rowContext(ctx context.Context) context.Context {
	if s.db.traits.RowsBlock {
		return ctx
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	block, ok := ctx.(*blockContext)
	if ok && block == s.rowParent {
		return s.rowCtx
	}
	rowCtx, cancel := context.WithCancel(ctx)
	if s.over {
		cancel()
	}
	s.cancels = append(s.cancels, cancel)
	if ok {
		s.rowParent, s.rowCtx = block, rowCtx
	}
	return rowCtx
}

// prune forgets rows that their reader has closed. The caller holds s.mu.
func (s *session) prune() {
	kept := s.rows[:0]
	for _, rows := range s.rows {
		if _, err := rows.Columns(); err == nil { // database/sql's only way to ask whether rows are open.
			kept = append(kept, rows)
		}
	}
	clear(s.rows[len(kept):])
	s.rows = kept
}

// witness judges the errors that rows have met since they were handed out, which only their reader has seen. Errors
// without a number are left to the engine's own word. It is called by whoever has the session to itself.
func (s *session) witness(ctx context.Context) error {
	open := s.settleRow(ctx)
	s.mu.Lock()
	var errs []error
	s.rows = slices.DeleteFunc(s.rows, func(rows openRows) bool {
		if err := rows.Err(); err != nil {
			errs = append(errs, err)
			return true
		}
		if s.db.traits.RowsBlock && !open {
			_, err := rows.Columns()
			open = err == nil
		}
		return false
	})
	s.mu.Unlock()
	for _, err := range errs {
		if s.db.dialect.Classify(err).Kind != KindOther {
			s.judge(ctx, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage != DamageNone {
		return fmt.Errorf("%w: %w", ErrBroken, s.cause)
	}
	if open {
		return ErrRowsOpen
	}
	return nil
}

// closeRows closes the rows of blocks at depth or deeper.
func (s *session) closeRows(depth int) {
	s.mu.Lock()
	rows := slices.Clone(s.rows)
	s.mu.Unlock()
	for _, r := range rows {
		if r.depth >= depth {
			_ = r.Close() // Reading is over; an error that matters comes back from the statement that ends the block.
		}
	}
}

// closeAll closes whatever the session has handed out.
func (s *session) closeAll(ctx context.Context) {
	s.closeRows(0)
	s.settleRow(ctx)
	s.mu.Lock()
	stmts, cancels := s.stmts, s.cancels
	s.stmts, s.cancels, s.rows = nil, nil, nil
	s.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
	for _, stmt := range stmts {
		_ = stmt.Close() // The statement has done its work.
	}
}
