package atomic

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar/atomic/internal/native"
)

// A session is one database transaction on one connection, from BEGIN to the return of the connection.
//
// The statements of all its blocks pass through enter and leave. These let one statement pass at a time and judge
// its error: has the engine kept the database transaction, broken the innermost savepoint, or ended everything?
// Once something is broken, every further statement is refused with the first cause. So no later statement runs
// outside the database transaction, and a swallowed error is still known at the end.
type session struct {
	db   *DB
	name string
	mode Mode
	conn Conn
	// owned is conn as a connection of the session's own, which it commits on and gives back. It is nil if conn was
	// adopted.
	owned   *sql.Conn
	restore string
	outcome outcome
	// suspect means that the connection must not be used again.
	suspect bool
	// turn means that the session has the turn to write of its DB.
	turn bool
	// started is when the session began, for an observer.
	started time.Time

	mu sync.Mutex // guards what follows

	// current is the innermost open block. Blocks end in the reverse order of their beginning.
	current    *Tx
	savepoints int
	busy       bool
	over       bool

	// damage is never DamageUnsure once a statement has been judged. cause is the error that did the damage.
	damage Damage
	cause  error
	// gone means that the connection ended before COMMIT was sent, with cause.
	gone bool
	// past means that a statement that the session did not see has ended the database transaction.
	past bool
	// cut means that the end of its context has cut a statement short.
	cut bool
	// locked means that the driver has panicked in a query, and that database/sql keeps the connection locked.
	locked bool

	// blind means that only a reader of rows may have seen an error.
	blind     bool
	rows      []openRows
	row       *sql.Row // the last single row, where it must be read before the next statement
	stmts     []*sql.Stmt
	rowParent *blockContext
	rowCtx    context.Context
	cancels   []context.CancelFunc

	before     []func(context.Context) error
	onCommit   []hook
	onRollback []func()
}

type outcome uint8

const (
	outcomeNone outcome = iota
	outcomeCommitted
	outcomeUnknown
)

type openRows struct {
	native.Cursor
	depth int
}

// errSilent is the cause when the engine rolled back and only a reader of rows has seen the error.
var errSilent = errors.New("the engine rolled back while rows were read or a prepared statement ran, see that error")

// begin takes a connection and begins a database transaction on it.
func (db *DB) begin(ctx context.Context, o *Options, r *retrier) (*session, error) {
	need(db.pool != nil, "Do", "the pool of the *DB")
	turn := db.turn != nil && !o.ReadOnly
	if turn {
		if err := db.takeTurn(ctx, r); err != nil {
			return nil, err
		}
	}
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		if turn {
			db.turn <- struct{}{}
		}
		if ctx.Err() == nil && isContextError(err) {
			err = errors.New(err.Error()) // a limit of the driver's own, which looks like the end of ctx
		}
		err = caused(ctx, fmt.Errorf("%w: %s%w", ErrNoConnection, o.label(), err))
		if db.isLost(err) {
			return nil, &lostError{err, db.codeOf(err)}
		}
		return nil, err
	}
	s := &session{
		db: db, name: o.Name, mode: Mode{Isolation: o.Isolation, ReadOnly: o.ReadOnly},
		conn: conn, owned: conn, turn: turn, damage: DamageNone,
	}
	s.restore, err = db.dialect.Begin(ctx, conn, s.mode)
	if err == nil {
		s.noteBegan(ctx)
		return s, nil
	}
	// BEGIN may have taken effect although the driver reports the end of ctx. So the connection is always cleaned.
	if db.isLost(err) || errors.Is(err, ErrLeftOpen) {
		s.damage, s.cause, s.suspect, s.gone = DamageAll, err, true, true
	}
	_ = s.rollback(ctx) // A connection that it could not clean is suspect now. The caller needs err.
	s.release(ctx)
	return nil, s.lost(caused(ctx, fmt.Errorf("atomic: %sbegin: %w", o.label(), err)))
}

// takeTurn waits until no other block of db is writing. It holds no connection meanwhile. The budget bounds the
// wait, because a block may be waiting for itself: when a Do inside another one gets a context that does not carry
// it.
func (db *DB) takeTurn(ctx context.Context, r *retrier) error {
	select {
	case <-db.turn:
		return nil
	default:
	}
	left := r.budget.Time - db.clock.Now().Sub(r.start)
	bounded, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	select {
	case <-db.turn:
		return nil
	case <-bounded.Done():
		if err := contextError(ctx); err != nil {
			return fmt.Errorf("atomic: %snot begun: %w", r.o.label(), err)
		}
		return fmt.Errorf("%s%w: another block of this program has been writing for %v", r.o.label(), ErrBudget, left)
	}
}

// enter admits one statement of block t, or returns an error that says why not.
func (t *Tx) enter(ctx context.Context) error {
	s := t.s
	s.mu.Lock()
	if err := s.refusal(t); err != nil {
		s.mu.Unlock()
		return err
	}
	s.busy = true
	blind, held := s.blind, len(s.rows) > 0 || s.row != nil
	s.mu.Unlock()
	if held {
		if err := s.judgeRows(ctx); err != nil {
			s.leave(ctx, nil)
			return err
		}
	}
	if !blind {
		return nil
	}
	if err := s.look(ctx); err != nil {
		s.leave(ctx, nil)
		return err
	}
	return nil
}

