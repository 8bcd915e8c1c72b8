package pgxatomic_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// A fixture is an empty database with a table of words.
type fixture struct {
	*testing.T
	server *sqltest.Server
	pool   *pgxpool.Pool
	db     *atomic.DB
	runs   int // how often the last block ran
}

type block = func(ctx context.Context, tx *pgxatomic.Tx) error

var errRefused = errors.New("refused")

const timeLimit = 30 * time.Second

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, server: sqltest.Postgres(t)}
	f.use(newPool(t, f.server.DSN()))
	f.exec(`CREATE TABLE words (word text PRIMARY KEY)`)
	return f
}

// use puts another pool in the place of the fixture's.
func (f *fixture) use(pool *pgxpool.Pool) {
	f.pool, f.db = pool, pgxatomic.Open(pool, nil)
}

func (f *fixture) ctx() context.Context { return f.Context() }

func (f *fixture) exec(query string) {
	f.Helper()
	if _, err := f.pool.Exec(f.ctx(), query); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
}

// do runs a block and counts its runs.
func (f *fixture) do(fn block) error {
	f.runs = 0
	return pgxatomic.Do(f.ctx(), f.db, func(ctx context.Context, tx *pgxatomic.Tx) error {
		f.runs++
		return fn(ctx, tx)
	}, nil)
}

// add adds a word over a transaction of pgx.
func add(ctx context.Context, tx pgx.Tx, word string) error {
	_, err := tx.Exec(ctx, `INSERT INTO words VALUES ($1)`, word)
	return err
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) is(err error, targets ...error) {
	f.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			f.Errorf("error = %v, want %v", err, target)
		}
	}
}

// wantWords checks the committed words, and that every connection is back.
func (f *fixture) wantWords(want ...string) {
	f.Helper()
	f.wantIdle()
	rows, err := f.pool.Query(f.ctx(), `SELECT word FROM words ORDER BY word`)
	f.must(err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	f.must(err)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		f.Errorf("committed words = %q, want %q", got, want)
	}
}

// wantIdle waits until every connection is back. The pool drops closed ones in the background.
func (f *fixture) wantIdle() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx(), timeLimit)
	defer cancel()
	f.until(ctx, "connections are still in use", func() bool { return f.pool.Stat().AcquiredConns() == 0 })
}

// until waits for what only can be asked.
func (f *fixture) until(ctx context.Context, what string, happened func() bool) {
	f.Helper()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Fatal(what)
		}
	}
}
