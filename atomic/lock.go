package atomic

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"
)

// A RowLock says how a SELECT locks the rows that it finds. The zero value is FOR UPDATE and waits for others.
type RowLock struct {
	// Strength is what the lock keeps others from doing.
	Strength Strength

	// Wait says what happens if another session has the row locked.
	Wait Waiting

	// Of names the tables of the query whose rows are locked, by alias if they have one. Default: all.
	Of []string
}

// A Strength says what a [RowLock] keeps others from doing.
type Strength uint8

const (
	// Update is for a row that will be changed or deleted: FOR UPDATE.
	Update Strength = iota
	// NoKeyUpdate is for a row whose key will stay. Rows that refer to it can still be inserted.
	NoKeyUpdate
	// Share keeps the row as it is. Others may read it under the same lock.
	Share
	// KeyShare keeps the row from being deleted and its key from being changed.
	KeyShare
)

// Waiting says what a [RowLock] does if another session has the row locked.
type Waiting uint8

const (
	// Wait waits until the row is free.
	Wait Waiting = iota
	// NoWait fails at once, with a conflict that Do retries within its [Budget]. With a budget of one attempt the
	// conflict is final.
	NoWait
	// SkipLocked leaves locked rows out. The rows that remain are no consistent picture. Use it to take work from a
	// queue, and never to add up.
	SkipLocked
)

// String returns the clause of the SQL standard, which is also that of PostgreSQL.
func (l RowLock) String() string {
	clause := [...]string{"FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE"}[l.Strength&3]
	if len(l.Of) > 0 {
		clause += " OF " + strings.Join(l.Of, ", ")
	}
	switch l.Wait {
	case NoWait:
		clause += " NOWAIT"
	case SkipLocked:
		clause += " SKIP LOCKED"
	}
	return clause
}

// check refuses an invalid RowLock. Names go into the statement as they are, so they must be plain.
func (l RowLock) check() error {
	if l.Strength > KeyShare || l.Wait > SkipLocked {
		return fmt.Errorf("atomic: %w: row lock %d, %d", ErrUnsupported, l.Strength, l.Wait)
	}
	for _, name := range l.Of {
		for i := range len(name) {
			if !isWord(name[i]) && name[i] != '.' {
				return fmt.Errorf("atomic: %q in RowLock.Of is not a plain name", name)
			}
		}
		if name == "" {
			return fmt.Errorf("atomic: an empty name in RowLock.Of")
		}
	}
	return nil
}

// LockClause renders l for the end of a SELECT in this database transaction:
//
//	clause, err := tx.LockClause(atomic.RowLock{Wait: atomic.SkipLocked})
//	...
//	tx.QueryContext(ctx, `SELECT id FROM jobs WHERE done = 0 ORDER BY id LIMIT 1 `+clause)
//
// The clause is empty where the engine holds a stronger lock already. Where the engine lacks what l asks for,
// LockClause returns an error that wraps [ErrUnsupported]; it never renders a weaker lock. No clause locks a row
// that is not there: see [Guard]. Use the rows that the locking SELECT returns, not those read before it.
func (t *Tx) LockClause(l RowLock) (string, error) {
	if err := l.check(); err != nil {
		return "", err
	}
	return t.s.db.dialect.LockClause(l, t.s.mode)
}

