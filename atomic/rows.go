package atomic

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/bursar-ledger/bursar/atomic/internal/native"
)

// On some engines COMMIT fails while rows are open. And sql.Conn waits for open rows, so the connection would never go
// back to the pool. So the session remembers the rows, rows of one and statements that it has handed out.

// keep remembers rows, to be closed with the innermost open block. It refuses them if the session ended while the
// statement ran in another goroutine.
func (s *session) keep(rows native.Cursor) error {
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

// keepRow notes that a single row was handed out. Where an engine allows open rows, rowContext ends the row;
// elsewhere settleRow does.
func (s *session) keepRow(row *sql.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = s.db.traits.SilentRollback
	if s.db.traits.RowsBlock && row.Err() == nil {
		s.row = row
	}
}

// settleRow closes the last single row, and reports whether the row was still unread. It scans the row into
// nothing. A row that has been read has no values left, but repeats the error that its reader saw; that error is
// judged here.
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

// keepStmt remembers a statement, to be closed with the session. It refuses the statement as keep refuses rows.
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

// rowContext returns the context for a single row. It ends with the session, because a *sql.Row that is never
// scanned cannot be closed in another way. Rows on the context of one block share one such context. Where open rows
// block the connection there is one row at a time and ctx is used as it is: some drivers would close the connection
// when it is cancelled.
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
		if rows.Open() {
			kept = append(kept, rows)
		}
	}
	clear(s.rows[len(kept):])
	s.rows = kept
}

// judgeRows judges the errors that handed-out rows have met, which only their reader has seen. It leaves out errors
// of database/sql without a number; the engine is asked about those where it matters. Nobody else may use the session
// during the call.
func (s *session) judgeRows(ctx context.Context) error {
	open := s.settleRow(ctx)
	s.mu.Lock()
	var errs []error
	s.rows = slices.DeleteFunc(s.rows, func(rows openRows) bool {
		if err := rows.Err(); err != nil {
			if _, ofSQL := rows.Cursor.(tableRows); !ofSQL || s.db.dialect.Classify(err).Kind != KindOther {
				errs = append(errs, err)
			}
			return true
		}
		open = open || s.db.traits.RowsBlock && rows.Open()
		return false
	})
	s.mu.Unlock()
	for _, err := range errs {
		s.judge(ctx, err)
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
			_ = r.Close() // If an error matters, the statement that ends the block fails too.
		}
	}
}

// closeAll closes everything that the session has handed out.
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
