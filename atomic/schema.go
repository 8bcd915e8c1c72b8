package atomic

import (
	"context"
	"fmt"
	"strings"
)

// Statements is the SQL for the package's own tables on one engine: atomic_key for [DoKeyed], atomic_lock for
// [Guard] and [Advisory], atomic_lease for [Acquire]. The comments list the parameters in their order, then what
// the statement does or returns. Times are microseconds since 1970 by the clock of the database.
type Statements struct {
	Schema []string // makes the tables that are missing

	KeyInsert string // name, digest: nothing if the name is there; waits for another insert of the name
	KeyRead   string // name: whether it is done (0 or 1), digest, result
	KeyWrite  string // result, name

	AdvisoryWait string // id: waits for an advisory lock; empty if none ends with the database transaction
	AdvisoryTry  string // id: whether it got the advisory lock; empty as AdvisoryWait
	GuardTry     string // id: locks the row if it is there, or fails at once; empty if GuardBump never waits
	GuardBump    string // id: inserts the row with one use, or adds one use
	GuardRead    string // id: its uses

	LeaseInsert  string // name: nothing if it is there
	LeaseTake    string // holder, ttl, ttl, name, holder: nothing while another holder has it
	LeaseRead    string // name: token, holder, how much time is left
	LeaseRenew   string // ttl, ttl, name, token
	LeaseFence   string // name, token: writes the row if the token is still the newest
	LeaseRelease string // name, token
}

// Schema is the script of the tables that [Setup] makes, for the application's own migrations. Each statement
// stands on its own and does nothing if its table exists. The package never deletes rows of atomic_key. The
// application may delete old ones, by their column made. A deleted key is forgotten: the next DoKeyed with it runs
// again.
func Schema(d Dialect) string { return strings.Join(d.Statements().Schema, ";\n\n") + ";\n" }

// Setup makes the package's tables that are missing. [DoKeyed], [Guard] and the leases need them, and so does
// [Advisory] except on PostgreSQL. Setup may run any number of times, and in several processes at once. It works
// outside any database transaction, because some engines commit at a CREATE TABLE. Inside a block of db it returns
// [ErrNested].
func Setup(ctx context.Context, db *DB) error {
	need(db != nil && db.pool != nil, "Setup", "the *DB or its pool")
	if _, open := From(ctx, db); open {
		return ErrNested
	}
	for _, statement := range db.statements.Schema {
		_, err := db.pool.ExecContext(ctx, statement)
		if err != nil && db.dialect.Classify(err).Kind == KindUnique {
			// On PostgreSQL two IF NOT EXISTS at once may collide in the catalogue. Now the table is there.
			_, err = db.pool.ExecContext(ctx, statement)
		}
		if err != nil {
			return fmt.Errorf("atomic: set up: %w", err)
		}
	}
	return nil
}
