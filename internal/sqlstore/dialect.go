package sqlstore

import (
	"context"
	"database/sql"
	"io/fs"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// Dialect is one engine: what it can do, what is said to it, and how it is reached. It is a value without state.
type Dialect struct {
	Name       string
	Can        Capabilities
	Limits     Limits
	Statements Statements
	// Feeds is the table that a [Private] connection reads fed rows from; empty where none does.
	Feeds string
	// Migrations holds NNNN_name.up.sql in order, forward only.
	Migrations fs.FS
	// Reports holds the indexes for reports, one statement a file: NNNN_name.up.sql makes bursar_name.
	Reports fs.FS
	// Forms are how engines describe what Migrations make: see [ReadForms]. It is nil where Describe says it.
	Forms fs.FS
	// Describe is what Statements.AuditSchema finds where the migrations have just been applied. It is nil where Forms
	// says it.
	Describe func(context.Context) ([]Object, error)
	// Hidden reports whether an object that is not among those that AuditSchema found may be there all the same, because
	// this user would not see it. It is nil where every user sees everything.
	Hidden func(have []Object, missing Object) bool
	// Atomic runs the engine's database transactions.
	Atomic atomic.Dialect
	// Isolation is the level of the store's own database transactions in a mode. Nil means the default of Atomic, and
	// the engine's SERIALIZABLE for driver.ModeSerializable.
	Isolation func(driver.Mode) sql.IsolationLevel
	// Pipe sends several statements at once over a connection of the driver's and returns how many of them went well.
	// It is nil where the driver cannot. Its error is ErrNoPipe if this connection is not the driver's own.
	Pipe func(ctx context.Context, driverConn any, calls []*Call) (done int, err error)
	// Admit checks a database transaction that a caller began, and refuses one that would not keep the ledger safe
	// with bursar.CodeUnsafeTransaction and the remedy. It changes nothing that outlives the database transaction.
	// given is what the caller gave, over which tx runs.
	Admit func(ctx context.Context, tx Executor, given any) error
	// Open refuses what is no open database transaction in the same way. Reading needs no more than that.
	Open func(ctx context.Context, tx Executor, given any) error
	// Ready checks the settings of a connection of the store's own pool in the same way. A connection that may be read on
	// and whose server takes no writes is [NoWrites].
	Ready func(ctx context.Context, conn Executor) error
	// Standing asks a server whether it takes writes, in no database transaction. Nil means that it does.
	Standing func(ctx context.Context, pool Executor) (driver.Standing, error)
	// Denied are the engine's codes for a user without a right.
	Denied []string
	// Migrates refuses to make tables over this connection, with the remedy: where two programs could do so at once and
	// LockSchema keeps nobody away. It may be nil.
	Migrates func(ctx context.Context, conn Executor) error
	// Explain says what to do about an error of the engine, or nothing. It may be nil.
	Explain func(error) string
	// RolledBack reports whether a driver says by itself, without a code of the engine, that a commit has committed
	// nothing. It may be nil.
	RolledBack func(error) bool
	// Understood refuses a pool whose driver the engine's package does not understand, or before whose server something
	// stands that does not. It runs in no database transaction, and may be nil.
	Understood func(ctx context.Context, pool *sql.DB) error
	// Scan runs a query over a driver's connection and gives each row to a function, where that is faster than what
	// database/sql does. False means that it cannot, or not to the end: then the query is to be run as any other. It may
	// be nil.
	Scan func(driverConn any, query string, args []int64, row func([]Scanned)) bool
	// Told is the code and the remedy of an error that a setting causes, and no code where none does. It may be nil.
	Told func(error) (code bursar.Code, remedy string)
}

// isolation is the level of a database transaction of the store's own.
func (d *Dialect) isolation(mode driver.Mode) sql.IsolationLevel {
	switch {
	case d.Isolation != nil:
		return d.Isolation(mode)
	case mode == driver.ModeSerializable:
		return sql.LevelSerializable
	default:
		return sql.LevelDefault
	}
}

// told is the code and the remedy of an error that a setting causes.
func (d *Dialect) told(err error) (code bursar.Code, remedy string) {
	if d.Told == nil || err == nil {
		return "", ""
	}
	return d.Told(err)
}

// kind says what an error of the engine is.
func (d *Dialect) kind(err error) atomic.Kind { return d.Atomic.Classify(err).Kind }

// migratesAlone reports whether CREATE TABLE commits at once, so that a migration is no database transaction.
func (d *Dialect) migratesAlone() bool { return d.Atomic.Traits().DDLCommits }

// endsUnseen reports whether an error may end a database transaction while later statements still run, each committed
// by itself.
func (d *Dialect) endsUnseen() bool { return d.Atomic.Traits().EmptyCommit }

// executor runs statements in a block of package atomic.
func (d *Dialect) executor(block *atomic.Tx) Executor {
	if d.Pipe == nil {
		return std{block}
	}
	return piped{std{block}, block, d.Pipe}
}
