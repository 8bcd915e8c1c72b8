package sqlite

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/sqlstore"

	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
)

// admit checks a database transaction that the application began.
func admit(ctx context.Context, tx sqlstore.Executor, given any) error {
	if err := insideTransaction(ctx, tx, given); err != nil {
		return err
	}
	if err := ready(ctx, tx); err != nil {
		return err
	}
	// Touches no row but takes the write lock, so that what is read from here on stays true until the commit.
	_, err := tx.Exec(ctx, "UPDATE bursar_head SET seq = seq WHERE book < 0")
	if err == nil {
		return nil
	}
	switch (atomicsqlite.Dialect{}).Classify(err).Kind {
	case atomic.KindRetry:
		return &bursar.Error{Code: bursar.CodeConflict, Err: err,
			Message: "the database transaction began without the write lock and cannot get it: begin it " +
				"IMMEDIATE (_txlock=immediate), and roll this one back"}
	case atomic.KindStatement:
		return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
			Message: "the database transaction is read-only, or of a database without a ledger: use one of the " +
				"ledger's own database that may write"}
	default:
		return err
	}
}

// insideTransaction refuses statements that would commit one by one. SQLite tells by refusing a second BEGIN. Both
// statements go in one call, because what hides a pool may give each call another connection.
func insideTransaction(ctx context.Context, tx sqlstore.Executor, given any) error {
	switch given.(type) {
	case *sql.Tx, *atomic.Tx:
		return nil
	}
	if _, err := tx.Exec(ctx, "BEGIN; ROLLBACK"); err != nil {
		return nil
	}
	return bursar.Errorf(bursar.CodeUnsafeTransaction,
		"no database transaction is open on the %T: begin one first", given)
}

// understood refuses a driver that hides SQLite's result codes: conflicts could not be told from faults.
func understood(ctx context.Context, pool *sql.DB) error {
	_, err := pool.ExecContext(ctx, "SELECT bursar_has_no_such_function()")
	if err == nil || ctx.Err() != nil || (atomicsqlite.Dialect{}).Classify(err).Code != "" {
		return nil // what else may be wrong shows itself
	}
	return &bursar.Error{Code: bursar.CodeUnsupported, Err: err,
		Message: "the errors of this driver do not say SQLite's result codes: open the handle with modernc.org/sqlite " +
			"or mattn/go-sqlite3"}
}

// settings are the pragmas that money depends on. A journal in memory is safe only for a database in memory.
type settings struct {
	synchronous, ignoreChecks int
	journal                   string
	file                      string
}

// ready checks the settings of a connection.
func ready(ctx context.Context, conn sqlstore.Executor) error {
	const read = `SELECT (SELECT synchronous FROM pragma_synchronous),
		(SELECT ignore_check_constraints FROM pragma_ignore_check_constraints),
		(SELECT journal_mode FROM pragma_journal_mode), (SELECT file FROM pragma_database_list WHERE name = 'main')`
	var s settings
	var file sql.NullString
	err := sqlstore.Each(ctx, conn, read, func(scan func(...any) error) error {
		return scan(&s.synchronous, &s.ignoreChecks, &s.journal, &file)
	})
	if err != nil {
		return err
	}
	s.file = file.String
	return s.check()
}

func (s *settings) check() error {
	const full = 2
	switch {
	case s.ignoreChecks != 0:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"ignore_check_constraints is on: the connection would not keep accounts within their limits; turn it off")
	case s.file == "":
		return nil // in memory or temporary: nothing survives anyway
	case s.synchronous < full:
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"synchronous is %d: a commit could be lost with the power; open the file with "+
				"_pragma=synchronous(FULL), as sqlite.DSN does, or _synchronous=FULL with go-sqlite3", s.synchronous)
	case s.journal == "memory" || s.journal == "off":
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"journal_mode is %s: a crash could tear a commit apart; open the file with "+
				"_pragma=journal_mode(WAL), as sqlite.DSN does, or _journal_mode=WAL with go-sqlite3", s.journal)
	default:
		return nil
	}
}
