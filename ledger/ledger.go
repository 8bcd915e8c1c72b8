package ledger

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// Ledger is one book in one database. It is safe for concurrent use.
//
// Where the database's server takes no writes, as a standby or a replica, all that reads works and tells how old it is
// by [Ledger.Freshness]. All that writes is [bursar.ErrUnavailable], at once, until the server is promoted.
//
// With the context of an open block of package atomic over the store's own handle, what reads does so inside that block
// and sees what it has written. What writes is refused with [bursar.ErrInTransaction]: [Ledger.In] is meant then.
type Ledger struct {
	view
	store  driver.Store
	writer *writer
	poster poster
	sealer *sealer // nil when there is nothing for it to do
	clock  Clock
	blocks atomic.Int32 // of Do that are open
	calls  spare[posting]
}

// Book is the book that the ledger keeps.
func (l *Ledger) Book() bursar.Book { return l.book }

// NewID makes an id of version 7: ids made later sort later, which keeps a large database fast.
func (l *Ledger) NewID() (bursar.ID, error) { return newID(l.clock.Now()) }

// OpenAccount opens an account. It may be called again with the same opening: the account is opened once.
//
// Errors: [bursar.ErrAccountExists] when the path is taken with other settings, those of [bursar.Opening.Validate], and
// those of Post.
func (l *Ledger) OpenAccount(ctx context.Context, o bursar.Opening) (bursar.Posted, error) {
	r, err := requestOpen(&o)
	if err != nil {
		return bursar.Posted{}, err
	}
	alone := &job{Request: r}
	alone.call = alone
	if err := l.post(ctx, []*job{alone}); err != nil {
		return bursar.Posted{}, err
	}
	return alone.Posted, alone.Err
}

// Post moves money in a database transaction of the ledger's own and returns when it is durable. Calling Post again
// with the same transfer is always safe: it happens once.
//
// A refusal that depends on the state of the ledger is final for an attempt, and marked so: the same transfer sent
// again is refused again, and another attempt needs another id. Of a thing no refusal is remembered: the same
// transfer may succeed later. Which of both a transfer is, its id says; see [bursar.ID.Thing].
//
// Errors: those of [bursar.Transfer.Validate]; [bursar.ErrIDReused]; refusals; [bursar.ErrInTransaction] when ctx
// carries an open atomic transaction, for which [Ledger.In] is meant; [bursar.ErrBusy], [bursar.ErrConflict],
// [bursar.ErrUnavailable], [bursar.ErrCanceled] and [bursar.ErrClosed] when nothing was written;
// [bursar.ErrOutcomeUnknown] when it is not known whether it was.
func (l *Ledger) Post(ctx context.Context, t bursar.Transfer) (bursar.Posted, error) {
	p := l.calls.take()
	job, err := l.ask(p, t)
	if err != nil {
		return bursar.Posted{}, err
	}
	if err := l.post(ctx, p.jobs); err != nil {
		return bursar.Posted{ID: job.Request.id}, err
	}
	posted, err := job.Posted, job.Err
	l.calls.give(p)
	return posted, err
}

