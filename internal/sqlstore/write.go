package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// errOvertaken means that what a batch claims was claimed by somebody else.
var errOvertaken = fmt.Errorf("%w: %w", driver.ErrOvertaken, atomic.ErrStale)

// writer is the part of a tx that writes a batch.
type writer struct {
	*session
	steps steps
	stock *keyStock
}

// Insert writes a batch. In a database transaction of the caller's it does so under a savepoint: the caller may
// commit in spite of an error, and must not commit half a batch.
func (w writer) Insert(ctx context.Context, b *driver.Batch) error {
	p := w.pipeline(ctx)
	switch {
	case !w.joined:
		return w.whole(p, b)
	case w.block != nil:
		return w.block.Savepoint(ctx, func(ctx context.Context, _ *atomic.Tx) error {
			p.ctx = ctx
			return w.whole(p, b)
		})
	default:
		return w.underSavepoint(p, b)
	}
}

// InsertClaimed writes what Claim has left, in a database transaction of the store's own.
func (w writer) InsertClaimed(ctx context.Context, b *driver.Batch) error {
	return w.run(w.pipeline(ctx), b, w.steps.guarding(), w.steps.finishing())
}

func (w writer) whole(p *pipeline, b *driver.Batch) error {
	return w.run(p, b, w.steps.guarding(), w.steps.claiming(), w.steps.finishing())
}

// run takes steps and sends what is left of them.
func (w writer) run(p *pipeline, b *driver.Batch, parts ...[]step) error {
	err := w.add(p, b, parts...)
	if err == nil {
		err = w.stopped(p, p.flush())
	}
	switch {
	case w.memory == nil:
	case err != nil:
		w.memory.forget()
	default:
		w.memory.learn(b)
	}
	return err
}

// add takes steps.
func (w writer) add(p *pipeline, b *driver.Batch, parts ...[]step) error {
	for _, steps := range parts {
		for _, step := range steps {
			p.step = step.what
			if err := step.write(p, b); err != nil {
				return w.stopped(p, err)
			}
		}
	}
	return nil
}

// stopped is the error of the step that a pipeline stopped at; nil if there is none.
func (w writer) stopped(p *pipeline, err error) error {
	unique := err != nil && w.dialect.kind(err) == atomic.KindUnique
	if unique && w.dialect.Can.KeyBlocks && p.step != claim {
		w.stock.drop() // a server that crashed may hand out a block of keys twice
	}
	switch {
	case w.dialect.Can.ManyWriters && (p.step == claim || p.step == taking) && (unique || errors.Is(err, errStale)):
		err = fmt.Errorf("%w: %v", errOvertaken, err)
	case unique && w.dialect.Can.KeyBlocks:
		err = fmt.Errorf("%w: %w", errStale, err)
	}
	return w.fault(p.step, err)
}

const (
	setSavepoint     = "SAVEPOINT bursar_insert"
	undoSavepoint    = "ROLLBACK TO SAVEPOINT bursar_insert"
	releaseSavepoint = "RELEASE SAVEPOINT bursar_insert"
)

// underSavepoint writes a whole batch, or nothing of it.
func (w writer) underSavepoint(p *pipeline, b *driver.Batch) error {
	p.step = "set a savepoint"
	if err := p.exec(setSavepoint, nil, -1); err != nil {
		return w.fault(p.step, err)
	}
	if w.dialect.endsUnseen() {
		// Rolling back to it does nothing, and fails if it is gone, because no database transaction is open any more.
		if _, err := w.db.Exec(p.ctx, undoSavepoint); err != nil {
			return w.ended(err)
		}
	}
	ctx := p.ctx
	err := w.whole(p, b)
	if err != nil {
		ctx = context.WithoutCancel(ctx)
		_, undo := w.db.Exec(ctx, undoSavepoint)
		err = errors.Join(err, undo)
	}
	_, release := w.db.Exec(ctx, releaseSavepoint)
	return errors.Join(err, w.fault("release the savepoint", release))
}

// ended is the error of a savepoint that is not there. On some engines a deadlock, or a lock wait that took too long,
// ends the whole database transaction, and what comes after it would be committed statement by statement.
func (w writer) ended(err error) error {
	if w.dialect.kind(err) != atomic.KindStatement {
		return w.fault("look for the savepoint", err)
	}
	return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err, Message: "the database transaction is not open " +
		"any more: an earlier error has rolled it back, so begin again from the start"}
}
