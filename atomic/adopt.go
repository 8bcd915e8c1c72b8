package atomic

import (
	"context"
	"database/sql"
	"fmt"
)

// AdoptOptions are the choices of [Adopt]. The zero value is ready for use.
type AdoptOptions struct {
	// DB, if not nil, is the handle for which a Do with [Adopted.Context] finds the database transaction. Its dialect is used.
	DB *DB

	// Name tells the database transaction apart in errors.
	Name string

	// Mode is how the application began the database transaction, as far as it matters to blocks inside.
	Mode Mode
}

// An Adopted is a database transaction that the application began and will end itself. It is for one goroutine at a time.
type Adopted struct {
	s     *session
	tx    *Tx
	ready bool
}

// Adopt takes part in a database transaction that the application has begun on conn: a *sql.Tx, which includes those of pgx through
// its package stdlib, or a *sql.Conn after a BEGIN. Code written for a [Tx] then works in it: savepoints, nested blocks, hooks, locks. d is
// the engine; o may be nil.
//
// The application keeps the commit, and with it some promises are its own:
//
//   - Before it commits it calls [Adopted.Ready] and gives up if that fails. An error that was swallowed inside is found there and nowhere else.
//   - After COMMIT it calls [Adopted.Committed], after a rollback [Adopted.RolledBack]: no hook runs otherwise.
//   - Nothing is retried. A conflict is returned as it is, and the application begins again from its own beginning.
//   - A COMMIT whose answer is lost, or that the engine turns into a ROLLBACK, is for the application to find out: pgx reports the latter, others do not.
//   - Statements that it runs past the Tx are not seen: their errors neither break it nor count as its first cause.
//   - A connection in doubt is not closed.
//
// Adopt asks the engine, and returns an error that wraps [ErrRequired] if no database transaction is open on conn, [ErrBroken] if it has
// failed already, and [ErrUnsupported] for a *sql.DB, whose statements need not share a connection.
func Adopt(ctx context.Context, conn Conn, d Dialect, o *AdoptOptions) (*Adopted, error) {
	if o == nil {
		o = &AdoptOptions{}
	}
	if _, pool := conn.(*sql.DB); pool {
		return nil, fmt.Errorf("%w: a *sql.DB is not a database transaction, begin one and adopt the *sql.Tx", ErrUnsupported)
	}
	if _, own := conn.(*Tx); own {
		return nil, fmt.Errorf("%w: a Tx needs no adoption, use it as it is", ErrUnsupported)
	}
	db := o.DB
	if db == nil {
		db = Open(nil, d, nil)
	}
	s := &session{db: db, name: o.Name, mode: o.Mode, conn: conn, damage: DamageNone}
	state, err := s.state(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("atomic: adopt: %w", err)
	case state == StateNone:
		return nil, fmt.Errorf("atomic: adopt a %T: %w", conn, ErrRequired)
	case state == StateFailed:
		return nil, fmt.Errorf("atomic: adopt a %T: %w", conn, ErrBroken)
	}
	tx := &Tx{s: s}
	s.current = tx
	return &Adopted{s: s, tx: tx}, nil
}

// Tx is the outermost block of the database transaction. It ends with [Adopted.Ready], Committed or RolledBack.
func (a *Adopted) Tx() *Tx { return a.tx }

// Context is ctx with the database transaction in it, for a [Do] with the handle in [AdoptOptions.DB] and for [From].
func (a *Adopted) Context(ctx context.Context) context.Context {
	return &blockContext{Context: ctx, tx: a.tx}
}

// Ready says whether the application may commit. It runs the functions given to [Tx.BeforeCommit], closes rows that were
// left open and ends the Tx. After an error the application rolls back: [ErrBroken] if an earlier error was swallowed,
// [ErrConcurrent] if a block is still open, or what a function returned.
func (a *Adopted) Ready(ctx context.Context) error {
	if err := a.s.beforeCommit(a.Context(ctx)); err != nil {
		return err
	}
	if err := a.s.finish(ctx, a.tx); err != nil {
		return err
	}
	a.s.closeAll(ctx)
	if err := a.alive(ctx); err != nil {
		return err
	}
	a.end()
	a.ready = true
	return nil
}

// alive asks the engine, because the application may have met errors past the Tx.
func (a *Adopted) alive(ctx context.Context) error {
	state, err := a.s.state(ctx)
	a.s.leave(ctx, nil)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	case state != StateOpen:
		return fmt.Errorf("%w: %w", ErrBroken, errSilent)
	}
	return nil
}

func (a *Adopted) end() {
	a.s.mu.Lock()
	a.s.over = true
	a.s.mu.Unlock()
	a.tx.ended.Store(true)
}

// Committed says that the application has committed, and runs the functions given to [Tx.OnCommit]. It returns a [*HookError] if some of
// them failed. It panics without a successful [Adopted.Ready], which the commit has skipped. Only the first call of Committed or
// RolledBack has an effect.
func (a *Adopted) Committed(ctx context.Context) error {
	if !a.ready {
		panic("atomic: Committed without a successful Ready")
	}
	hooks := a.s.onCommit
	a.s.onCommit, a.s.onRollback = nil, nil
	return commitHooks(ctx, hooks)
}

// RolledBack says that the application has rolled back, ends the Tx and runs the functions given to [Tx.OnRollback], the last first.
// Only the first call of Committed or RolledBack has an effect. Call neither if the outcome is unknown.
func (a *Adopted) RolledBack() {
	a.end()
	a.s.closeAll(context.Background()) // Nothing more is asked of the engine.
	hooks := a.s.onRollback
	a.s.onCommit, a.s.onRollback = nil, nil
	runRollbackHooks(hooks)
}