// refusal says why block t may not run a statement now. It is nil if it may. The caller holds s.mu.
func (s *session) refusal(t *Tx) error {
	switch {
	case s.over || t.ended.Load():
		return ErrEnded
	case s.damage != DamageNone:
		return fmt.Errorf("%w: %w", ErrBroken, s.cause)
	case s.busy:
		return ErrConcurrent
	}
	return nil
}

// look asks the engine whether the database transaction is still open, when an error may have gone unseen.
func (s *session) look(ctx context.Context) error {
	state, gone, err := s.ask(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune()
	s.blind = len(s.stmts) > 0 || len(s.rows) > 0
	if err == nil && state == StateOpen {
		return nil
	}
	damage := DamageAll
	if err == nil {
		err = errSilent
		if state == StateFailed {
			damage = DamageBlock
		}
	} else {
		s.suspect, s.gone = true, gone
	}
	s.damage, s.cause = damage, err
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// leave ends what enter admitted, and judges its error.
func (s *session) leave(ctx context.Context, err error) {
	if err != nil {
		s.judge(ctx, err)
	}
	s.mu.Lock()
	s.busy = false
	s.mu.Unlock()
}

// judge notes what the error of a statement has done to the database transaction.
func (s *session) judge(ctx context.Context, err error) {
	class := s.db.dialect.Classify(err)
	damage := class.Damage
	suspect, gone := false, false
	// Any driver may report the end of ctx as the end of the connection, and some as an error of the engine.
	cut := ctx.Err() != nil && (class.Kind == KindOther || class.Kind == KindLost || errors.Is(err, driver.ErrBadConn))
	switch {
	case class.Kind == KindLost || errors.Is(err, driver.ErrBadConn) || class.Kind == KindReadOnly && !s.mode.ReadOnly:
		damage, suspect, gone = DamageAll, true, true
	case errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone):
		damage, suspect = DamageAll, true
	case damage == DamageUnsure:
		damage, suspect, gone = s.survey(ctx)
	}
	if damage == DamageNone && class.Kind != KindOther {
		// Every engine is treated like the strictest one. Otherwise code that swallows an error and goes on would work
		// on one engine and fail on another, and work with an unseen error in it would be committed.
		damage = DamageBlock
	}
	if isContextError(err) {
		// The statement may have taken effect although the driver reports the end of its context.
		damage = max(damage, DamageBlock)
	}
	s.mu.Lock()
	s.gone = s.gone || gone && !cut && damage > s.damage
	s.cut = s.cut || cut
	s.past = s.past || damage == DamageAll && errors.Is(err, native.ErrPast)
	s.mu.Unlock()
	s.harm(damage, err, suspect)
}

// ask asks for the state, and whether the connection is gone if there is no answer. With some drivers the first
// error after the end of a connection does not say so. Then the second one decides.
func (s *session) ask(ctx context.Context) (state State, gone bool, err error) {
	if state, err = s.state(ctx); err == nil {
		return state, false, nil
	}
	if s.db.isLost(err) {
		return state, true, err
	}
	_, again := s.state(ctx)
	return state, again != nil && s.db.isLost(again), err
}

// survey finds out the damage of an error that does not say.
func (s *session) survey(ctx context.Context) (damage Damage, suspect, gone bool) {
	state, gone, err := s.ask(ctx)
	switch {
	case err != nil:
		return DamageAll, true, gone
	case state == StateNone:
		return DamageAll, false, false
	case state == StateFailed:
		return DamageBlock, false, false
	}
	return DamageNone, false, false
}

// harm records damage if it is worse than the damage so far.
func (s *session) harm(damage Damage, cause error, suspect bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspect = s.suspect || suspect
	if damage > s.damage {
		s.damage, s.cause = damage, cause
	}
}

// state asks the engine, even if ctx is done.
func (s *session) state(ctx context.Context) (State, error) {
	ctx, cancel := s.db.detached(ctx)
	defer cancel()
	return s.db.dialect.State(ctx, s.conn)
}

// exec runs one of the session's own statements, even if ctx is done.
func (s *session) exec(ctx context.Context, query string) error {
	ctx, cancel := s.db.detached(ctx)
	defer cancel()
	_, err := s.conn.ExecContext(ctx, query)
	return err
}

// codeOf is the code that counts an error of a lost connection.
func (db *DB) codeOf(err error) string {
	if errors.Is(err, ErrLeftOpen) {
		return "left_open"
	}
	return cmp.Or(db.dialect.Classify(err).Code, "bad_conn")
}

// usable returns why block t may not be used now, or nil.
func (t *Tx) usable() error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.s.refusal(t)
}

// admit is enter for a statement of the caller: it refuses statements that control the database transaction.
func (t *Tx) admit(ctx context.Context, query string) error {
	if err := t.s.control(query); err != nil {
		return err
	}
	return t.begun(ctx)
}

// begun is enter for what the caller sends. It sends nothing if ctx is done.
func (t *Tx) begun(ctx context.Context) error {
	if err := t.enter(ctx); err != nil {
		return err
	}
	if err := contextError(ctx); err != nil {
		// Not sent, because some drivers would report it like a lost connection.
		t.s.harm(DamageBlock, err, false)
		t.s.leave(ctx, nil)
		return err
	}
	return nil
}

// lost marks err if the connection was lost before COMMIT was sent.
func (s *session) lost(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone && (errors.Is(err, s.cause) || s.db.isLost(err)) {
		return &lostError{err, s.db.codeOf(s.cause)}
	}
	return err
}
