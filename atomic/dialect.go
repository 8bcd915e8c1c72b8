package atomic

import (
	"context"
	"database/sql"
)

// A Dialect is what one database engine does in its own way. It is a small value without state and safe for
// concurrent use. Savepoints are not part of it: SAVEPOINT, RELEASE SAVEPOINT and ROLLBACK TO SAVEPOINT are the
// same on every engine.
type Dialect interface {
	// Traits tells what holds for the engine as a whole.
	Traits() Traits

	// Begin begins a database transaction on conn. If somebody has left one open on it, Begin returns an error that
	// wraps [ErrLeftOpen], and must not commit what is in it. restore is a statement that puts the connection
	// back as it was; it runs after the end of the database transaction. It is empty if there is nothing to put back.
	// After an error Begin need not clean up.
	Begin(ctx context.Context, conn *sql.Conn, m Mode) (restore string, err error)

	// Commit commits. Some engines answer the COMMIT of a failed database transaction with a silent ROLLBACK. Commit
	// must notice that and return an error.
	Commit(ctx context.Context, conn *sql.Conn) error

	// Rollback rolls back.
	Rollback(ctx context.Context, conn *sql.Conn) error

	// State asks the engine whether a database transaction is open on conn. It is called after errors, and where an
	// error may have gone unseen. It leaves conn as it found it. An error means that the state cannot be known.
	State(ctx context.Context, conn Conn) (State, error)

	// CheckDeferred has the engine check now what it would check at COMMIT, and returns the violation. Where nothing is
	// checked so late it does nothing. It runs in a savepoint that is undone afterwards.
	CheckDeferred(ctx context.Context, conn Conn) error

	// Classify says what err means. It goes by the engine's number and never by the text. The zero Class is for an
	// error that did not come from the engine. [Disconnected] recognises what drivers report for a lost connection.
	Classify(err error) Class

	// Commits reports whether a statement commits by itself on this engine, as DDL does on some. words are the first
	// words of the statement, up to four, in upper case. Plain transaction control, such as COMMIT, never gets here.
	Commits(words []string) bool

	// LockClause renders l for the end of a SELECT in a database transaction of mode m. Where the engine has nothing
	// that keeps the promise, it returns an error that wraps [ErrUnsupported].
	LockClause(l RowLock, m Mode) (string, error)

	// Statements is the SQL of the package's own tables.
	Statements() *Statements
}

