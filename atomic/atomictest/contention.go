package atomictest

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	satomic "sync/atomic"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

const (
	contendingClients = 32
	// patience is how long the Do of a client goes on after conflicts.
	patience = 30 * time.Second
)

// Contend lets 32 clients fight for three rows. All increment row 1. Half of them move one unit from row 2 to row
// 3, and the other half move one back, so they take the rows in the opposite order. Contend does that with each of
// four correct ways, for two seconds each, or ten when BURSAR_TORTURE is set. It wants exact sums and no error.
// Then it runs the same load in the naive way, which must lose updates, or the test could not see the bug. It
// prints how often each way was retried, by the engine's codes.
func Contend(t *testing.T, h Harness) {
	for _, way := range []struct {
		name string
		add  adder
	}{
		{"locks", (*contention).withLocks}, {"swap", (*contention).withSwap},
		{"hybrid", (*contention).withHybrid}, {"serializable", (*contention).withSerializable},
	} {
		t.Run(way.name, func(t *testing.T) {
			c := newContention(t, h)
			c.run(way.add)
			c.wantExact()
		})
	}
	t.Run("naive", func(t *testing.T) {
		c := newContention(t, h)
		c.run((*contention).naively)
		lost := c.increments.Load() - c.value(1)
		t.Logf("%s: %d of %d increments were lost", h.Name, lost, c.increments.Load())
		if lost <= 0 {
			t.Error("the naive way lost nothing: the load does not show the bug that the others prevent")
		}
	})
}

// adder adds amounts to rows, in the order given, in one database transaction.
type adder func(c *contention, ctx context.Context, changes []change) error

type change struct{ id, by int64 }

type contention struct {
	*testing.T
	Harness
	pool       *sql.DB
	db         *atomic.DB
	increments satomic.Int64

	mu      sync.Mutex
	retried map[string]int
}

func newContention(t *testing.T, h Harness) *contention {
	t.Helper()
	c := &contention{T: t, Harness: h, retried: map[string]int{}}
	c.pool, _ = h.Open(t)
	c.pool.SetMaxOpenConns(contendingClients)
	c.pool.SetMaxIdleConns(contendingClients)
	c.db = atomic.Open(c.pool, h.Dialect, &atomic.OpenOptions{Retried: func(_ context.Context, _, code string, _ int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.retried[code]++
	}})
	for _, statement := range []string{
		`CREATE TABLE counters (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL, version BIGINT NOT NULL)`,
		`INSERT INTO counters VALUES (1, 0, 1), (2, 0, 1), (3, 0, 1)`,
	} {
		if _, err := c.pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// run runs the load. The time limit ends the loops, not the requests under way.
func (c *contention) run(add adder) {
	c.Helper()
	length := 2 * time.Second
	if os.Getenv("BURSAR_TORTURE") != "" {
		length = 10 * time.Second
	}
	limit, cancel := context.WithTimeout(c.Context(), length)
	defer cancel()
	var moved satomic.Int64
	var wg sync.WaitGroup
	for i := range contendingClients {
		wg.Go(func() {
			move := []change{{2, -1}, {3, 1}}
			if i%2 == 1 {
				move = []change{{3, -1}, {2, 1}}
			}
			for limit.Err() == nil {
				if err := add(c, c.Context(), []change{{1, 1}}); err != nil {
					c.Errorf("increment: %v", err)
					return
				}
				c.increments.Add(1)
				if err := add(c, c.Context(), move); err != nil {
					c.Errorf("move: %v", err)
					return
				}
				moved.Add(1)
			}
		})
	}
	wg.Wait()
	c.Logf("%s: %d increments, %d moves, retried %s", c.Name, c.increments.Load(), moved.Load(), c.codes())
}

// codes are the retries by code.
func (c *contention) codes() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.retried) == 0 {
		return "never"
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(c.retried)) {
		parts = append(parts, fmt.Sprintf("%s %d times", code, c.retried[code]))
	}
	return strings.Join(parts, ", ")
}

func (c *contention) wantExact() {
	c.Helper()
	if got, want := c.value(1), c.increments.Load(); got != want || want == 0 {
		c.Errorf("row 1 is %d after %d increments", got, want)
	}
	if sum := c.value(2) + c.value(3); sum != 0 {
		c.Errorf("rows 2 and 3 sum to %d", sum)
	}
}

