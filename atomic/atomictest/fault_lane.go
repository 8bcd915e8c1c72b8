package atomictest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// A lane is one caller, who meets the faults in one standing: with a counter and a pool of its own, so that lanes do not
// wait for each other's locks and none gets a connection that a trap holds.
type lane struct {
	f     *faults
	id    int
	at    standing
	keyed bool
	pool  *sql.DB
	db    *atomic.DB
	rows  int64 // that the lane has been seen to leave

	mu       sync.Mutex
	retries  int // of the call under way, for a conflict or a lost connection
	resolved int // of the call under way, for a commit that was not answered
}

func newLane(f *faults, id int, at standing, keyed bool) *lane {
	l := &lane{f: f, id: id, at: at, keyed: keyed, pool: f.Through(f.T)}
	l.db = atomic.Open(l.pool, f.Dialect, &atomic.OpenOptions{
		Clock: f.clock, EndTimeout: roundLimit,
		Retried: func(_ context.Context, _, code string, _ int) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if code == "outcome_unknown" {
				l.resolved++
			} else {
				l.retries++
			}
		},
	})
	return l
}

// count is the lane's counter. It waits for whoever is about to change it: a session that has lost its client may still
// be at its commit.
func (l *lane) count() int64 {
	l.f.Helper()
	return l.f.number(`SELECT n FROM fault_counters WHERE lane = ?`+l.f.Speech.ForUpdate, l.id)
}

// A call is one block of a lane, from the first attempt until its fate is known.
type call struct {
	*lane
	key     string
	trap    Trap
	givesUp bool // at the first error, if it has a key
	bare    bool // the row is written without parameters, which pgx sends in another way and reports otherwise when it is lost
	result  string
	err     error
}

func (l *lane) begin(fault string, round int, trap Trap) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retries, l.resolved = 0, 0
	key := fmt.Sprintf("%s %d of lane %d", fault, round, l.id)
	return &call{lane: l, key: key, trap: trap, givesUp: l.keyed && round%4 >= 2, bare: round%2 == 1}
}

// run does the block.
func (c *call) run(ctx context.Context) {
	if !c.keyed {
		c.err = atomic.Do(ctx, c.db, func(ctx context.Context, tx *atomic.Tx) error {
			_, err := c.effect(ctx, tx)
			return err
		}, &atomic.Options{Retry: patient})
		return
	}
	budget := patient
	if c.givesUp {
		budget.Attempts = 1
	}
	c.result, _, c.err = c.doKeyed(ctx, budget, c.effect)
}

// patient outlasts any number of lost connections. The clock moves only when somebody waits.
var patient = atomic.Budget{Attempts: 100, Time: time.Hour}

func (c *call) doKeyed(
	ctx context.Context, b atomic.Budget, fn func(context.Context, *atomic.Tx) ([]byte, error),
) (result string, replayed bool, err error) {
	o := &atomic.KeyedOptions{Options: atomic.Options{Retry: b}}
	stored, replayed, err := atomic.DoKeyed(ctx, c.db, c.key, fn, o)
	return string(stored), replayed, err
}

