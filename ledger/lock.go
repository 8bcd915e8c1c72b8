package ledger

import (
	"context"
	"maps"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/coded"
)

// Lock locks the accounts with these paths until the caller's database transaction ends, in the one order that
// everybody keeps, and waits where somebody else has locked one. Call it before several posts whose accounts are known,
// so that no other database transaction can be in the way of the second. Paths without an account lock nothing. On an
// engine with one writer there is nothing to lock.
//
// Errors: [bursar.ErrAccountInvalid]; [bursar.ErrConflict] when a deadlock with something else was found.
func (j *Joined) Lock(ctx context.Context, paths ...string) error {
	for _, path := range paths {
		if err := bursar.CheckPath(path); err != nil {
			return coded.At(err, "path")
		}
	}
	tx, err := j.join(ctx)
	if err != nil {
		return err
	}
	j.order.name(j.attempt, paths)
	return j.lock(ctx, tx, j.order.all())
}

func (j *Joined) lock(ctx context.Context, tx driver.Tx, paths []string) error {
	found, err := tx.Gather(ctx, j.book.Number, &driver.Wanted{Paths: paths, Hold: true})
	if err != nil {
		return err
	}
	return owns(&j.book, &found.Head)
}

// lockOrder is the accounts that the attempts at a block have named.
//
// An attempt that was the victim of a deadlock would run into it again if it locked the same accounts in the same
// order. So the next one locks all of them before its first verb, in the one order that everybody keeps.
type lockOrder struct {
	attempt int // the last that has named accounts
	named   map[string]bool
}

// name notes the accounts of a verb of an attempt, counted from 1. It returns what has to be locked before the verb:
// nothing, unless an earlier attempt failed and this is the first verb.
func (o *lockOrder) name(attempt int, paths []string) (first []string) {
	again := o.attempt != 0 && attempt > o.attempt
	o.attempt = attempt
	if o.named == nil {
		o.named = make(map[string]bool, len(paths))
	}
	for _, path := range paths {
		o.named[path] = true
	}
	if again {
		return o.all()
	}
	return nil
}

// all is every account that was named, in some order: the store locks them in the right one.
func (o *lockOrder) all() []string { return slices.Sorted(maps.Keys(o.named)) }

// orderKey finds what the runs of a caller's block share for one ledger.
type orderKey struct{ ledger *Ledger }

// joinOrder takes the order that earlier runs of the caller's block have left, if the database transaction has runs.
func (j *Joined) joinOrder(tx driver.CallerTx) {
	j.order, j.attempt = &lockOrder{}, 1
	if tx == nil {
		return
	}
	if block, ok := tx.DatabaseTx().(driver.Rerun); ok {
		kept, run := block.AcrossRuns(orderKey{j.ledger}, func() any { return j.order })
		j.order, j.attempt = kept.(*lockOrder), run
	}
}

// Transactor begins, commits and begins again what [Do] runs in. The stores' packages make it. Make it once and keep
// it. It is safe for concurrent use.
type Transactor[T any] = driver.Transactor[T]

// Do runs fn in a database transaction of the application's own, together with the ledger: everything that fn does with
// tx and with in commits or rolls back together. on says where, and with it of which type tx is: postgres.On(pool) for
// pgx, and the function of that name of each store for database/sql.
//
//	err := ledger.Do(ctx, l, postgres.On(pool), func(tx pgx.Tx, in *ledger.Joined) error {
//		if _, err := tx.Exec(ctx, `UPDATE orders SET state = 'paid' WHERE id = $1`, order); err != nil {
//			return err
//		}
//		_, err := in.Post(ctx, payment)
//		return err
//	})
//
// Do begins the database transaction as a ledger needs it, commits it when fn returns nil, and rolls it back when fn
// returns an error or panics. After a conflict with other database transactions it runs fn again, which therefore may
// run more than once and must not do what cannot be undone; the accounts that the last attempt has named are then
// locked first, in the order that everybody keeps. fn must not use tx or in after it has returned.
//
// What fn does with the Ledger itself is no part of it: a Post there is a database transaction of its own, and waits
// for the locks of this one until its context is done.
//
// Errors: those of fn as they are; [bursar.ErrConflict] when the budget for further attempts is spent, and then nothing
// was written; [bursar.ErrOutcomeUnknown] when the answer to the commit was lost. Calling Do again after either is safe
// if its transfers carry ids and its own rows keys.
func Do[T any](ctx context.Context, l *Ledger, on Transactor[T], fn func(tx T, in *Joined) error) error {
	order, attempt := &lockOrder{}, 0
	l.blocks.Add(1)
	defer l.blocks.Add(-1)
	return on.Do(ctx, func(ctx context.Context, tx T, caller driver.CallerTx) error {
		attempt++
		in := l.In(caller)
		in.order, in.attempt = order, attempt
		return fn(tx, in)
	})
}