func (c *contention) value(id int64) (n int64) {
	c.Helper()
	query := c.Speech.sql(`SELECT n FROM counters WHERE id = ?`)
	if err := c.pool.QueryRowContext(c.Context(), query, id).Scan(&n); err != nil {
		c.Fatal(err)
	}
	return n
}

func (c *contention) options() *atomic.Options {
	return &atomic.Options{Retry: atomic.Budget{Attempts: 1 << 20, Time: patience}}
}

// counter is a row as it was read.
type counter struct{ n, version int64 }

// queryer is what a row is read with.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (c *contention) read(ctx context.Context, from queryer, id int64, clause string) (r counter, err error) {
	query := c.Speech.sql(`SELECT n, version FROM counters WHERE id = ? ` + clause)
	return r, from.QueryRowContext(ctx, query, id).Scan(&r.n, &r.version)
}

// set writes a row.
func (c *contention) set(ctx context.Context, tx *atomic.Tx, id, n int64) error {
	_, err := tx.ExecContext(ctx, c.Speech.sql(`UPDATE counters SET n = ?, version = version + 1 WHERE id = ?`), n, id)
	return err
}

func (c *contention) withLocks(ctx context.Context, changes []change) error {
	return atomic.Do(ctx, c.db, func(ctx context.Context, tx *atomic.Tx) error {
		clause, err := tx.LockClause(atomic.RowLock{})
		if err != nil {
			return err
		}
		return c.addIn(ctx, tx, changes, clause)
	}, c.options())
}

// addIn reads and writes one row after the other.
func (c *contention) addIn(ctx context.Context, tx *atomic.Tx, changes []change, clause string) error {
	for _, ch := range changes {
		was, err := c.read(ctx, tx, ch.id, clause)
		if err != nil {
			return err
		}
		if err := c.set(ctx, tx, ch.id, was.n+ch.by); err != nil {
			return err
		}
	}
	return nil
}

func (c *contention) withSerializable(ctx context.Context, changes []change) error {
	o := c.options()
	o.Isolation = sql.LevelSerializable
	return atomic.Do(ctx, c.db, func(ctx context.Context, tx *atomic.Tx) error {
		return c.addIn(ctx, tx, changes, "")
	}, o)
}

func (c *contention) withSwap(ctx context.Context, changes []change) error {
	o := c.options()
	o.RetryStale = true
	return atomic.Do(ctx, c.db, func(ctx context.Context, tx *atomic.Tx) error {
		for _, ch := range changes {
			was, err := c.read(ctx, tx, ch.id, "")
			if err != nil {
				return err
			}
			query := c.Speech.sql(`UPDATE counters SET n = ?, version = version + 1 WHERE id = ? AND version = ?`)
			if err := atomic.Swap(ctx, tx, 1, query, was.n+ch.by, ch.id, was.version); err != nil {
				return err
			}
		}
		return nil
	}, o)
}

func (c *contention) withHybrid(ctx context.Context, changes []change) error {
	read := func(ctx context.Context) ([]counter, error) {
		rows := make([]counter, len(changes))
		for i, ch := range changes {
			var err error
			if rows[i], err = c.read(ctx, c.pool, ch.id, ""); err != nil {
				return nil, err
			}
		}
		return rows, nil
	}
	return atomic.Hybrid(ctx, c.db, read, func(ctx context.Context, tx *atomic.Tx, was []counter) error {
		clause, err := tx.LockClause(atomic.RowLock{})
		if err != nil {
			return err
		}
		for i, ch := range changes {
			query := c.Speech.sql(`SELECT version FROM counters WHERE id = ? ` + clause)
			if err := atomic.LockAt(ctx, tx, was[i].version, query, ch.id); err != nil {
				return err
			}
			if err := c.set(ctx, tx, ch.id, was[i].n+ch.by); err != nil {
				return err
			}
		}
		return nil
	}, c.options())
}

// naively reads first and writes later. Nothing holds the two together.
func (c *contention) naively(ctx context.Context, changes []change) error {
	for _, ch := range changes {
		was, err := c.read(ctx, c.pool, ch.id, "")
		if err != nil {
			return err
		}
		err = atomic.Do(ctx, c.db, func(ctx context.Context, tx *atomic.Tx) error {
			return c.set(ctx, tx, ch.id, was.n+ch.by)
		}, c.options())
		if err != nil {
			return err
		}
	}
	return nil
}
