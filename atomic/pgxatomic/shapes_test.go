package pgxatomic_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
)

// DBTX is what sqlc generates for pgx/v5, with the methods that :copyfrom and :batch need.
type DBTX interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}

// Queries is what sqlc generates.
type Queries struct{ db DBTX }

// New is what sqlc generates.
func New(db DBTX) *Queries { return &Queries{db} }

// WithTx is what sqlc generates.
func (q *Queries) WithTx(tx pgx.Tx) *Queries { return &Queries{tx} }

// AddWord is an :exec of sqlc's.
func (q *Queries) AddWord(ctx context.Context, word string) error {
	_, err := q.db.Exec(ctx, `INSERT INTO words VALUES ($1)`, word)
	return err
}

// CountWords is a :one of sqlc's.
func (q *Queries) CountWords(ctx context.Context) (int64, error) {
	row := q.db.QueryRow(ctx, `SELECT count(*) FROM words`)
	var count int64
	err := row.Scan(&count)
	return count, err
}

// ListWords is a :many of sqlc's.
func (q *Queries) ListWords(ctx context.Context, among []string) ([]string, error) {
	rows, err := q.db.Query(ctx, `SELECT word FROM words WHERE word = ANY ($1::text[]) ORDER BY word`, among)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []string
	for rows.Next() {
		var word string
		if err := rows.Scan(&word); err != nil {
			return nil, err
		}
		items = append(items, word)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return items, nil
}

// CopyWords is a :copyfrom of sqlc's.
func (q *Queries) CopyWords(ctx context.Context, words []string) (int64, error) {
	return q.db.CopyFrom(ctx, pgx.Identifier{"words"}, []string{"word"},
		pgx.CopyFromSlice(len(words), func(i int) ([]any, error) { return []any{words[i]}, nil }))
}

// AddWords is a :batchexec of sqlc's.
func (q *Queries) AddWords(ctx context.Context, words []string) pgx.BatchResults {
	batch := &pgx.Batch{}
	for _, word := range words {
		batch.Queue(`INSERT INTO words VALUES ($1)`, word)
	}
	return q.db.SendBatch(ctx, batch)
}

func TestTheCodeOfSqlcTakesTheTx(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all := New(f.pool)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		q := all.WithTx(tx)
		f.must(q.AddWord(ctx, "one"))
		if n, err := q.CopyWords(ctx, []string{"two", "three"}); n != 2 {
			t.Errorf("copied %d, %v", n, err)
		}
		f.must(q.AddWords(ctx, []string{"four", "five"}).Close())
		n, err := q.CountWords(ctx)
		if n != 5 {
			t.Errorf("%d words inside", n)
		}
		f.must(err)
		if n, _ := all.CountWords(ctx); n != 0 {
			t.Errorf("%d words outside", n)
		}
		some, err := q.ListWords(ctx, []string{"two", "six"})
		if len(some) != 1 {
			t.Errorf("some words are %q", some)
		}
		return err
	}))
	f.wantWords("one", "two", "three", "four", "five")
	f.is(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		q := New(tx)
		f.must(q.AddWord(ctx, "gone"))
		_ = q.AddWord(ctx, "one")
		return nil
	}), atomic.ErrBroken)
	f.wantWords("one", "two", "three", "four", "five")
}

// A jobClient has the shape of a job queue: it takes the transaction of its driver.
type jobClient[TTx any] struct{ driver jobDriver[TTx] }

type jobDriver[TTx any] interface {
	UnwrapExecutor(tx TTx) jobExecutor
}

type jobExecutor struct{ tx pgx.Tx }

type pgxDriver struct{}

// UnwrapExecutor is what the queue's driver for pgx/v5 does.
func (pgxDriver) UnwrapExecutor(tx pgx.Tx) jobExecutor { return jobExecutor{tx} }

// Begin is a savepoint, as the queue's executor makes one.
func (e jobExecutor) Begin(ctx context.Context) (jobExecutor, error) {
	inner, err := e.tx.Begin(ctx)
	return jobExecutor{inner}, err
}

// InsertTx is the queue's.
func (c *jobClient[TTx]) InsertTx(ctx context.Context, tx TTx, word string) (id int64, err error) {
	inner, err := c.driver.UnwrapExecutor(tx).Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = inner.tx.Rollback(ctx) }() // After a Commit it says that it is closed.
	rows, err := inner.tx.Query(ctx, `INSERT INTO words VALUES ($1) RETURNING length(word)`, word)
	if err != nil {
		return 0, err
	}
	id, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, err
	}
	return id, inner.tx.Commit(ctx)
}

func TestTheInsertTxOfAJobQueueTakesTheTx(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	jobs := &jobClient[pgx.Tx]{driver: pgxDriver{}}
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		if _, err := jobs.InsertTx(ctx, tx, "job"); err != nil {
			return err
		}
		if _, err := jobs.InsertTx(ctx, tx, "job"); err == nil {
			t.Error("the same job twice")
		}
		return add(ctx, tx, "row")
	}))
	f.wantWords("job", "row")
}
