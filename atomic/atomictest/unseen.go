package atomictest

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

var unseenBehaviours = []behaviour{
	{222, "a deadlock that only a prepared statement's caller saw, swallowed as the last thing, never looks committed",
		func(f *fixture) { f.unseenDeadlock() }},
	{223, "a hook after a rollback that panics lets the others run, and the rollback stands", func(f *fixture) {
		var log eventLog
		func() {
			defer func() { f.same("recovered", recover(), "hook") }()
			_ = f.do(func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnRollback(log.undoes("the other"))
				tx.OnRollback(func() { panic("hook") })
				return f.addingThen("gone", errRefused)(ctx, tx)
			}, nil)
		}()
		log.want(f, "the other")
		f.wantWords()
	}},
	{224, "a statement refused by a constraint other than a key is told apart from a duplicate", func(f *fixture) {
		f.exec(`CREATE TABLE counted (n INTEGER NOT NULL CHECK (n > 0))`)
		for _, statement := range []string{`INSERT INTO counted VALUES (-1)`, `INSERT INTO counted VALUES (NULL)`} {
			err := f.do(func(ctx context.Context, tx *atomic.Tx) error { return f.run(ctx, tx, statement) }, nil)
			if kind := f.Dialect.Classify(err).Kind; kind != atomic.KindConstraint {
				f.Errorf("%s = %v of kind %d, want a violated constraint", statement, err, kind)
			}
		}
	}},
}

// unseenDeadlock meets a deadlock in a statement that runs past the Tx.
func (f *fixture) unseenDeadlock() {
	f.Helper()
	_, ends := f.deadlock(func(ctx context.Context, tx *atomic.Tx, item int) error {
		update, err := f.on(tx).PrepareContext(ctx, f.Speech.sql(`UPDATE stock SET pieces = pieces + 1 WHERE item = ?`))
		if err == nil {
			_, _ = update.ExecContext(ctx, item)
		}
		return err
	})
	all := f.pieces(f.ctx, f.other, 1) + f.pieces(f.ctx, f.other, 2)
	if f.Can.OneWriter || f.Native != nil { // There is no deadlock, or the Tx has seen it and the block has run again.
		f.lacks()
		f.must(errors.Join(ends[:]...))
		f.same("all pieces", all, 34)
		return
	}
	if (ends[0] == nil) == (ends[1] == nil) {
		f.Errorf("the blocks ended with %v and %v, want an error from one of them", ends[0], ends[1])
	}
	f.is(errors.Join(ends[:]...), atomic.ErrBroken)
	f.same("all pieces", all, 32)
}
