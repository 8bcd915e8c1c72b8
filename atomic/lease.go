package atomic

import (
	"context"
	"fmt"
	"time"
)

// A Lease is the right of one process among several to act alone, for example as their leader. No clock can make
// that safe by itself: a process may be stopped for longer than its lease and then go on as if nothing had
// happened. The token makes it safe. It rises with every acquisition, and [Fence] lets a database transaction
// commit only while its token is the newest.
//
// A Lease is a value; copies are equal.
type Lease struct {
	// Name is what the lease is for.
	Name string
	// Holder is who has it.
	Holder string
	// Token is greater than that of every earlier lease of this name. Pass it on to everything else that the holder
	// writes to.
	Token int64
	// TTL is how long the lease lasts from its acquisition or renewal, by the clock of the database.
	TTL time.Duration
}

// Acquire takes the lease called name for holder, if the lease is free or its time is over. Time is that of the
// database's clock; the clocks of the processes do not matter. On SQLite the clock of the database is the clock of
// the machine. If another holder has the lease, Acquire returns an error that wraps [ErrHeld] and names that
// holder.
//
// holder must name one process and no other. A holder that has the lease already gets a newer token, and its older
// tokens are fenced off. So a process need not wait for its own lease when it starts anew, or when its Acquire
// ended with [ErrOutcomeUnknown]. Renew after a third of the ttl, measured by elapsed time and not by the wall
// clock. If the clock of the database is set back, no lease lasts longer than its ttl.
//
// Acquire needs the table of [Setup] and must be the outermost block of db. ttl is at least a millisecond. Errors are
// those of [Do].
func Acquire(ctx context.Context, db *DB, name, holder string, ttl time.Duration) (Lease, error) {
	if name == "" || len(name) > keyLengthMax || holder == "" || len(holder) > keyLengthMax || ttl < time.Millisecond {
		return Lease{}, fmt.Errorf("atomic: lease %q for %q, %v: names have 1 to %d bytes, a ttl at least 1ms",
			name, holder, ttl, keyLengthMax)
	}
	need(db != nil, "Acquire", "the *DB")
	lease := Lease{Name: name, Holder: holder, TTL: ttl}
	st, us := db.statements, ttl.Microseconds()
	err := Do(ctx, db, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.ExecContext(ctx, st.LeaseInsert, name); err != nil {
			return err
		}
		taken, err := execCount(ctx, tx, st.LeaseTake, []any{holder, us, us, name, holder})
		if err != nil {
			return err
		}
		now, err := QueryOne(ctx, tx, scanLease, st.LeaseRead, name)
		if err != nil {
			return err
		}
		if taken == 0 {
			return fmt.Errorf("%w: %q for another %v", ErrHeld, now.holder, max(now.left, 0))
		}
		lease.Token = now.token
		return nil
	}, &Options{Name: "lease " + name, Nesting: Outermost, replayable: true})
	if err != nil {
		return Lease{}, fmt.Errorf("atomic: lease %q: %w", name, err)
	}
	return lease, nil
}

type leaseRow struct {
	token  int64
	holder string
	left   time.Duration
}

func scanLease(row Row) (l leaseRow, err error) {
	var left int64
	err = row.Scan(&l.token, &l.holder, &left)
	l.left = time.Duration(left) * time.Microsecond
	return l, err
}

// Renew makes the lease last its TTL from now on. It returns an error that wraps [ErrFenced] if the lease was
// acquired again or released since. A lease whose time is over can be renewed as long as no other holder has taken
// it. Renewing twice is the same as once. Renew waits for database transactions that have called [Fence].
func Renew(ctx context.Context, db *DB, lease Lease) error {
	us := lease.TTL.Microseconds()
	return db.leaseWrite(ctx, lease, db.statements.LeaseRenew, us, us, lease.Name, lease.Token)
}

// Release gives the lease back, so that others need not wait for its end. If the token is no longer the newest,
// Release does nothing and returns an error that wraps [ErrFenced].
func Release(ctx context.Context, db *DB, lease Lease) error {
	return db.leaseWrite(ctx, lease, db.statements.LeaseRelease, lease.Name, lease.Token)
}

func (db *DB) leaseWrite(ctx context.Context, lease Lease, query string, args ...any) error {
	return Do(ctx, db, func(ctx context.Context, tx *Tx) error {
		count, err := execCount(ctx, tx, query, args)
		if err == nil && count != 1 {
			err = ErrFenced
		}
		if err != nil {
			return fmt.Errorf("atomic: lease %q: %w", lease.Name, err)
		}
		return nil
	}, &Options{Name: "lease " + lease.Name, Nesting: Outermost, replayable: true})
}

// Fence lets the database transaction of tx commit only if lease is still the newest lease of its name. It writes
// the row of the lease. So an acquisition waits for this commit, and this commit waits for an acquisition: nothing
// can come between check and commit. The holder calls Fence first in every database transaction that writes. These
// then take turns.
//
// A stale token is an error that wraps [ErrFenced]. The database transaction is broken from then on: nothing of it
// can be committed, even if the error is swallowed. A lease whose time is over still passes as long as no other
// holder has taken it, because no other holder can have written.
func Fence(ctx context.Context, tx *Tx, lease Lease) error {
	count, err := execCount(ctx, tx, tx.s.db.statements.LeaseFence, []any{lease.Name, lease.Token})
	switch {
	case err != nil:
		return fmt.Errorf("atomic: lease %q: %w", lease.Name, err)
	case count == 1:
		return nil
	}
	err = fmt.Errorf("%w: lease %q, token %d", ErrFenced, lease.Name, lease.Token)
	tx.s.harm(DamageAll, err, false)
	return err
}
