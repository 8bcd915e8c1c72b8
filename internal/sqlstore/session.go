package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
)

// session is one open database transaction: what runs its statements, and on which engine. All parts of a tx share it.
type session struct {
	db      Executor
	dialect *Dialect
	sql     *Statements
	locking locking
	joined  bool       // the database transaction is the caller's
	posting bool       // and was joined to write in it
	block   *atomic.Tx // which package atomic began; nil where the caller began it otherwise
	private Private    // the connection, where nobody else is given it
	memory  *memory    // of what was read and written over that connection; nil where nothing is remembered
}

func newSession(d *Dialect, db Executor) *session {
	return &session{db: db, dialect: d, sql: &d.Statements}
}

func (s *session) pipeline(ctx context.Context) *pipeline {
	p := newPipeline(ctx, s.db)
	p.private = s.private
	return p
}

// query runs a statement by itself.
func (s *session) query(ctx context.Context, statement string, args []any, each func(scanner) error) error {
	return query(ctx, s.db, statement, args, each)
}

// lookUp adds a statement over many values, which has the same arguments before them each time.
func (s *session) lookUp(p *pipeline, m Many, before, values []any, each func(scanner) error) error {
	for len(values) > 0 {
		n := s.lookedUp(m, len(values))
		text, args := m.over(before, values[:n])
		if err := p.query(text, args, each); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// lookedUp is how many of the values that are left the next statement looks up. An array takes all of them, so that
// what the statement locks is locked in one order.
func (s *session) lookedUp(m Many, left int) int {
	if m.arrays {
		return left
	}
	return min(left, s.dialect.Limits.Values)
}

// find is lookUp by itself.
func (s *session) find(ctx context.Context, m Many, before, values []any, each func(scanner) error) error {
	p := s.pipeline(ctx)
	if err := s.lookUp(p, m, before, values, each); err != nil {
		return err
	}
	return p.flush()
}

// anys are values as arguments.
func anys[T any](values []T) []any {
	args := make([]any, len(values))
	for i, value := range values {
		args[i] = value
	}
	return args
}

// idArgs are ids as arguments.
func idArgs(ids []bursar.ID) []any {
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	return args
}

// fault says what the store was doing when the database failed. Errors get their codes at the store's edge. Inside a
// caller's database transaction this is the edge.
func (s *session) fault(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, atomic.ErrStale):
		return &bursar.Error{Code: bursar.CodeConflict, Message: doing, Err: err}
	case s.posting:
		return s.dialect.codedWrite(fmt.Errorf("%s: %w", doing, err))
	case s.joined:
		return s.dialect.coded(fmt.Errorf("%s: %w", doing, err))
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}
