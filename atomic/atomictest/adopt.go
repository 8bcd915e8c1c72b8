package atomictest

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar/atomic"
)

var adoptBehaviours = []behaviour{
	{202, "a *sql.Tx that the application began takes part in blocks, and the application commits", func(f *fixture) {
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			f.must(f.add(f.ctx, tx, "application"))
			f.must(f.add(f.ctx, a.Tx(), "adopted"))
			f.must(f.inner(a.Context(f.ctx), f.adding("nested"), atomic.Nested))
			f.must(a.Ready(f.ctx))
			f.must(tx.Commit())
			f.must(a.Committed(f.ctx))
		})
		f.wantWords("application", "adopted", "nested")
	}},
	{203, "a block inside an adopted database transaction is undone alone", func(f *fixture) {
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			f.must(f.add(f.ctx, tx, "kept"))
			f.is(f.inner(a.Context(f.ctx), f.addingThen("gone", errRefused), atomic.Nested), errRefused)
			f.must(a.Ready(f.ctx))
			f.must(tx.Commit())
			f.must(a.Committed(f.ctx))
		})
		f.wantWords("kept")
	}},
	{204, "hooks after the commit run when the application says that it has committed, and once", func(f *fixture) {
		var log eventLog
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			a.Tx().OnCommit(log.commits("committed"))
			a.Tx().BeforeCommit(log.commits("before"))
			a.Tx().OnRollback(log.undoes("undone"))
			f.must(a.Ready(f.ctx))
			f.must(tx.Commit())
			log.want(f, "before")
			f.must(a.Committed(f.ctx))
			f.must(a.Committed(f.ctx))
			a.RolledBack()
		})
		log.want(f, "before", "committed")
	}},
	{205, "hooks after a rollback run when the application says that it has rolled back", func(f *fixture) {
		var log eventLog
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			a.Tx().OnCommit(log.commits("committed"))
			a.Tx().OnRollback(log.undoes("undone"))
			f.must(tx.Rollback())
			a.RolledBack()
		})
		log.want(f, "undone")
	}},
	{206, "an error swallowed inside is found by Ready, before the application commits", func(f *fixture) {
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			_ = f.inner(a.Context(f.ctx), f.addingThen("gone", errRefused), atomic.Join)
			f.is(a.Ready(f.ctx), atomic.ErrBroken, errRefused)
			func() {
				defer func() { f.same("Committed panicked", recover() != nil, true) }()
				_ = a.Committed(f.ctx)
			}()
			f.must(tx.Rollback())
			a.RolledBack()
		})
		f.wantWords()
	}},
	{207, "a failed database transaction cannot be adopted where the engine broke", func(f *fixture) {
		tx, err := f.pool.BeginTx(f.ctx, nil)
		f.must(err)
		f.must(f.add(f.ctx, tx, "once"))
		if err := f.add(f.ctx, tx, "once"); err == nil {
			f.Error("the same word went in twice")
		}
		_, err = atomic.Adopt(f.ctx, tx, f.Dialect, nil)
		if f.Can.BreaksOnError {
			f.is(err, atomic.ErrBroken)
		} else {
			f.must(err)
		}
		f.must(tx.Rollback())
	}},
	{208, "a connection without a database transaction cannot be adopted, and a pool never", func(f *fixture) {
		conn, err := f.pool.Conn(f.ctx)
		f.must(err)
		_, err = atomic.Adopt(f.ctx, conn, f.Dialect, nil)
		f.is(err, atomic.ErrRequired)
		f.must(conn.Close())
		_, err = atomic.Adopt(f.ctx, f.pool, f.Dialect, nil)
		f.is(err, atomic.ErrUnsupported)
	}},
	{209, "a connection on which the application said BEGIN can be adopted", func(f *fixture) {
		conn, err := f.pool.Conn(f.ctx)
		f.must(err)
		defer conn.Close()
		f.must(f.run(f.ctx, conn, `BEGIN`))
		a, err := atomic.Adopt(f.ctx, conn, f.Dialect, nil)
		f.must(err)
		f.must(a.Tx().Savepoint(f.ctx, f.adding("kept")))
		f.must(a.Ready(f.ctx))
		f.must(f.run(f.ctx, conn, `COMMIT`))
		f.must(a.Committed(f.ctx))
		f.wantWords("kept")
	}},
	{210, "an adopted Tx is ended by Ready, and control statements through it are refused before", func(f *fixture) {
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			f.is(f.run(f.ctx, a.Tx(), `COMMIT`), atomic.ErrControl)
			f.must(a.Ready(f.ctx))
			f.is(f.add(f.ctx, a.Tx(), "late"), atomic.ErrEnded)
			f.must(tx.Rollback())
			a.RolledBack()
		})
		f.wantWords()
	}},
	{211, "a durable block inside an adopted database transaction is refused", func(f *fixture) {
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			f.is(f.inner(a.Context(f.ctx), f.adding("never"), atomic.Outermost), atomic.ErrNested)
			f.must(tx.Rollback())
			a.RolledBack()
		})
		f.wantWords()
	}},
	{212, "a conflict inside an adopted database transaction is returned and not retried", func(f *fixture) {
		f.inject(&faultyDialect{})
		f.adopted(func(tx *sql.Tx, a *atomic.Adopted) {
			runs := 0
			f.is(f.inner(a.Context(f.ctx), func(context.Context, *atomic.Tx) error {
				runs++
				return errConflict
			}, atomic.Nested), errConflict)
			f.same("runs", runs, 1)
			f.must(tx.Rollback())
			a.RolledBack()
		})
		f.wantRetried()
	}},
}

// adopted begins a database transaction as an application does, and adopts it.
func (f *fixture) adopted(body func(tx *sql.Tx, a *atomic.Adopted)) {
	f.Helper()
	tx, err := f.pool.BeginTx(f.ctx, nil)
	f.must(err)
	defer func() { _ = tx.Rollback() }() // For a behaviour that ends early.
	a, err := atomic.Adopt(f.ctx, tx, f.Dialect, &atomic.AdoptOptions{DB: f.db})
	f.must(err)
	body(tx, a)
}
