package atomic

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
)

// A RowLock is how a SELECT locks the rows that it finds. The zero value is FOR UPDATE, waiting for others.
type RowLock struct {
	// Strength is what the lock keeps others from doing.
	Strength Strength

	// Wait is what happens when somebody else has the row locked.
	Wait Waiting

	// Of names the tables of the query whose rows are locked, by alias if they have one. Default: all.
	Of []string
}

// A Strength is what a [RowLock] keeps others from doing.
type Strength uint8

const (
	// Update is for a row that will be changed or deleted: FOR UPDATE.
	Update Strength = iota
	// NoKeyUpdate is for a row whose key will stay: rows that refer to it can still be inserted.
	NoKeyUpdate
	// Share keeps the row as it is while others may read it under the same lock.
	Share
	// KeyShare keeps the row from being deleted and its key from being changed.
	KeyShare
)

// Waiting is what a [RowLock] does when somebody else has the row locked.
type Waiting uint8

const (
	// Wait waits until the row is free.
	Wait Waiting = iota
	// NoWait fails at once, with a conflict that Do retries within its [Budget]; one attempt makes that final.
	NoWait
	// SkipLocked leaves the row out. What remains is no consistent picture: it is for taking work from a queue and never for
	// adding up.
	SkipLocked
)

// String is the clause as the SQL standard and PostgreSQL have it.
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

// check refuses what is no RowLock. Names go into the statement as they are, so they must be plain.
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
// It is empty where the engine holds a stronger lock already. Where the engine lacks what l asks for, it returns an error that wraps
// [ErrUnsupported]; nothing weaker is ever rendered. A row that is not there is not locked, whatever the clause: see [Guard].
// Use the rows that the locking SELECT returns, not those read before it.
func (t *Tx) LockClause(l RowLock) (string, error) {
	if err := l.check(); err != nil {
		return "", err
	}
	return t.s.db.dialect.LockClause(l, t.s.mode)
}

// lockID is the number of a name: 64 bits of its SHA-256. Shorter hashes collide in practice, and then strangers wait for each
// other, or deadlock.
func lockID(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// Advisory waits for the lock called name and holds it until the database transaction ends; there is no way to give it back
// before, because whoever came next would not see what this one has yet to commit. Taking it again is free. Take
// several in one order everywhere, or they deadlock.
//
// On PostgreSQL it is an advisory lock, and a name is one lock for all schemas of the database. Elsewhere it is a row of the
// table atomic_lock ([Setup]), written and thus locked. At REPEATABLE READ and above PostgreSQL may wait with a snapshot taken
// before: use READ COMMITTED, which is the default, or [Guard]. Errors are those of [Tx.ExecContext].
func Advisory(ctx context.Context, tx *Tx, name string) error {
	query := tx.s.db.statements.AdvisoryWait
	if query == "" {
		query = tx.s.db.statements.GuardBump
	}
	if _, err := tx.ExecContext(ctx, query, lockID(name)); err != nil {
		return fmt.Errorf("atomic: lock %q: %w", name, err)
	}
	return nil
}

// TryAdvisory is [Advisory] without the wait: it reports whether it got the lock. Not getting it leaves the database
// transaction as it was. Where the lock is a row, two that use a name for the first time ever at the same moment may
// wait for each other all the same.
func TryAdvisory(ctx context.Context, tx *Tx, name string) (bool, error) {
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

// Guard serialises all database transactions that call it with the same name, on every engine and at every isolation level,
// and returns how many have been committed before. It is the lock for what has no row to lock: a range of an append-only
// table, a count that must not pass a limit, the absence of a row. Everybody who inserts into the range and everybody who
// decides on it calls Guard first and reads afterwards.
//
// It writes a row of the table atomic_lock ([Setup]) rather than merely lock it. So a database transaction that looked
// before it waited meets a conflict instead of deciding on what it saw then, and engines that check at COMMIT check it too. The count
// is a version of the range: read it before the work with [GuardCount], and compare. InnoDB's own gap locks ([Traits.GapLocks])
// need no such row but deadlock when two lock an empty range and then insert.
func Guard(ctx context.Context, tx *Tx, name string) (before int64, err error) {
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

// GuardCount returns how many database transactions have been committed under a [Guard], without waiting for it.
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