// PostBatch posts many transfers, at most [bursar.BatchMax], in order. Each is judged alone as by Post, and has a
// result of its own. The error is about the call as a whole, as Post returns it for the database's own troubles. Then
// there are no results, and sending the same transfers again is safe if they carry ids.
func (l *Ledger) PostBatch(ctx context.Context, transfers []bursar.Transfer) ([]bursar.Result, error) {
	results := make([]bursar.Result, len(transfers))
	p := l.calls.take()
	err := l.askAll(p, transfers, func(i int, err error) error {
		results[i].Err = err
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(p.jobs) > 0 {
		if err := l.post(ctx, p.jobs); err != nil {
			return nil, err
		}
	}
	for i := range p.asked {
		if job := &p.asked[i].job; job.Request != nil {
			results[i] = bursar.Result{Posted: job.Posted, Err: job.Err}
		}
	}
	l.calls.give(p)
	return results, nil
}

// Seal gives every committed entry its place in the journal, and returns the head. On an engine with one writer there
// is never anything left to seal. Elsewhere the ledger seals by itself soon after each commit; call Seal where that
// is not soon enough. An entry whose database transaction is still open is not committed, and delays nothing.
func (l *Ledger) Seal(ctx context.Context) (bursar.Head, error) {
	if !l.store.SealsLater() {
		return l.Head(ctx)
	}
	if l.store.InTransaction(ctx) {
		return bursar.Head{}, inTransaction()
	}
	for {
		more, err := l.writer.sealOnce(ctx, true)
		if err != nil {
			return bursar.Head{}, err
		}
		if !more {
			return l.Head(ctx)
		}
	}
}

// Freshness is the head, with what says how old it is: the time by the database's clock, and what a replica knows of
// how it follows the server that takes writes. It is [bursar.ErrInTransaction] when ctx carries an open atomic
// transaction, because it asks the server outside of one.
func (l *Ledger) Freshness(ctx context.Context) (f bursar.Freshness, err error) {
	if l.store.InTransaction(ctx) {
		return f, inTransaction()
	}
	standing, err := l.store.Standing(ctx) // before the head: what it says holds for that then
	if err != nil {
		return f, err
	}
	f.Now, f.Replica = standing.Now, standing.Replica
	f.Head, err = l.Head(ctx)
	return f, err
}

// reachTime seals what is committed and moves the head's time to at, which must be past.
func (l *Ledger) reachTime(ctx context.Context, at bursar.Instant) error {
	if l.store.InTransaction(ctx) {
		return inTransaction()
	}
	for {
		more, err := l.writer.reach(ctx, at)
		if err != nil || !more {
			return err
		}
	}
}

// Close stops taking posts and waits until those already taken are answered, or ctx is done. It does not close
// the store. Calling it twice is fine. [Ledger.In] goes on, because the caller's database transaction may be under way;
// on an engine with many writers its entries are sealed by another program, or by the next one.
func (l *Ledger) Close(ctx context.Context) error {
	err := l.poster.Close(ctx)
	if l.sealer != nil {
		err = errors.Join(err, l.sealer.close(ctx))
	}
	return err
}

func inTransaction() error {
	return bursar.Errorf(bursar.CodeInTransaction,
		"this context carries an open database transaction: use ledger.In(tx) to take part in it")
}

// post has the jobs of one call written.
func (l *Ledger) post(ctx context.Context, jobs []*job) error {
	if l.store.InTransaction(ctx) {
		return inTransaction()
	}
	err := l.poster.Post(ctx, jobs)
	if l.blocks.Load() == 0 {
		return err
	}
	switch code := bursar.CodeOf(err); code {
	case bursar.CodeBusy, bursar.CodeConflict, bursar.CodeCanceled:
		return &bursar.Error{Code: code, Err: err, Message: "a database transaction of ledger.Do is open in this program, " +
			"and may be what this call waited for: inside one, post with the Joined that its function is given"}
	default:
		return err
	}
}

// ask makes the request of a call that has only one.
func (l *Ledger) ask(p *posting, t bursar.Transfer) (*job, error) {
	one := [1]bursar.Transfer{t}
	p.begin(one[:])
	if err := p.ask(0, &one[0], l.NewID); err != nil {
		return nil, err
	}
	return p.jobs[0], nil
}

// askAll checks transfers one by one and makes their requests; malformed is told of those that fail and may stop it
// with an error.
func (l *Ledger) askAll(p *posting, transfers []bursar.Transfer, malformed func(int, error) error) error {
	if len(transfers) > bursar.BatchMax {
		return bursar.Errorf(bursar.CodeTooLarge,
			"%d transfers are more than %d; send them in parts", len(transfers), bursar.BatchMax)
	}
	p.begin(transfers)
	for i := range transfers {
		if err := p.ask(i, &transfers[i], l.NewID); err != nil {
			if err := malformed(i, err); err != nil {
				return err
			}
		}
	}
	return nil
}