// lockID is the number of a name: 64 bits of its SHA-256. Shorter hashes collide in practice. Two strangers then
// wait for each other, or deadlock.
func lockID(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// guards refuses a lock after which the block would read what was before it.
func (t *Tx) guards(name string) error {
	level := t.s.mode.Isolation
	if !t.s.db.traits.BeginSnapshots || level <= sql.LevelReadCommitted {
		return nil
	}
	return fmt.Errorf("atomic: lock %q: %w: %s would read at %v what was before the lock: use READ COMMITTED",
		name, ErrUnsupported, t.s.db.traits.Name, level)
}

// Advisory waits for the lock called name and holds it until the database transaction ends. The lock cannot be
// given back earlier: the next holder would not see what this one has yet to commit. Taking it again is free. Take
// several locks in the same order everywhere, or they deadlock. If the block that took the lock is undone alone, do
// not rely on the lock any longer: nothing is left that it protects, and PostgreSQL gives it back at once.
//
// On PostgreSQL it is an advisory lock, and a name means the same lock in all schemas of the database. Elsewhere it
// is a row of the table atomic_lock ([Setup]), which is written and thereby locked. At REPEATABLE READ and above,
// PostgreSQL may wait with a snapshot that it took before. Use READ COMMITTED there, which is the default, or
// [Guard]. Errors are those of [Tx.ExecContext].
func Advisory(ctx context.Context, tx *Tx, name string) error {
	if err := tx.guards(name); err != nil {
		return err
	}
	query := tx.s.db.statements.AdvisoryWait
	if query == "" {
		query = tx.s.db.statements.GuardBump
	}
	if _, err := tx.ExecContext(ctx, query, lockID(name)); err != nil {
		return fmt.Errorf("atomic: lock %q: %w", name, err)
	}
	return nil
}

// TryAdvisory is [Advisory] without the wait. It reports whether it got the lock. If it did not, the database
// transaction is as it was before. Where the lock is a row, TryAdvisory may wait all the same when two sessions use
// a name for the first time ever at the same moment.
func TryAdvisory(ctx context.Context, tx *Tx, name string) (bool, error) {
	if err := tx.guards(name); err != nil {
		return false, err
	}
	st := tx.s.db.statements
	if st.AdvisoryTry != "" {
		got, err := QueryOne(ctx, tx, Value[bool], st.AdvisoryTry, lockID(name))
		if err != nil {
			return false, fmt.Errorf("atomic: lock %q: %w", name, err)
		}
		return got, nil
	}
	err := tx.Savepoint(ctx, func(ctx context.Context, inner *Tx) error {
		if st.GuardTry != "" {
			if _, err := QueryAll(ctx, inner, Value[int64], st.GuardTry, lockID(name)); err != nil {
				return err
			}
		}
		_, err := inner.ExecContext(ctx, st.GuardBump, lockID(name))
		return err
	})
	if err == nil {
		return true, nil
	}
	if tx.usable() == nil && tx.s.db.dialect.Classify(err).Kind == KindRetry {
		return false, nil
	}
	return false, fmt.Errorf("atomic: lock %q: %w", name, err)
}

// Guard lets only one database transaction at a time go on under name, on every engine and at every isolation
// level. It returns how many were committed under name before. Use it where there is no row to lock: a range of an
// append-only table, a count that must not pass a limit, the absence of a row. Whoever inserts into the range and
// whoever decides on it calls Guard first and reads afterwards.
//
// Guard writes a row of the table atomic_lock ([Setup]) and does not merely lock it. So a database transaction that
// looked before it waited gets a conflict, instead of deciding on what it saw then. Engines that check at COMMIT
// check the row too. The count is a version of the range: read it before the work with [GuardCount], and compare.
// The gap locks of InnoDB ([Traits.GapLocks]) need no such row, but they deadlock when two sessions lock an empty
// range and then insert.
func Guard(ctx context.Context, tx *Tx, name string) (before int64, err error) {
	if err := tx.guards(name); err != nil {
		return 0, err
	}
	st, id := tx.s.db.statements, lockID(name)
	if _, err := tx.ExecContext(ctx, st.GuardBump, id); err != nil {
		return 0, fmt.Errorf("atomic: guard %q: %w", name, err)
	}
	uses, err := QueryOne(ctx, tx, Value[int64], st.GuardRead, id)
	if err != nil {
		return 0, fmt.Errorf("atomic: guard %q: %w", name, err)
	}
	return uses - 1, nil
}

// GuardCount returns how many database transactions were committed under a [Guard]. It does not wait for the guard.
func GuardCount(ctx context.Context, tx *Tx, name string) (int64, error) {
	counts, err := QueryAll(ctx, tx, Value[int64], tx.s.db.statements.GuardRead, lockID(name))
	if err != nil {
		return 0, fmt.Errorf("atomic: guard %q: %w", name, err)
	}
	if len(counts) == 0 {
		return 0, nil
	}
	return counts[0], nil
}