// A Conn runs statements on one connection. *sql.Conn, *sql.Tx and [*Tx] are Conns. A *sql.DB has the same methods
// but will not do, because each statement may use another connection.
type Conn interface {
	// ExecContext runs a statement that returns no rows.
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// PrepareContext prepares a statement on this connection.
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	// QueryContext runs a statement that returns rows.
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// QueryRowContext runs a statement that returns at most one row.
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// A State says what a connection is in the middle of.
type State uint8

const (
	// StateNone means that no database transaction is open: statements would commit one by one.
	StateNone State = iota
	// StateOpen means that a database transaction is open and takes statements.
	StateOpen
	// StateFailed means that a database transaction is open but refuses everything until a rollback.
	StateFailed
)

// Traits are facts about an engine.
type Traits struct {
	// Name is the engine's name, such as "sqlite".
	Name string

	// SilentRollback says that the database transaction may end on an error that only the reader of rows sees. Later
	// statements would then commit one by one. So a [Tx] that has handed out rows asks [Dialect.State] before it goes
	// on.
	SilentRollback bool

	// EmptyCommit says that COMMIT succeeds even if no database transaction is open any more. So [Dialect.State] is
	// asked before COMMIT too, if an error may have gone unseen.
	EmptyCommit bool

	// RowsBlock says that a connection runs no other statement while rows are open on it. [Tx] then refuses the
	// statement with [ErrRowsOpen], because some drivers would report a broken connection.
	RowsBlock bool

	// DeadlockEndsAll says that a deadlock rolls back everything, savepoints included, and not just the statement. A
	// block inside cannot be undone alone then, and Do returns the deadlock.
	DeadlockEndsAll bool

	// TimeoutUndoesStatement says that a lock wait timeout undoes the one statement and leaves the database
	// transaction open, half done. [Tx] refuses to go on from there until the block has been rolled back.
	TimeoutUndoesStatement bool

	// DDLCommits says that CREATE TABLE and its like commit at once. [Tx] refuses them with [ErrControl].
	DDLCommits bool

	// ChangedRows says that an UPDATE may count only the rows that it changed, not all that it found. An UPDATE that
	// writes the old value again then counts none. See [Swap].
	ChangedRows bool

	// GapLocks says that a locking read of a range keeps others from inserting into it, at REPEATABLE READ. [Guard]
	// works on every engine.
	GapLocks bool

	// BackslashEscapes says that a backslash escapes in ordinary quotes, and that # begins a comment.
	BackslashEscapes bool

	// WritesReadOnly says that the engine refuses no write of a read-only database transaction. [Tx] then refuses, with
	// [ErrReadOnly], a statement whose words do not say that it reads.
	WritesReadOnly bool

	// BeginSnapshots says that the snapshot of REPEATABLE READ is as old as the database transaction, and that no write
	// of a row that has changed since is a conflict. Whoever waited for a lock there reads what was before the wait, so
	// [Guard], [Advisory] and [TryAdvisory] return [ErrUnsupported] above READ COMMITTED.
	BeginSnapshots bool

	// OneWriter says that the whole database has one writer at a time, and that waiting writers poll and do not queue.
	// Blocks of one [DB] that may write then take turns, first come, first served.
	OneWriter bool
}

// A Mode is how a database transaction begins.
type Mode struct {
	// Isolation is the level asked for. A Dialect may give a stronger one, never a weaker.
	Isolation sql.IsolationLevel

	// ReadOnly asks the engine to refuse writes.
	ReadOnly bool
}

// A Class is what an error of the engine means for the database transaction.
type Class struct {
	Kind   Kind
	Damage Damage

	// Code is the engine's own code, for counting and for people, such as "SQLITE_BUSY" or "40001".
	Code string

	// Constraint is the name of the violated constraint, for [KindUnique] and [KindConstraint]. It is empty where the
	// driver has the name only as a part of a text.
	Constraint string
}

// A Kind is the reason behind an error.
type Kind uint8

const (
	// KindOther is an error without a number, or with a number that says too little. At COMMIT the outcome is unknown
	// unless the database transaction is still open.
	KindOther Kind = iota
	// KindStatement is a statement that the engine refused, for no other reason listed here.
	KindStatement
	// KindUnique is a violated unique or primary key.
	KindUnique
	// KindConstraint is any other violated constraint.
	KindConstraint
	// KindRetry is a conflict with another database transaction. The same work may succeed if it is done again from
	// the start.
	KindRetry
	// KindDoubt is an error of storage, or an answer that leaves the outcome open. At COMMIT the outcome is unknown.
	// Before COMMIT, Do does not repeat the work by itself.
	KindDoubt
	// KindLost is a connection that has ended. At COMMIT the outcome is unknown. Before COMMIT nothing was committed,
	// so the work may be done again on another connection.
	KindLost
	// KindReadOnly is a refused write. If the block may write, the server has been demoted: the connection is closed,
	// and the work may be done again on another one.
	KindReadOnly
)

// A Damage says how much of the database transaction is lost after an error.
type Damage uint8

const (
	// DamageUnsure means that the error does not say, so [Dialect.State] is asked.
	DamageUnsure Damage = iota
	// DamageNone means that only the statement failed.
	DamageNone
	// DamageBlock means that nothing works until the rollback to a savepoint or of everything.
	DamageBlock
	// DamageAll means that the database transaction is over: the engine has rolled it back or cannot go on with it.
	DamageAll
)
