package atomictest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// fixture is one behaviour with an empty database of its own. The database has a table of words, and stock of two
// items: 1 with 10 pieces, 2 with 20.
type fixture struct {
	*testing.T
	Harness
	ctx         context.Context
	pool, other *sql.DB
	db          *atomic.DB
	clock       *stepClock
	absent      bool

	mu      sync.Mutex
	retried []string
}

type block = func(context.Context, *atomic.Tx) error

var errRefused = errors.New("refused")

var startTime = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

func newFixture(t *testing.T, h Harness) *fixture {
	t.Helper()
	f := &fixture{T: t, Harness: h, clock: &stepClock{Fake: clock.NewFake(startTime)}}
	f.pool, f.other = h.Open(t)
	ctx, cancel := context.WithTimeout(t.Context(), timeLimit)
	t.Cleanup(cancel)
	f.ctx = ctx
	f.db = f.open(h.Dialect)
	f.exec(`CREATE TABLE words (word VARCHAR(100) NOT NULL PRIMARY KEY)`)
	f.exec(`CREATE TABLE stock (item INTEGER NOT NULL PRIMARY KEY, pieces BIGINT NOT NULL, version BIGINT NOT NULL)`)
	f.exec(`INSERT INTO stock VALUES (1, 10, 1), (2, 20, 1)`)
	return f
}

// open makes another handle on the pool, with the fixture's clock and a memory of its retries.
func (f *fixture) open(d atomic.Dialect) *atomic.DB {
	return atomic.Open(f.pool, d, &atomic.OpenOptions{
		Clock: f.clock, Rand: func(n int64) int64 { return n - 1 }, Discard: f.Discard,
		Retried: func(_ context.Context, name, code string, attempt int) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.retried = append(f.retried, fmt.Sprintf("%s %s %d", name, code, attempt))
		},
	})
}

// lacks notes that the engine lacks what the behaviour is about, and that the behaviour shows how it refuses.
func (f *fixture) lacks() { f.absent = true }

// do runs a block on the fixture's handle.
func (f *fixture) do(fn block, o *atomic.Options) error { return atomic.Do(f.ctx, f.db, fn, o) }

// inner runs a block inside the one of ctx.
func (f *fixture) inner(ctx context.Context, fn block, n atomic.Nesting) error {
	if n == atomic.Nested {
		if ran, err := f.savepoint(ctx, fn); ran {
			return err
		}
	}
	return f.innerDo(ctx, fn, n)
}

// innerDo is inner by Do itself. A savepoint that the driver's own Tx begins is in no context, and no recorder knows it.
func (f *fixture) innerDo(ctx context.Context, fn block, n atomic.Nesting) error {
	return atomic.Do(ctx, f.db, fn, &atomic.Options{Nesting: n})
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// run runs a statement whose parameters are written with question marks.
func (f *fixture) run(ctx context.Context, on execer, query string, args ...any) error {
	if tx, block := on.(*atomic.Tx); block {
		on = f.on(tx)
	}
	_, err := on.ExecContext(ctx, f.Speech.sql(query), args...)
	return err
}

// exec runs a statement outside any block and must succeed.
func (f *fixture) exec(query string, args ...any) {
	f.Helper()
	if err := f.run(f.ctx, f.pool, query, args...); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
}

func (f *fixture) add(ctx context.Context, on execer, word string) error {
	return f.run(ctx, on, `INSERT INTO words VALUES (?)`, word)
}

// adding is a block that adds words.
func (f *fixture) adding(words ...string) block {
	return func(ctx context.Context, tx *atomic.Tx) error {
		for _, word := range words {
			if err := f.add(ctx, tx, word); err != nil {
				return err
			}
		}
		return nil
	}
}

// addingThen is a block that adds a word and returns end.
func (f *fixture) addingThen(word string, end error) block {
	return func(ctx context.Context, tx *atomic.Tx) error {
		if err := f.add(ctx, tx, word); err != nil {
			return err
		}
		return end
	}
}

// collide adds a word that is there, and checks that the engine refuses it as a duplicate.
func (f *fixture) collide(ctx context.Context, tx *atomic.Tx, word string) error {
	f.Helper()
	err := f.add(ctx, tx, word)
	if kind := f.Dialect.Classify(err).Kind; kind != atomic.KindUnique {
		f.Errorf("%q twice = %v of kind %d, want a unique violation", word, err, kind)
	}
	return err
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// number reads one number.
func (f *fixture) number(ctx context.Context, on querier, query string, args ...any) (n int64, err error) {
	query = f.Speech.sql(query)
	if tx, block := on.(*atomic.Tx); block {
		err = f.on(tx).QueryRowContext(ctx, query, args...).Scan(&n)
	} else {
		err = on.QueryRowContext(ctx, query, args...).Scan(&n)
	}
	return n, err
}

func (f *fixture) count(ctx context.Context, on querier) int64 {
	f.Helper()
	n, err := f.number(ctx, on, `SELECT count(*) FROM words`)
	if err != nil {
		f.Errorf("count the words: %v", err)
	}
	return n
}

func (f *fixture) pieces(ctx context.Context, on querier, item int) int64 {
	f.Helper()
	n, err := f.number(ctx, on, `SELECT pieces FROM stock WHERE item = ?`, item)
	if err != nil {
		f.Errorf("pieces of %d: %v", item, err)
	}
	return n
}

// must ends the behaviour at an error.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// is checks that err is each of the targets.
func (f *fixture) is(err error, targets ...error) {
	f.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			f.Errorf("error = %v, want %v", err, target)
		}
	}
}

