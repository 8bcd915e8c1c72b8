// Package native is the seam between package atomic and packages that give its blocks the shape of their driver's
// own transactions, such as pgxatomic.
//
// [Session] is one block as the driver's package sees it, and [Cursor] is what a statement leaves open. Both are
// here, and not in package atomic, so that applications cannot get round the rules of a block by mistake.
package native

import (
	"context"
	"errors"
)

// ErrPast means that a statement that Run has not seen has ended the database transaction. Nobody knows how. The
// error of a function given to Run, or of a Cursor, wraps it.
var ErrPast = errors.New("a statement past the block has ended the database transaction")

// A Key opens the seam. Only packages beneath package atomic can make one.
type Key struct{ _ [0]func() }

// A Session is one block of a database transaction. T is *atomic.Tx.
type Session[T any] interface {
	// Conn is the driver's connection. A function given to Run may use it, and a Cursor until it is closed.
	Conn() any

	// Control refuses a statement that controls the database transaction. It breaks nothing.
	Control(query string) error

	// Run admits one statement, runs fn and judges its error, as for a statement of database/sql. A Cursor that fn returns
	// without an error is closed when the block ends. While it is open, other statements are refused.
	Run(ctx context.Context, fn func() (Cursor, error)) error

	// Settle judges the errors of cursors that have ended. Whoever reads a cursor calls it when that has ended.
	// Otherwise the next statement would judge the error, and an error that the block returns would not be known.
	Settle(ctx context.Context)

	// Begin opens a savepoint, which ends with its own session's Commit or Rollback.
	Begin(ctx context.Context) (T, error)

	// Commit releases the savepoint of Begin. After an error it is undone. A block that did not come from Begin
	// refuses it.
	Commit(ctx context.Context) error

	// Rollback undoes the savepoint of Begin and those inside it. A block that did not come from Begin refuses it.
	Rollback(ctx context.Context) error
}

// A Cursor is what a statement has left open on the connection: rows, or the results of a batch. It is safe for
// concurrent use.
type Cursor interface {
	// Open reports whether the connection can run no other statement.
	Open() bool

	// Err is the error that ended it, nil as long as it is open.
	Err() error

	// Close frees the connection. A second call does nothing.
	Close() error
}
