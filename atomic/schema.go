package atomic

import (
	"context"
	"fmt"
	"strings"
)

// Statements is the SQL of the package's own tables in the words of one engine: atomic_key for [DoKeyed], atomic_lock for
// [Guard] and [Advisory], atomic_lease for [Acquire]. Parameters are given in the order in which they are listed here. Times
// are microseconds since 1970 by the clock of the database.
type Statements struct {
	Schema []string // makes the tables unless they are there

	KeyInsert string // name, digest: nothing if the name is there; waits for another insert of it
	KeyRead   string // name: whether it is done (0 or 1), digest, result
	KeyWrite  string // result, name

	AdvisoryWait string // id: waits for an advisory lock; empty if the engine has none bound to the database transaction
	AdvisoryTry  string // id: whether it got the advisory lock, likewise
	GuardTry     string // id: locks the row if it is there, or fails at once; empty if the engine need not
	GuardBump    string // id: inserts the row or counts its uses up
	GuardRead    string // id: its uses

	LeaseInsert  string // name: nothing if it is there
	LeaseTake    string // holder, ttl, ttl, name, holder: unless somebody else holds it
	LeaseRead    string // name: token, holder, what is left of it
	LeaseRenew   string // ttl, ttl, name, token
	LeaseFence   string // name, token: writes the row if the token is still the newest
	LeaseRelease string // name, token
}

// Schema is the script of the tables that [Setup] makes, for the application's own migrations. Each statement stands on
// its own and does nothing if its table exists. Rows of atomic_key stay until the application deletes them, by their column made:
// a key that is deleted is forgotten, and the next DoKeyed with it runs again.
func Schema(d Dialect) string { return strings.Join(d.Statements().Schema, ";\n\n") + ";\n" }

// Setup makes the package's tables unless they are there: needed for [DoKeyed], [Guard], the leases and, except on PostgreSQL,
// [Advisory]. It may run any number of times, and in several processes at once. It works outside any database transaction, because some
// engines commit at a CREATE TABLE; inside a block of db it returns [ErrNested].
func Setup(ctx context.Context, db *DB) error {
	if _, open := From(ctx, db); open {
		return ErrNested
	}
	for _, statement := range db.statements.Schema {
		_, err := db.pool.ExecContext(ctx, statement)
		if err != nil && db.dialect.Classify(err).Kind == KindUnique {
			// PostgreSQL's IF NOT EXISTS lets two at once collide in its catalogue; the second time it is there.
			_, err = db.pool.ExecContext(ctx, statement)
		}
		if err != nil {
			return fmt.Errorf("atomic: set up: %w", err)
		}
	}
	return nil
}
