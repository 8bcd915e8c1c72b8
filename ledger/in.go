package ledger

import (
	"context"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// Joined is a ledger inside one database transaction of the caller's. Everything it does commits or rolls back
// with that transaction, and everything it reads sees it. It is not safe for concurrent use, and of no use once
// the transaction has ended.
type Joined struct {
	view
	ledger *Ledger
	caller driver.CallerTx
	tx     driver.Tx // once joined
	known  bool      // the database transaction was seen to be of the ledger's own database
	order  *lockOrder
	// attempt is which run of the caller's block this is.
	attempt int
}

// In gives every verb inside the caller's own database transaction. It reads in any that can read, also a read-only
// or REPEATABLE READ one: together with rows of your own, of one snapshot. It writes in one that keeps the ledger
// safe. That is checked at the first verb that writes; another is refused with [bursar.ErrUnsafeTransaction] and the
// remedy.
//
// A refusal under In has written nothing, leaves the caller's database transaction usable and is not remembered. A
// refusal that Post remembered earlier under the same id is honoured. Whether the money moved is known when the
// caller's commit has succeeded, not when Post returns. On an engine with many writers Posted.Seq and Posted.At are
// empty, because the journal's places are given after the commit.
//
// On such an engine the accounts of a call stay locked until the caller's database transaction ends. Two calls in it
// may want accounts in another order than somebody else, and run into a deadlock, which costs both of them the time
// that the engine takes to find it. That is [bursar.ErrConflict]: all of the caller's work has to be done again, as
// [Do] and atomic.Do do by themselves. What an attempt under one of them has named, the next one locks before its first
// verb. One PostAll of all transfers avoids the deadlock, and so does [Joined.Lock] before the first call, because both
// lock in an order that everybody keeps.
func (l *Ledger) In(tx driver.CallerTx) *Joined {
	j := &Joined{ledger: l, caller: tx}
	j.joinOrder(tx)
	j.view = view{book: l.book, now: l.now}
	j.read = func(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
		r, err := j.reader(ctx)
		if err != nil {
			return err
		}
		if err := j.recognise(ctx, r); err != nil {
			return err
		}
		return fn(ctx, r)
	}
	return j
}

func (j *Joined) join(ctx context.Context) (driver.Tx, error) {
	if j.tx != nil {
		return j.tx, nil
	}
	tx, err := j.ledger.store.Join(ctx, j.caller)
	if err != nil {
		return nil, err
	}
	j.tx = tx
	return tx, nil
}

// reader reads in the caller's database transaction. That need not be one that may write, unless it has written.
func (j *Joined) reader(ctx context.Context) (driver.Reader, error) {
	if j.tx != nil {
		return j.tx, nil
	}
	return j.ledger.store.JoinReader(ctx, j.caller)
}

// recognise refuses to read the book of another database, which may have the same number. Writing looks by itself.
func (j *Joined) recognise(ctx context.Context, r driver.Reader) error {
	if j.known {
		return nil
	}
	head, err := r.Head(ctx, j.book.Number)
	if err == nil {
		err = owns(&j.book, &head)
	}
	j.known = err == nil
	return err
}

// Post moves money when the caller's database transaction commits. Its errors are those of [Ledger.Post]; a refusal
// is not remembered.
func (j *Joined) Post(ctx context.Context, t bursar.Transfer) (bursar.Posted, error) {
	p := j.ledger.calls.take()
	job, err := j.ledger.ask(p, t)
	if err != nil {
		return bursar.Posted{}, err
	}
	if err := j.write(ctx, p.jobs); err != nil {
		return bursar.Posted{ID: job.Request.id}, err
	}
	posted := job.Posted
	j.ledger.calls.give(p)
	return posted, nil
}

// PostAll posts all of the transfers or, with an error, none. The error names the first one at fault. It takes at most
// [bursar.BatchMax] transfers.
func (j *Joined) PostAll(ctx context.Context, transfers []bursar.Transfer) ([]bursar.Posted, error) {
	p := j.ledger.calls.take()
	err := j.ledger.askAll(p, transfers, func(i int, err error) error {
		return fmt.Errorf("transfer %d: %w", i, err)
	})
	if err != nil || len(p.jobs) == 0 {
		return nil, err
	}
	if err := j.write(ctx, p.jobs); err != nil {
		for i, job := range p.jobs {
			if job.Err == err {
				return nil, fmt.Errorf("transfer %d: %w", i, err)
			}
		}
		return nil, err
	}
	posted := make([]bursar.Posted, len(p.jobs))
	for i, job := range p.jobs {
		posted[i] = job.Posted
	}
	j.ledger.calls.give(p)
	return posted, nil
}

// OpenAccount opens an account when the caller's database transaction commits.
func (j *Joined) OpenAccount(ctx context.Context, o bursar.Opening) (bursar.Posted, error) {
	r, err := requestOpen(&o)
	if err != nil {
		return bursar.Posted{}, err
	}
	alone := &job{Request: r}
	if err := j.write(ctx, []*job{alone}); err != nil {
		return bursar.Posted{}, err
	}
	return alone.Posted, nil
}

func (j *Joined) write(ctx context.Context, jobs []*job) error {
	tx, err := j.join(ctx)
	if err != nil {
		return err
	}
	var paths []string
	for _, job := range jobs {
		job.Request.paths(func(path string) { paths = append(paths, path) })
	}
	if first := j.order.name(j.attempt, paths); len(first) > 0 {
		if err := j.lock(ctx, tx, first); err != nil {
			return err
		}
	}
	return j.ledger.writer.postIn(ctx, tx, jobs)
}
