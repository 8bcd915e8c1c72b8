package atomic

import (
	"context"
	"database/sql"
)

// A Dialect is what one database engine does its own way. It is a small value without state, safe for concurrent use.
// Savepoints are not part of it: SAVEPOINT, RELEASE SAVEPOINT and ROLLBACK TO SAVEPOINT are the same on every engine.
type Dialect interface {
	// Traits tells what holds for the engine as a whole.
	Traits() Traits

	// Begin begins a database transaction on conn, which has none. restore is a statement that puts the connection
	// back as it was, to be run after the end of the database transaction; empty if there is nothing to put back.
	// After an error Begin need not clean up.
	Begin(ctx context.Context, conn *sql.Conn, m Mode) (restore string, err error)

	// Commit commits. An engine that answers the COMMIT of a failed database transaction with a silent ROLLBACK must
	// be found out here and reported as an error.
	Commit(ctx context.Context, conn *sql.Conn) error

	// Rollback rolls back.
	Rollback(ctx context.Context, conn *sql.Conn) error

	// Active reports whether a database transaction is open on conn, by asking the engine. It is called after
	// errors only, and leaves conn as it found it. An error means that it cannot be known.
	Active(ctx context.Context, conn *sql.Conn) (bool, error)

	// Classify says what err means, by its number and never by its text. An error that did not come from the
	// engine has the zero Class.
	Classify(err error) Class
}

// Traits are facts about an engine.
type Traits struct {
	// Name is the engine's name, such as "sqlite".
	Name string

	// SilentRollback says that an error seen only by whoever reads rows may end the database transaction, after which
	// statements would commit one by one. After handing out rows, [Tx] then asks [Dialect.Active] before it goes on.
	SilentRollback bool

	// OneWriter says that the whole database has one writer at a time, and that those who wait for it poll instead of
	// queueing. Blocks of one [DB] that may write then take turns in the order in which they came.
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
}

// A Kind is the reason behind an error.
type Kind uint8

const (
	// KindOther is an error that the engine did not number, or whose number does not tell. At COMMIT the outcome is
	// unknown unless the database transaction is still open.
	KindOther Kind = iota
	// KindStatement is a statement that the engine refused, for no other reason listed here.
	KindStatement
	// KindUnique is a violated unique or primary key.
	KindUnique
	// KindConstraint is any other violated constraint.
	KindConstraint
	// KindRetry is a conflict with another database transaction: the same work may succeed if it is done again from
	// the start.
	KindRetry
	// KindDoubt is an error of storage or connection. At COMMIT the outcome is unknown.
	KindDoubt
)

// A Damage is how much of the database transaction an error has taken with it.
type Damage uint8

const (
	// DamageUnsure means that the error does not tell, so [Dialect.Active] is asked.
	DamageUnsure Damage = iota
	// DamageNone means that only the statement failed.
	DamageNone
	// DamageBlock means that nothing works until the rollback to a savepoint, or of everything.
	DamageBlock
	// DamageAll means that the database transaction is over: the engine has rolled it back or cannot go on with it.
	DamageAll
)
