package atomic

import (
	"context"
	"fmt"
	"time"
)

// A Lease is the right to act as the only one, for a leader among several processes. No clock can make it safe by itself: a process
// may be stopped for longer than its lease and go on as if nothing had happened. What makes it safe is the token, which
// rises with every acquisition: [Fence] lets a database transaction commit only while its token is the newest.
//
// It is a value; copies are equal.
type Lease struct {
	// Name is what the lease is for.
	Name string
	// Holder is who has it.
	Holder string
	// Token is greater than that of every lease of this name before. Pass it on to whatever else the holder writes to.
	Token int64
	// TTL is how long the lease lasts from its acquisition or renewal, by the clock of the database.
	TTL time.Duration
}

// Acquire takes the lease called name for holder, if nobody has it, or its time is over by the clock of the database; the
// clocks of the processes do not matter, except on SQLite, where the machine's clock is the database's. It returns an error that
// wraps [ErrHeld] and names the other holder if there is one.
//
// holder must name one process and no other. If it has the lease already it gets a newer token, and its older ones are fenced off: so a
// process that starts anew need not wait for itself, and neither does one whose Acquire ended with [ErrOutcomeUnknown]. Renew after a
// third of the ttl, measured by time that has passed and not by the wall clock. A clock of the database that was set back cannot keep a lease
// alive for more than its ttl.
//
// Acquire needs the table of [Setup] and must be the outermost block. ttl is at least a millisecond. Errors are those of [Do].
func Acquire(ctx context.Context, db *DB, name, holder string, ttl time.Duration) (Lease, error) {
	if name == "" || len(name) > keyLengthMax || holder == "" || len(holder) > keyLengthMax || ttl < time.Millisecond {
		return Lease{}, fmt.Errorf("atomic: lease %q for %q, %v: names have 1 to %d bytes, a ttl at least 1ms", name, holder, ttl, keyLengthMax)
	}
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
	}, &Options{Name: "lease " + name, Nesting: Outermost})
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

// Renew makes the lease last its TTL from now on. It returns an error that wraps [ErrFenced] if another has been acquired since, or it
// was released. A lease that is over but that nobody else has taken is renewed. Renewing twice is the same as once. Renew
// waits for database transactions that have called [Fence].
func Renew(ctx context.Context, db *DB, lease Lease) error {
	us := lease.TTL.Microseconds()
	return db.leaseWrite(ctx, lease, db.statements.LeaseRenew, us, us, lease.Name, lease.Token)
}

// Release gives the lease back, so that others need not wait for its end. A token that is no longer the newest releases nothing and is
// [ErrFenced].
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
	}, &Options{Name: "lease " + lease.Name, Nesting: Outermost})
}

// Fence makes the database transaction of tx commit only if no lease of this name has been acquired after lease. It writes the lease's row, so
// that an acquisition waits for the commit and the commit for an acquisition: there is no moment between check and
// commit. Call it first, in every database transaction of the holder's that writes; they then take turns.
//
// A stale token is an error that wraps [ErrFenced], and the database transaction is broken from then on: nothing of it can be
// committed even if the error is swallowed. A lease whose time is over but which nobody else has taken still passes, because nobody else
// can have written.
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
