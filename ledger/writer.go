package ledger

import (
	"context"
	"errors"
	"log/slog"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// job is one request on its way and, once written, its result. A writer fills in the rest.
type job struct {
	Request *request
	Posted  bursar.Posted
	Err     error
	// Blocked is the path of an account that somebody else has locked: the job, or one before it in the same call that
	// shares an account with it, has to wait for that. Nothing was decided then, and the job is to be written again. It
	// is empty but in driver.ModeQueue.
	Blocked string

	call *job // the first one of the call that it came with
}

// writer writes requests. Every strategy, and a ledger without one, changes money only through it. It is safe for
// concurrent use.
type writer struct {
	store    driver.Store
	book     bursar.Book
	clock    Clock // measures how long batches take
	time     *timekeeper
	observer *Observer
	logger   *slog.Logger
	unsealed func() // told of entries that were committed unsealed; nil when nobody seals in the background

	judgements spare[judgement]
}

// post judges the jobs in order, each alone, in one database transaction of the store's own, and fills in their
// results: a refused job does not touch the others. Refusals that depend on the state of the ledger are remembered
// under the job's id. Unless await is empty, the account with that path is waited for first, before anything is locked.
//
// The error is about the whole batch: then no job has a result and nothing is known to be written. Posting the same
// jobs again is safe: those already written are replayed.
func (w *writer) post(ctx context.Context, mode driver.Mode, await string, jobs []*job) error {
	began := w.clock.Now()
	later := w.store.SealsLater() && mode != driver.ModeQueue
	j := w.judgements.take()
	defer w.judgements.give(j)
	err := w.store.Write(ctx, mode, w.observer.retried(ctx), func(ctx context.Context, tx driver.Tx) error {
		err := w.judge(ctx, tx, j, true, await, jobs)
		if err != nil || j.empty() {
			return err
		}
		return w.record(ctx, tx, j, !later)
	})
	if err != nil {
		w.note(ctx, len(jobs), err)
		return err
	}
	if later && w.unsealed != nil {
		w.unsealed()
	}
	w.observer.committed(ctx, jobs, w.clock.Now().Sub(began))
	return nil
}

// overtakenMax is how often postIn looks again after it was overtaken. Once is enough for a database transaction that
// sees what others have committed since it began.
const overtakenMax = 3

// postIn is all or nothing over its jobs inside the caller's database transaction. The first refusal is returned, and
// then nothing has been written and nothing is remembered.
func (w *writer) postIn(ctx context.Context, tx driver.Tx, jobs []*job) error {
	err := w.tryIn(ctx, tx, jobs)
	switch {
	case err == nil:
		w.observer.answered(ctx, jobs)
	case err == firstRefusal(jobs):
		w.observer.refused(ctx, err)
	}
	return err
}

func (w *writer) tryIn(ctx context.Context, tx driver.Tx, jobs []*job) error {
	j := w.judgements.take()
	defer w.judgements.give(j)
	for attempt := 1; ; attempt++ {
		err := w.judge(ctx, tx, j, false, "", jobs)
		if err != nil {
			return err
		}
		if err := firstRefusal(jobs); err != nil {
			return err
		}
		if j.empty() {
			return nil
		}
		err = w.record(ctx, tx, j, !w.store.SealsLater())
		if attempt == overtakenMax || !errors.Is(err, driver.ErrOvertaken) {
			return err
		}
	}
}

func firstRefusal(jobs []*job) error {
	for _, job := range jobs {
		if job.Err != nil {
			return job.Err
		}
	}
	return nil
}

// record writes what was judged and fills in the results that depend on it. Refusals alone have no place in the
// journal, and need not wait for the head.
func (w *writer) record(ctx context.Context, tx driver.Tx, j *judgement, seal bool) (err error) {
	batch, insert := j.batch(), tx.Insert
	if seal && len(batch.Entries) > 0 {
		if insert, err = w.seal(ctx, tx, j, batch); err != nil {
			return err
		}
	}
	if err := insert(ctx, batch); err != nil {
		return err
	}
	j.settle(batch)
	return nil
}

// note tells the operator of a batch that was not written for a reason that concerns an operator. Callers get the
// same error; but they may be many, or gone.
func (w *writer) note(ctx context.Context, requests int, err error) {
	level, message := slog.LevelWarn, "a batch was not written"
	switch bursar.CodeOf(err) {
	case bursar.CodeCanceled, bursar.CodeClosed, bursar.CodeBusy, bursar.CodeUnsafeTransaction, bursar.CodeInTransaction:
		return
	case bursar.CodeOutcomeUnknown:
		message = "a batch may or may not have been written"
	case bursar.CodeCorrupt, bursar.CodeInternal:
		level = slog.LevelError
	}
	w.logger.Log(ctx, level, message, "book", w.book.Name, "requests", requests,
		"code", string(bursar.CodeOf(err)), "error", err)
}
