package atomictest

import (
	"context"

	"github.com/bursar-ledger/bursar/atomic"
)

var controlBehaviours = []behaviour{
	{141, "a raw COMMIT is refused before it is sent, and the block can still be undone", func(f *fixture) {
		f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			f.is(f.run(ctx, tx, `COMMIT`), atomic.ErrControl)
			return errRefused
		}, nil), errRefused)
		f.wantWords()
	}},
	{142, "a raw ROLLBACK is refused before it is sent, and the writes before it are committed", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "kept"))
			f.is(f.run(ctx, tx, `ROLLBACK`), atomic.ErrControl)
			return nil
		}, nil))
		f.wantWords("kept")
	}},
	{143, "every statement that controls a database transaction is refused, and breaks nothing", func(f *fixture) {
		f.allRefused(
			`BEGIN`, `BEGIN IMMEDIATE`, `BEGIN WORK`, `START TRANSACTION`, `COMMIT WORK`, `END`, `ABORT`,
			`ROLLBACK TO SAVEPOINT a`, `SAVEPOINT a`, `RELEASE SAVEPOINT a`, `RELEASE a`,
			`SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`, `SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`,
			`SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY`, `SET autocommit = 1`,
			`PREPARE TRANSACTION 'a'`, `XA START 'a'`,
		)
	}},
	{144, "letters, blanks and comments before it do not hide a control statement", func(f *fixture) {
		f.allRefused(
			`commit`, ` Commit`, "\n\tcOmMiT ;", `/* done */ COMMIT`, "-- done\nCOMMIT", `/**/ROLLBACK`, "; COMMIT",
			"-- a\n-- b\n /* c */ SAVEPOINT d",
		)
	}},
	{145, "a control statement later in a script is refused with the whole script", func(f *fixture) {
		f.allRefused(
			`INSERT INTO words VALUES ('gone'); COMMIT`,
			`INSERT INTO words VALUES ('gone'); -- and then`+"\nCOMMIT;",
			`UPDATE words SET word = ';'; ROLLBACK; SELECT 1`,
		)
	}},
	{146, "the words of control inside texts and names are none", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.run(ctx, tx, `INSERT INTO words VALUES ('; COMMIT')`))
			f.must(f.run(ctx, tx, `INSERT INTO words VALUES ('it''s; ROLLBACK') /* ; COMMIT */`))
			n, err := f.number(ctx, tx, `SELECT count(*) AS commit_count FROM words -- ; COMMIT`)
			f.same("words", n, 2)
			return err
		}, nil))
		f.wantWords("; COMMIT", "it's; ROLLBACK")
	}},
	{147, "queries and prepared statements are held to the same", func(f *fixture) {
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			_, err := f.on(tx).QueryContext(ctx, `COMMIT`)
			f.is(err, atomic.ErrControl)
			_, err = f.on(tx).PrepareContext(ctx, `ROLLBACK`)
			f.is(err, atomic.ErrControl)
			f.is(rowError(f.on(tx).QueryRowContext(ctx, `SAVEPOINT a`)), atomic.ErrControl)
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
	{148, "CREATE TABLE is undone with its block, or refused where the engine would commit", func(f *fixture) {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.add(ctx, tx, "gone"))
			err := f.run(ctx, tx, `CREATE TABLE made (n INTEGER)`)
			if f.Can.DDLCommits {
				f.is(err, atomic.ErrControl)
			} else {
				f.must(err)
			}
			return errRefused
		}, nil)
		f.is(err, errRefused)
		f.wantWords()
		if f.Can.DDLCommits {
			f.lacks()
		}
		if _, err := f.number(f.ctx, f.other, `SELECT count(*) FROM made`); err == nil {
			f.Error("the table is there")
		}
	}},
	{149, "ALTER, DROP and TRUNCATE are held to the same as CREATE", func(f *fixture) {
		err := f.do(func(ctx context.Context, tx *atomic.Tx) error {
			for _, statement := range []string{`ALTER TABLE words ADD COLUMN n INTEGER`, `DROP TABLE words`} {
				err := f.run(ctx, tx, statement)
				if f.Can.DDLCommits {
					f.is(err, atomic.ErrControl)
				} else {
					f.must(err)
				}
			}
			return errRefused
		}, nil)
		f.is(err, errRefused)
		if f.Can.DDLCommits {
			f.lacks()
		}
		f.must(f.do(f.adding("as before"), nil))
		f.wantWords("as before")
	}},
	{150, "a temporary table may be made in a block on every engine", func(f *fixture) {
		f.pool.SetMaxOpenConns(1)
		f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
			f.must(f.run(ctx, tx, `CREATE TEMPORARY TABLE scratch (n INTEGER)`))
			f.must(f.run(ctx, tx, `INSERT INTO scratch VALUES (1)`))
			return f.add(ctx, tx, "kept")
		}, nil))
		f.wantWords("kept")
	}},
}

// allRefused checks that statements are refused in one block, which is then committed whole.
func (f *fixture) allRefused(statements ...string) {
	f.Helper()
	f.must(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		for _, statement := range statements {
			if err := f.run(ctx, tx, statement); err == nil {
				f.Errorf("%q was accepted", statement)
			} else {
				f.is(err, atomic.ErrControl)
			}
		}
		return f.add(ctx, tx, "kept")
	}, nil))
	f.wantWords("kept")
}