// isNot checks that err is none of the targets.
func (f *fixture) isNot(err error, targets ...error) {
	f.Helper()
	for _, target := range targets {
		if errors.Is(err, target) {
			f.Errorf("error = %v, which is %v", err, target)
		}
	}
}

// same checks that two values print alike.
func (f *fixture) same(what string, got, want any) {
	f.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		f.Errorf("%s = %s, want %s", what, g, w)
	}
}

// wantWords checks the words that another session sees.
func (f *fixture) wantWords(want ...string) {
	f.Helper()
	rows, err := f.other.QueryContext(f.ctx, `SELECT word FROM words ORDER BY word`)
	f.must(err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var word string
		f.must(rows.Scan(&word))
		got = append(got, word)
	}
	f.must(rows.Err())
	slices.Sort(want)
	if !slices.Equal(got, want) {
		f.Errorf("committed words = %q, want %q", got, want)
	}
}

func (f *fixture) wantPieces(one, two int64) {
	f.Helper()
	if a, b := f.pieces(f.ctx, f.other, 1), f.pieces(f.ctx, f.other, 2); a != one || b != two {
		f.Errorf("committed pieces = %d and %d, want %d and %d", a, b, one, two)
	}
}

// wantRetried checks the retries of the fixture's handles, each "name code attempt" with the code's place held by *.
func (f *fixture) wantRetried(want ...string) {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if got, want := strings.Join(f.retried, "; "), strings.Join(want, "; "); got != want {
		f.Errorf("retries = %q, want %q", got, want)
	}
}

// wantIdle checks that every connection is back, outside any database transaction, and fit for work.
func (f *fixture) wantIdle() {
	f.Helper()
	if n := f.pool.Stats().InUse; n != 0 {
		f.Errorf("%d connections still in use", n)
	}
	if err := f.do(func(context.Context, *atomic.Tx) error { return nil }, nil); err != nil {
		f.Errorf("the next block: %v", err)
	}
}

// A stepClock is a fake clock that lets a behaviour act while somebody waits.
type stepClock struct {
	*clock.Fake
	mu      sync.Mutex
	onSleep func()
	slept   []time.Duration
}

// Sleep moves the clock and returns at once.
func (c *stepClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.slept = append(c.slept, d)
	act := c.onSleep
	c.mu.Unlock()
	if act != nil {
		act()
	}
	return c.Fake.Sleep(ctx, d)
}

// An eventLog notes what happened, in order.
type eventLog struct {
	mu    sync.Mutex
	lines []string
}

func (log *eventLog) note(line string) {
	log.mu.Lock()
	defer log.mu.Unlock()
	log.lines = append(log.lines, line)
}

func (log *eventLog) commits(line string) func(context.Context) error {
	return func(context.Context) error {
		log.note(line)
		return nil
	}
}

func (log *eventLog) undoes(line string) func() { return func() { log.note(line) } }

func (log *eventLog) want(f *fixture, want ...string) {
	f.Helper()
	log.mu.Lock()
	defer log.mu.Unlock()
	if !slices.Equal(log.lines, want) {
		f.Errorf("events = %q, want %q", log.lines, want)
	}
}
