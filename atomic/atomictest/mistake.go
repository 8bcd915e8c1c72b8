package atomictest

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

var mistakeBehaviours = []behaviour{
	{229, "a hook that is nil panics where it is registered, and not after the commit", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.panics("OnCommit: the function is nil", func() { tx.OnCommit(nil) })
			f.panics("OnRollback: the function is nil", func() { tx.OnRollback(nil) })
			f.panics("BeforeCommit: the function is nil", func() { tx.BeforeCommit(nil) })
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{230, "a handle, pool, dialect or function that is nil is named by a panic before anything begins", func(f *fixture) {
		poolless := atomic.Open(nil, f.Dialect, nil) // It is good for Adopt.
		f.panics("Do: the pool of the *DB is nil", func() { _ = atomic.Do(f.ctx, poolless, f.adding("never"), nil) })
		f.panics("Open: the Dialect is nil", func() { atomic.Open(f.pool, nil, nil) })
		f.panics("Do: the *DB is nil", func() { _ = atomic.Do(f.ctx, nil, f.adding("never"), nil) })
		f.panics("Do: the function is nil", func() { _ = f.do(nil, nil) })
		f.panics("DoKeyed: the function is nil", func() { _, _, _ = atomic.DoKeyed(f.ctx, f.db, "key", nil, nil) })
		f.panics("Retry: the function is nil", func() { _ = atomic.Retry(f.ctx, f.Dialect, nil, nil) })
		f.panics("Setup: the *DB or its pool is nil", func() { _ = atomic.Setup(f.ctx, nil) })
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.panics("Savepoint: the function is nil", func() { _ = tx.Savepoint(ctx, nil) })
			f.panics("Raw: the function is nil", func() { _ = tx.Raw(ctx, nil) })
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{231, "after an argument that panics, recovered, the block says what has broken it, and nobody waits for ever",
		func(f *fixture) { f.panickingArguments() }},
	{232, "a hook that fails is named with the place that registered it, in the error and in the log", func(f *fixture) {
		var out bytes.Buffer
		f.db = atomic.Open(f.pool, f.Dialect, &atomic.OpenOptions{Logger: slog.New(slog.NewTextHandler(&out, nil))})
		err := f.do(func(_ context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(context.Context) error { return nil })
			tx.OnCommit(failingHook)
			return nil
		}, nil)
		var failed *atomic.HookError
		if !errors.As(err, &failed) || len(failed.Hooks) != 1 {
			f.Fatalf("Do = %v, want a HookError with one name", err)
		}
		const name = "atomictest.failingHook (registered at atomictest/mistake.go:"
		f.same("the name is told", strings.HasPrefix(failed.Hooks[0], name), true)
		f.same("the error tells it", strings.Contains(err.Error(), name), true)
		f.same("the log tells it", strings.Contains(out.String(), name), true)
	}},
	{233, "what a stranger has left open on a connection of the pool is never committed, and the block is",
		func(f *fixture) {
			for _, o := range []*atomic.Options{nil, {ReadOnly: true}} {
				f.leaveOpen("stranger")
				f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
					f.same("words", f.count(ctx, tx), 0)
					return nil
				}, o))
			}
			f.leaveOpen("stranger")
			f.must(f.do(f.adding("mine"), nil))
			f.wantWords("mine")
		}},
	{234, "a later assignment of one SET is read like the first", func(f *fixture) {
		f.allRefused(`SET @a = 1, autocommit = 0`, `SET @a = 1, @@session.autocommit = 0`,
			`SET @a = 'x, y', @b = (1), SESSION transaction_isolation = 'SERIALIZABLE'`)
	}},
	{235, "a statement inside another, or in a text, is not sent", func(f *fixture) {
		f.allRefused(`EXECUTE IMMEDIATE 'COMMIT'`, `PREPARE p FROM 'COMMIT'`,
			`SET STATEMENT max_statement_time = 1 FOR COMMIT`)
	}},
	{236, "a stage of a backup is refused where it would commit", func(f *fixture) {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			return f.run(ctx, tx, `BACKUP STAGE START`)
		}, nil)
		f.same("refused before it was sent", errors.Is(err, atomic.ErrControl), f.Can.DDLCommits)
		if !f.Can.DDLCommits {
			f.lacks()
			f.same("the engine knows it", err == nil, false)
		}
		f.wantWords()
	}},
	{237, "an advisory lock of a savepoint that was undone can be taken again, and then holds until the end",
		func(f *fixture) {
			f.setup()
			var c *client
			take := func(ctx context.Context, tx *atomic.Tx) error { return atomic.Advisory(ctx, tx, "undone") }
			f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
				f.is(tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
					return errors.Join(take(ctx, tx), errRefused)
				}), errRefused)
				f.must(take(ctx, tx))
				c = f.client(take, nil)
				c.untilBlocked()
				return nil
			}, nil))
			f.must(c.end())
		}},
}

func failingHook(context.Context) error { return errRefused }

// panics checks that act panics with a message of package atomic.
func (f *fixture) panics(want string, act func()) {
	f.Helper()
	defer func() { f.Helper(); f.same("the panic", recover(), "atomic: "+want) }()
	act()
}

// A panicking argument fails before it has a value.
type panicking struct{}

func (panicking) Value() (driver.Value, error) { panic("argument") }

func (f *fixture) panickingArguments() {
	query := f.Speech.sql(`SELECT pieces FROM stock WHERE item = ?`)
	for name, send := range map[string]func(ctx context.Context, tx *atomic.Tx){
		"ExecContext": func(ctx context.Context, tx *atomic.Tx) {
			_ = f.run(ctx, tx, `INSERT INTO words VALUES (?)`, panicking{})
		},
		"QueryContext":    func(ctx context.Context, tx *atomic.Tx) { _, _ = tx.QueryContext(ctx, query, panicking{}) },
		"QueryRowContext": func(ctx context.Context, tx *atomic.Tx) { _ = tx.QueryRowContext(ctx, query, panicking{}) },
		"QueryAll": func(ctx context.Context, tx *atomic.Tx) {
			_, _ = atomic.QueryAll(ctx, tx, atomic.Value[int64], query, panicking{})
		},
	} {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			func() {
				defer func() { f.same(name+" panicked with", recover(), "argument") }()
				send(ctx, tx)
			}()
			f.is(f.add(ctx, tx, "after"), atomic.ErrBroken)
			return nil
		}, nil)
		f.is(err, atomic.ErrBroken)
		f.same(name+": the error says what it was", strings.Contains(err.Error(), "panicked"), true)
	}
	f.wantWords()
}

// leaveOpen gives the only connection back to the pool in the middle of a database transaction.
func (f *fixture) leaveOpen(word string) {
	f.Helper()
	f.pool.SetMaxOpenConns(1)
	conn, err := f.pool.Conn(f.ctx)
	f.must(err)
	f.must(f.run(f.ctx, conn, `BEGIN`))
	f.must(f.add(f.ctx, conn, word))
	f.must(conn.Close())
}
