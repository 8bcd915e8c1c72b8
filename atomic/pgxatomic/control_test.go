package pgxatomic_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
)

// saying rewrites every query to its own.
type saying string

// RewriteQuery implements pgx.QueryRewriter.
func (s saying) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	return string(s), nil, nil
}

func TestControlStatementsAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		inner, err := tx.Begin(ctx)
		f.must(err)
		for _, on := range []pgx.Tx{inner, tx} {
			for _, statement := range []string{
				`COMMIT`, `rollback`, `/* */ BEGIN`, `SAVEPOINT a`, `SELECT 1; COMMIT`,
				`SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`,
			} {
				_, err := on.Exec(ctx, statement)
				f.is(err, atomic.ErrControl)
				_, err = on.Exec(ctx, `SELECT 1`, pgx.QueryExecModeExec, saying(statement))
				f.is(err, atomic.ErrControl)
				_, err = on.Query(ctx, statement)
				f.is(err, atomic.ErrControl)
				_, err = on.Query(ctx, `SELECT 1`, saying(statement))
				f.is(err, atomic.ErrControl)
				f.is(on.QueryRow(ctx, statement).Scan(), atomic.ErrControl)
				_, err = on.Prepare(ctx, "name", statement)
				f.is(err, atomic.ErrControl)
				batch := &pgx.Batch{}
				batch.Queue(`INSERT INTO words VALUES ('never')`)
				batch.Queue(statement)
				f.is(on.SendBatch(ctx, batch).Close(), atomic.ErrControl)
				batch = &pgx.Batch{}
				batch.Queue(`SELECT 1`, saying(statement))
				f.is(on.SendBatch(ctx, batch).Close(), atomic.ErrControl)
			}
		}
		f.must(inner.Commit(ctx))
		batch := &pgx.Batch{}
		batch.BeginTx(pgx.TxOptions{})
		results := tx.SendBatch(ctx, batch)
		f.is(results.Close(), atomic.ErrControl)
		f.is(results.Tx().Rollback(ctx), pgx.ErrTxClosed)
		return add(ctx, tx, "kept")
	}))
	f.wantWords("kept")
}

func TestAnEndPastTheTxIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	past := map[string]block{
		"on the connection": func(ctx context.Context, tx *pgxatomic.Tx) error {
			_, err := tx.Conn().Exec(ctx, `COMMIT`)
			return err
		},
		"by a prepared statement": func(ctx context.Context, tx *pgxatomic.Tx) error {
			_, err := tx.Conn().Prepare(ctx, "the_end", `COMMIT`)
			f.must(err)
			_, err = tx.Exec(ctx, "the_end")
			f.is(err, atomic.ErrOutcomeUnknown)
			return nil
		},
	}
	for name, end := range past {
		for how, answer := range map[string]error{
			"": nil, ", swallowed": errRefused, ", told": atomic.ErrOutcomeUnknown,
		} {
			err := f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
				tx.Atomic().OnCommit(func(context.Context) error { t.Error("a hook says that it is committed"); return nil })
				tx.Atomic().OnRollback(func() { t.Error("a hook says that it is undone") })
				f.must(add(ctx, tx, name+how))
				f.must(end(ctx, tx))
				f.is(add(ctx, tx, "outside"), atomic.ErrOutcomeUnknown)
				return answer
			})
			f.is(err, atomic.ErrOutcomeUnknown)
			if answer != nil {
				f.is(err, answer)
			}
		}
	}
	f.wantWords("on the connection", "on the connection, swallowed", "on the connection, told",
		"by a prepared statement", "by a prepared statement, swallowed", "by a prepared statement, told")
}

func TestAnEndPastTheTxAsTheLastThingIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		f.must(add(ctx, tx, "there"))
		_, err := tx.Conn().Exec(ctx, `COMMIT`)
		return err
	}), atomic.ErrOutcomeUnknown)
	f.wantWords("there")
}

func TestAnErrorPastTheTxIsNeverACommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, after := range []block{
		func(context.Context, *pgxatomic.Tx) error { return nil },
		func(ctx context.Context, tx *pgxatomic.Tx) error {
			if add(ctx, tx, "more") == nil {
				t.Error("a broken block took a word")
			}
			return nil
		},
	} {
		f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
			f.must(add(ctx, tx, "gone"))
			_, err := tx.Conn().Exec(ctx, `SELEKT`)
			if err == nil {
				t.Error("a misspelt statement ran")
			}
			return after(ctx, tx)
		}), atomic.ErrBroken)
	}
	f.wantWords()
}

func TestOnlyABlockOverPgxIsATxOfPgx(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pool := overPool(t, f.pool)
	theirs, err := pool.BeginTx(f.ctx(), nil)
	f.must(err)
	defer func() { f.must(theirs.Rollback()) }()
	adopted, err := atomic.Adopt(f.ctx(), theirs, nil, &atomic.AdoptOptions{DB: f.db})
	f.must(err)
	_, err = pgxatomic.Of(adopted.Tx())
	f.is(err, atomic.ErrUnsupported)
	f.is(pgxatomic.Do(adopted.Context(f.ctx()), f.db, func(context.Context, *pgxatomic.Tx) error {
		t.Error("ran")
		return nil
	}, nil), atomic.ErrUnsupported)
	if _, ok := pgxatomic.From(adopted.Context(f.ctx()), f.db); ok {
		t.Error("an adopted block is a Tx of pgx")
	}
	f.must(adopted.Ready(f.ctx()))
}

func TestTheOtherWaysOfPackageAtomicGiveATx(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(atomic.Setup(f.ctx(), f.db))
	var kept *atomic.Tx
	for range 2 {
		stored, _, err := atomic.DoKeyed(f.ctx(), f.db, "key", func(ctx context.Context, block *atomic.Tx) ([]byte, error) {
			kept = block
			tx, err := pgxatomic.Of(block)
			if err != nil {
				return nil, err
			}
			found, ok := pgxatomic.From(ctx, f.db)
			if !ok || found.Atomic() != block || tx.DatabaseTx() != any(block) {
				t.Error("the block is not found in its context")
			}
			return []byte("done"), add(ctx, tx, "once")
		}, nil)
		if string(stored) != "done" {
			t.Errorf("stored %q", stored)
		}
		f.must(err)
	}
	_, err := pgxatomic.Of(kept)
	f.is(err, atomic.ErrEnded, pgx.ErrTxClosed)
	if _, ok := pgxatomic.From(f.ctx(), f.db); ok {
		t.Error("found a block outside of any")
	}
	f.wantWords("once")
}

func TestARewriterOfItsOwnIsHeard(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		_, err := tx.Exec(ctx, `ignored`, saying(`INSERT INTO words VALUES ('said')`))
		var n int
		return errors.Join(err, tx.QueryRow(ctx, `ignored`, pgx.QueryResultFormats{pgx.TextFormatCode},
			saying(`SELECT 7`)).Scan(&n))
	}))
	f.wantWords("said")
}
