package atomictest

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar/atomic"
)

var doubtBehaviours = []behaviour{
	{115, "a commit that took effect but whose answer was lost is unknown, and not called a failure", func(f *fixture) {
		var log eventLog
		f.inject(&faultyDialect{commit: afterCommitting(f.Dialect, errStorage)})
		err := f.do(f.watched(&log), nil)
		f.is(err, atomic.ErrOutcomeUnknown, errStorage)
		log.want(f, "ran")
		f.wantWords("perhaps")
		f.db = f.open(f.Dialect)
	}},
	{116, "a commit that did not take effect and got no answer is unknown too", func(f *fixture) {
		var log eventLog
		f.inject(&faultyDialect{commit: func(context.Context, *sql.Conn) error { return errStorage }})
		f.is(f.do(f.watched(&log), nil), atomic.ErrOutcomeUnknown, errStorage)
		log.want(f, "ran")
		f.db = f.open(f.Dialect)
		f.must(f.do(func(context.Context, *atomic.Tx) error { return nil }, nil))
		f.wantWords()
	}},
	{117, "a connection in doubt is closed, not given to the next caller", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		f.must(f.do(func(context.Context, *atomic.Tx) error { return nil }, nil))
		f.wantConnections("after a commit", 1)
		f.inject(&faultyDialect{commit: afterCommitting(f.Dialect, errStorage)})
		f.is(f.do(f.adding("perhaps"), nil), atomic.ErrOutcomeUnknown)
		f.wantConnections("after a commit in doubt", 0)
		f.db = f.open(f.Dialect)
	}},
	{118, "a connection whose rollback failed is closed", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		f.inject(&faultyDialect{rollback: failedRollback(errStorage)})
		f.is(f.do(f.addingThen("gone", errRefused), nil), errRefused)
		f.wantConnections("after the rollback", 0)
		f.db = f.open(f.Dialect)
		f.wantWords()
	}},
	{119, "a conflict answered to COMMIT is a definite no, and the block runs again", func(f *fixture) {
		commits := 0
		f.inject(&faultyDialect{commit: func(ctx context.Context, conn *sql.Conn) error {
			commits++
			if commits > 1 {
				return f.Dialect.Commit(ctx, conn)
			}
			_ = f.Dialect.Rollback(ctx, conn)
			return errConflict
		}})
		runs := 0
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			runs++
			return f.add(ctx, tx, "kept")
		}, nil))
		f.same("runs", runs, 2)
		f.wantWords("kept")
	}},
	{120, "an unknown outcome inside another database's block does not make that one run again", func(f *fixture) {
		f.inject(&faultyDialect{commit: afterCommitting(f.Dialect, errStorage)})
		second := newFixture(f.T, f.Harness)
		second.inject(&faultyDialect{classify: func(error) (atomic.Class, bool) {
			return atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageNone, Code: "anything"}, true
		}})
		runs := 0
		f.is(second.do(func(ctx context.Context, _ *atomic.Tx) error {
			runs++
			return atomic.Do(ctx, f.db, f.adding("perhaps"), nil)
		}, nil), atomic.ErrOutcomeUnknown)
		f.same("runs", runs, 1)
		f.db = f.open(f.Dialect)
	}},
	{121, "a swallowed error of a prepared statement never looks committed where the engine broke",
		func(f *fixture) {
			var log eventLog
			err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
				tx.OnCommit(log.commits("committed"))
				insert, err := f.on(tx).PrepareContext(ctx, f.Speech.sql(`INSERT INTO words VALUES (?)`))
				f.must(err)
				_, err = insert.ExecContext(ctx, "once")
				f.must(err)
				if _, err := insert.ExecContext(ctx, "once"); err == nil {
					f.Error("the same word went in twice")
				}
				return nil
			}, nil)
			if f.Can.BreaksOnError {
				f.same("Do reports an error", err != nil, true)
				f.isNot(err, atomic.ErrOutcomeUnknown)
				log.want(f)
				f.wantWords()
				return
			}
			f.must(err)
			log.want(f, "committed")
			f.wantWords("once")
		}},
	{122, "a connection killed in the middle of a block makes it run again on another one", func(f *fixture) {
		f.killed(func(ctx context.Context, tx *atomic.Tx, id int64) error {
			f.kill(id)
			return f.add(ctx, tx, "after the end")
		})
	}},
	{123, "a connection killed before COMMIT is sent commits nothing, and is unknown or tried again", func(f *fixture) {
		f.killedAtCommit()
	}},
}

// afterCommitting commits and then loses the answer.
func afterCommitting(d atomic.Dialect, lost error) func(context.Context, *sql.Conn) error {
	return func(ctx context.Context, conn *sql.Conn) error {
		if err := d.Commit(ctx, conn); err != nil {
			return err
		}
		return lost
	}
}

// watched is a block whose hooks after the end are noted.
func (f *fixture) watched(log *eventLog) block {
	return func(ctx context.Context, tx *atomic.Tx) error {
		log.note("ran")
		tx.OnCommit(log.commits("committed"))
		tx.OnRollback(log.undoes("undone"))
		return f.add(ctx, tx, "perhaps")
	}
}

// killed runs a block whose first run loses its session.
func (f *fixture) killed(body func(ctx context.Context, tx *atomic.Tx, id int64) error) {
	f.Helper()
	if !f.Can.Kill {
		f.lacks()
		f.same("how sessions are ended", f.Speech.Kill, "")
		return
	}
	runs := 0
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		runs++
		f.must(f.add(ctx, tx, "kept"))
		if runs > 1 {
			return nil
		}
		id, err := f.number(ctx, tx, f.Speech.SessionID)
		f.must(err)
		return body(ctx, tx, id)
	}, nil))
	f.same("runs", runs, 2)
	f.wantWords("kept")
}

func (f *fixture) killedAtCommit() {
	f.Helper()
	if !f.Can.Kill {
		f.lacks()
		f.same("how sessions are ended", f.Speech.Kill, "")
		return
	}
	commits := 0
	f.inject(&faultyDialect{commit: func(ctx context.Context, conn *sql.Conn) error {
		commits++
		if commits == 1 {
			id, err := f.number(ctx, conn, f.Speech.SessionID)
			f.must(err)
			f.kill(id)
		}
		return f.Dialect.Commit(ctx, conn)
	}})
	var log eventLog
	err := f.do(f.watched(&log), nil)
	f.db = f.open(f.Dialect)
	if err != nil {
		f.is(err, atomic.ErrOutcomeUnknown)
		log.want(f, "ran")
		f.wantWords()
		return
	}
	log.want(f, "ran", "undone", "ran", "committed")
	f.wantWords("perhaps")
}
