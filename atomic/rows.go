package atomic

import (
	"context"
	"database/sql"
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

// keepRow notes that a row was handed out; rowContext sees to its end.
func (s *session) keepRow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = s.db.traits.SilentRollback
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
// be closed otherwise. The usual case, many rows on the block's own context, shares one.
func (s *session) rowContext(ctx context.Context) context.Context {
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
func (s *session) closeAll() {
	s.closeRows(0)
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
