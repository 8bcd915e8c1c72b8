package bursar

import (
	"context"
	"errors"
	"log/slog"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// Job is one request on its way and, once written, its result. A Writer fills in the rest.
type Job struct {
	Request *Request
	Posted  Posted
	Err     error
	// Held is the path of an account that someone else holds, for which the job, or one before it in the same call that shares
	// an account with it, has to wait. Nothing was decided then: the job is to be written again. It is empty but in mode [Queue].
	Held string

	call *Job // the first one of the call that it came with
}

// Writer writes requests. Every strategy, and a ledger without one, changes money only through it. It is safe for
// concurrent use.
type Writer struct {
	store    Store
	book     Book
	clock    clock.Clock
	observer *Observer
	logger   *slog.Logger
	unsealed func() // told of entries that were committed unsealed; nil when nobody seals in the background
}

// Write judges the jobs in order, each alone, in one database transaction of the store's own, and fills in their
// results: a refused job does not touch the others. Refusals that depend on the state of the ledger are remembered
// under the job's id. The error is about the whole batch: then no job has a result and nothing is known to be
// written. Writing the same jobs again is safe: those already written are replayed.
func (w *Writer) Write(ctx context.Context, mode Mode, jobs []*Job) error {
	return w.writeAfter(ctx, mode, "", jobs)
}

// WriteAfter is Write in mode [Queue], but waits first, before it holds anything, until nobody else holds the account with this
// path. The jobs may be held for another.
func (w *Writer) WriteAfter(ctx context.Context, path string, jobs []*Job) error {
	return w.writeAfter(ctx, Queue, path, jobs)
}

func (w *Writer) writeAfter(ctx context.Context, mode Mode, await string, jobs []*Job) error {
	began := w.clock.Now()
	later := w.store.SealsLater() && mode != Queue
	err := w.store.Write(ctx, mode, w.observer.retried, func(ctx context.Context, tx Tx) error {
		j, err := w.judge(ctx, tx, await, jobs)
		if err != nil || len(j.requests) == 0 {
			return err
		}
		return w.write(ctx, tx, j, !later)
	})
	if err != nil {
		w.note(ctx, len(jobs), err)
		return err
	}
	if later && w.unsealed != nil {
		w.unsealed()
	}
	w.observer.wrote(jobs, w.clock.Now().Sub(began))
	return nil
}

// write writes what was judged and fills in the results that depend on it.
func (w *Writer) write(ctx context.Context, tx Tx, j *judgement, seal bool) error {
	batch := j.batch()
	if seal && len(batch.Entries) > 0 { // refusals alone have no place in the journal, and need not wait for the head
		if err := w.seal(ctx, tx, batch, j.head); err != nil {
			return err
		}
	}
	if err := tx.Insert(ctx, batch); err != nil {
		return err
	}
	j.answer(batch)
	return nil
}

// note tells the operator of a batch that was not written for a reason that concerns an operator. Callers get the
// same error; but they may be many, or gone.
func (w *Writer) note(ctx context.Context, requests int, err error) {
	level, message := slog.LevelWarn, "a batch was not written"
	switch CodeOf(err) {
	case Canceled, Closed, Busy, UnsafeTransaction, InTransaction:
		return
	case OutcomeUnknown:
		message = "a batch may or may not have been written"
	case Corrupt, Internal:
		level = slog.LevelError
	}
	w.logger.Log(ctx, level, message, "book", w.book.Name, "requests", requests,
		"code", string(CodeOf(err)), "error", err)
}

// overtakenMax is how often writeIn looks again after it was overtaken. Once is enough for a database transaction that sees what
// others have committed since it began.
const overtakenMax = 3

// writeIn is all or nothing over its jobs inside the caller's database transaction. The first refusal is
// returned, and then nothing has been written and nothing is remembered.
func (w *Writer) writeIn(ctx context.Context, tx Tx, jobs []*Job) error {
	for attempt := 1; ; attempt++ {
		j, err := w.judge(ctx, tx, "", jobs)
		if err != nil {
			return err
		}
		for _, job := range jobs {
			if job.Err != nil {
				return job.Err
			}
		}
		if len(j.requests) == 0 {
			return nil
		}
		err = w.write(ctx, tx, j, !w.store.SealsLater())
		if attempt == overtakenMax || !errors.Is(err, ErrOvertaken) {
			return err
		}
	}
}