// effect counts up and leaves a row. Its result is like no other.
func (c *call) effect(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
	speech := &c.f.Speech
	if err := atomic.ExecOne(ctx, tx, speech.sql(`UPDATE fault_counters SET n = n + 1 WHERE lane = ?`), c.id); err != nil {
		return nil, err
	}
	n, err := atomic.QueryOne(ctx, tx, func(row atomic.Row) (n int64, err error) {
		return n, row.Scan(&n)
	}, speech.sql(`SELECT n FROM fault_counters WHERE lane = ?`), c.id)
	if err != nil {
		return nil, err
	}
	insert, args := speech.sql(`INSERT INTO fault_effects VALUES (?, ?)`), []any{c.id, c.key}
	if c.bare {
		insert, args = fmt.Sprintf(`INSERT INTO fault_effects VALUES (%d, '%s')`, c.id, c.key), nil
	}
	if err := atomic.ExecOne(ctx, tx, insert, args...); err != nil {
		return nil, err
	}
	if c.at.idle {
		select {
		case <-c.trap.Done():
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return fmt.Appendf(nil, "%s: %d", c.key, n), nil
}

// settle finds out what has become of the block when the fault is over, and holds what the caller was told against it.
func (c *call) settle(ctx context.Context, row *faultRow) {
	c.f.Helper()
	n := c.count() // Before anybody looks for the row.
	if c.keyed {
		row.rounds++
		c.settleKeyed(ctx, row)
		n = c.count()
	} else {
		c.settlePlain(ctx, row)
	}
	c.rows += c.left()
	if n != c.rows {
		c.wrong(row, "the counter is %d, of %d rows", n, c.rows)
	}
}

// left is how many rows the block has left.
func (c *call) left() int64 {
	c.f.Helper()
	return c.f.number(`SELECT count(*) FROM fault_effects WHERE name = ?`, c.key)
}

func (c *call) wrong(row *faultRow, format string, args ...any) {
	c.f.Helper()
	row.wrong++
	c.f.Errorf("%s, %s: %s; the caller was told %v", c.at.name, c.key, fmt.Sprintf(format, args...), c.err)
}

// settlePlain holds Do against its promise: what it calls committed is there once, and what it calls anything else but
// unknown is not there.
func (c *call) settlePlain(ctx context.Context, row *faultRow) {
	c.f.Helper()
	left := c.left()
	unknown := errors.Is(c.err, atomic.ErrOutcomeUnknown)
	low, high := int64(0), int64(0)
	switch {
	case c.err == nil:
		low, high = 1, 1
		row.ok++
		row.retried += min(c.retries, 1)
	case unknown:
		low, high = c.at.fewest, c.at.most
		row.there += int(min(left, 1))
		row.absent += int(1 - min(left, 1))
	default:
		row.failed++
	}
	switch {
	case left < low || left > high:
		c.wrong(row, "%d rows, want %d to %d", left, low, high)
	case !errors.Is(c.err, c.at.says):
		c.wrong(row, "want %v", c.at.says)
	case c.at.says == nil && c.at.quits != nil && c.retries == 0:
		c.wrong(row, "there was no fault")
	}
	if err := atomic.Do(ctx, c.db, func(context.Context, *atomic.Tx) error { return nil }, nil); err != nil {
		c.wrong(row, "the next block: %v", err)
	}
}

// settleKeyed calls again if the caller has given up, and holds DoKeyed against its promise.
func (c *call) settleKeyed(ctx context.Context, row *faultRow) {
	c.f.Helper()
	var want error
	if c.givesUp {
		want = c.at.quits
	}
	left := c.left()
	unknown := errors.Is(c.err, atomic.ErrOutcomeUnknown)
	switch {
	case !errors.Is(c.err, want) || unknown != errors.Is(want, atomic.ErrOutcomeUnknown):
		c.wrong(row, "want %v", want)
	case c.err != nil && !unknown && left != 0:
		c.wrong(row, "%d rows of what has failed", left)
	case c.err == nil && c.at.quits != nil && c.resolved+c.retries == 0:
		c.wrong(row, "there was no fault")
	}
	if c.resolved > 0 {
		row.resolved++
	}
	if c.err != nil {
		row.again++
		result, replayed, err := c.doKeyed(ctx, patient, c.effect)
		if err != nil || replayed != (left == 1) {
			c.wrong(row, "called again: replayed: %t, of %d rows, %v", replayed, left, err)
		}
		c.result = result
	}
	result, replayed, err := c.doKeyed(ctx, patient, func(context.Context, *atomic.Tx) ([]byte, error) {
		return nil, errors.New("the block runs again")
	})
	if err != nil || !replayed || result != c.result || result == "" {
		c.wrong(row, "%q was %q before, replayed: %t, %v", result, c.result, replayed, err)
	}
	if left := c.left(); left == 1 {
		row.once++
	} else {
		c.wrong(row, "%d rows", left)
	}
}
