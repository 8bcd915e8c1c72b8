package atomic

import (
	"context"
	"database/sql"
	"fmt"
)

// AdoptOptions are the choices of [Adopt]. The zero value is ready for use.
type AdoptOptions struct {
	// DB, if not nil, is a handle on the same database. A Do on it with [Adopted.Context] then joins the adopted
	// database transaction. The dialect is that of DB.
	DB *DB

	// Name stands in errors about this database transaction.
	Name string

	// Mode says how the application began the database transaction. Blocks inside it are held to that.
	Mode Mode
}

// An Adopted is a database transaction that the application began and will end itself. Use it from one goroutine at
// a time.
type Adopted struct {
	s     *session
	tx    *Tx
	ready bool
}

// Adopt joins a database transaction that the application has begun on conn. conn is a *sql.Tx, or a *sql.Conn
// after a BEGIN; a *sql.Tx of pgx's package stdlib will do. Code written for a [Tx] then works in it: savepoints,
// nested blocks, hooks, locks. d is the dialect of the engine. o may be nil.
//
// The application ends the database transaction itself. So some promises of Do become its own:
//
//   - Before COMMIT it calls [Adopted.Ready], and rolls back if that fails. Only Ready finds an error that was
//     swallowed inside.
//   - After COMMIT it calls [Adopted.Committed], after a rollback [Adopted.RolledBack]. Otherwise no hook runs.
//   - Nothing is retried. A conflict is returned as it is, and the application starts over.
//   - The answer of COMMIT may get lost, or the engine may turn COMMIT into a ROLLBACK. The application must find
//     that out. pgx reports such a ROLLBACK; other drivers do not.
//   - The Tx does not see statements that the application runs past it. Their errors do not break the Tx.
//   - A connection in doubt is not closed.
//
// Adopt asks the engine for the state of conn. It returns an error that wraps [ErrRequired] if no database
// transaction is open on conn, [ErrBroken] if it has failed already, and [ErrUnsupported] for a *sql.DB, which may
// run each statement on another connection.
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
	need(conn != nil, "Adopt", "the connection")
	db := o.DB
	if db == nil {
		need(d != nil, "Adopt", "the Dialect")
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
	tx := &Tx{s: s, of: run{&scratch{}, 1}}
	s.current = tx
	return &Adopted{s: s, tx: tx}, nil
}

// Tx is the outermost block of the database transaction. It ends with [Adopted.Ready] or [Adopted.RolledBack].
func (a *Adopted) Tx() *Tx { return a.tx }

// Context returns ctx with the database transaction in it. [From] finds it there, and so does a [Do] on the handle
// in [AdoptOptions.DB].
func (a *Adopted) Context(ctx context.Context) context.Context {
	return &blockContext{Context: ctx, tx: a.tx}
}

// Ready says whether the application may commit. It runs the functions given to [Tx.BeforeCommit], closes rows that
// were left open and ends the Tx. After an error the application must roll back. The error is [ErrBroken] if an
// earlier error was swallowed, [ErrConcurrent] if a block is still open, or what a function returned.
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

// alive asks the engine for the state once more, because statements past the Tx may have failed unseen.
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

// Committed tells the Adopted that the application has committed. It runs the functions given to [Tx.OnCommit] and
// returns a [*HookError] if some of them failed. It panics if [Adopted.Ready] was not called or has failed. Only
// the first call of Committed or RolledBack has an effect.
func (a *Adopted) Committed(ctx context.Context) error {
	if !a.ready {
		panic("atomic: Committed without a successful Ready")
	}
	hooks := a.s.onCommit
	a.s.onCommit, a.s.onRollback = nil, nil
	return commitHooks(ctx, hooks)
}

// RolledBack tells the Adopted that the application has rolled back. It ends the Tx and runs the functions given to
// [Tx.OnRollback], the last one first. Only the first call of Committed or RolledBack has an effect. Call neither
// if the outcome is unknown.
func (a *Adopted) RolledBack() {
	a.end()
	a.s.closeAll(context.Background()) // Nothing more is asked of the engine.
	hooks := a.s.onRollback
	a.s.onCommit, a.s.onRollback = nil, nil
	runRollbackHooks(hooks)
}
