package ledger

import (
	"context"
	"errors"
	"log/slog"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// Job is one request on its way and, once written, its result. A Writer fills in the rest.
type job struct {
	Request *request
	Posted  bursar.Posted
	Err     error
	// Held is the path of an account that someone else holds, for which the job, or one before it in the same call that shares
	// an account with it, has to wait. Nothing was decided then: the job is to be written again. It is empty but in mode [Queue].
	Blocked string

	call *job // the first one of the call that it came with
}

// Writer writes requests. Every strategy, and a ledger without one, changes money only through it. It is safe for
// concurrent use.
type writer struct {
	store    driver.Store
	book     bursar.Book
	clock    clock.Clock
	observer *Observer
	logger   *slog.Logger
	unsealed func() // told of entries that were committed unsealed; nil when nobody seals in the background
}

// Write judges the jobs in order, each alone, in one database transaction of the store's own, and fills in their
// results: a refused job does not touch the others. Refusals that depend on the state of the ledger are remembered
// under the job's id. The error is about the whole batch: then no job has a result and nothing is known to be
// written. Writing the same jobs again is safe: those already written are replayed.
func (w *writer) Write(ctx context.Context, mode driver.Mode, jobs []*job) error {
	return w.writeAfter(ctx, mode, "", jobs)
}

// WriteAfter is Write in mode [Queue], but waits first, before it holds anything, until nobody else holds the account with this
// path. The jobs may be held for another.
func (w *writer) WriteAfter(ctx context.Context, path string, jobs []*job) error {
	return w.writeAfter(ctx, driver.ModeQueue, path, jobs)
}

func (w *writer) writeAfter(ctx context.Context, mode driver.Mode, await string, jobs []*job) error {
	began := w.clock.Now()
	later := w.store.SealsLater() && mode != driver.ModeQueue
	err := w.store.Write(ctx, mode, w.observer.retried, func(ctx context.Context, tx driver.Tx) error {
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
func (w *writer) write(ctx context.Context, tx driver.Tx, j *judgement, seal bool) error {
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

// overtakenMax is how often writeIn looks again after it was overtaken. Once is enough for a database transaction that sees what
// others have committed since it began.
const overtakenMax = 3

// writeIn is all or nothing over its jobs inside the caller's database transaction. The first refusal is
// returned, and then nothing has been written and nothing is remembered.
func (w *writer) writeIn(ctx context.Context, tx driver.Tx, jobs []*job) error {
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
		if attempt == overtakenMax || !errors.Is(err, driver.ErrOvertaken) {
			return err
		}
	}
}
