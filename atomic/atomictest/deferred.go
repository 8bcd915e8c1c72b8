package atomictest

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar/atomic"
)

// failedRollback is a ROLLBACK that takes effect and is reported as failed.
func failedRollback(err error) func(context.Context, *sql.Conn) error {
	return func(ctx context.Context, conn *sql.Conn) error {
		_, _ = conn.ExecContext(ctx, "ROLLBACK")
		_, _ = conn.ExecContext(ctx, "BEGIN") // So that the engine does not say that nothing is open.
		return err
	}
}

// deferred breaks a foreign key that is checked at COMMIT, and COMMIT fails. Where the engine has no such check,
// the statement fails.
func (f *fixture) deferred() {
	key := ` REFERENCES words (word) DEFERRABLE INITIALLY DEFERRED`
	if !f.Can.Deferred {
		key = `, FOREIGN KEY (word) REFERENCES words (word)`
	}
	f.exec(`CREATE TABLE uses (word VARCHAR(100) NOT NULL` + key + `)`)
	var log eventLog
	var statement error
	err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(log.commits("committed"))
		tx.OnRollback(log.undoes("undone"))
		statement = f.run(ctx, tx, `INSERT INTO uses VALUES ('missing')`)
		return statement
	}, nil)
	if kind := f.Dialect.Classify(err).Kind; kind != atomic.KindConstraint {
		f.Errorf("Do = %v of kind %d, want a violated constraint", err, kind)
	}
	f.isNot(err, atomic.ErrOutcomeUnknown, atomic.ErrBudget)
	f.same("found by the statement already", statement != nil, !f.Can.Deferred)
	if !f.Can.Deferred {
		f.lacks()
	}
	log.want(f, "undone")
	n, err := f.number(f.ctx, f.other, `SELECT count(*) FROM uses`)
	f.must(err)
	f.same("rows", n, 0)
}
