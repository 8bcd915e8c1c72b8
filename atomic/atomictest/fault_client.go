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

// A faultClient sends requests that all meet their fault at one point. It has a counter and a pool of its own, so
// clients do not wait for each other's locks, and none gets a connection that a trap holds.
type faultClient struct {
	f     *faults
	id    int
	point faultPoint
	keyed bool
	pool  *sql.DB
	db    *atomic.DB
	rows  int64 // in the outcomes of its requests so far

	mu       sync.Mutex
	retries  int // of the request under way, for a conflict or a lost connection
	resolved int // of the request under way, for a commit that was not answered
}

func newFaultClient(f *faults, id int, point faultPoint, keyed bool) *faultClient {
	c := &faultClient{f: f, id: id, point: point, keyed: keyed, pool: f.Through(f.T)}
	c.db = atomic.Open(c.pool, f.Dialect, &atomic.OpenOptions{
		Clock: f.clock, EndTimeout: roundLimit,
		Retried: func(_ context.Context, _, code string, _ int) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if code == "outcome_unknown" {
				c.resolved++
			} else {
				c.retries++
			}
		},
	})
	return c
}

// count is the client's counter. It waits for a session that is about to change it: one that has lost its client may
// still be committing.
func (c *faultClient) count() int64 {
	c.f.Helper()
	return c.f.number(`SELECT n FROM fault_counters WHERE client = ?`+c.f.Speech.ForUpdate, c.id)
}

// A faultRequest is one block that a client asks for, with its answer.
type faultRequest struct {
	client  *faultClient
	key     string
	trap    Trap
	givesUp bool // at the first error, if it has a key
	bare    bool // writes the row without parameters; pgx sends and reports such a statement in another way
	result  string
	answer  error
}

func (c *faultClient) request(fault string, round int, trap Trap) *faultRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retries, c.resolved = 0, 0
	key := fmt.Sprintf("%s %d of client %d", fault, round, c.id)
	return &faultRequest{client: c, key: key, trap: trap, givesUp: c.keyed && round%4 >= 2, bare: round%2 == 1}
}

// run runs the block and keeps the answer.
func (r *faultRequest) run(ctx context.Context) {
	if !r.client.keyed {
		r.answer = atomic.Do(ctx, r.client.db, func(ctx context.Context, tx *atomic.Tx) error {
			_, err := r.effect(ctx, tx)
			return err
		}, &atomic.Options{Retry: patient})
		return
	}
	budget := patient
	if r.givesUp {
		budget.Attempts = 1
	}
	r.result, _, r.answer = r.doKeyed(ctx, budget, r.effect)
}

// patient outlasts any number of lost connections. The clock moves only when a client waits.
var patient = atomic.Budget{Attempts: 100, Time: time.Hour}

func (r *faultRequest) doKeyed(
	ctx context.Context, b atomic.Budget, fn func(context.Context, *atomic.Tx) ([]byte, error),
) (result string, replayed bool, err error) {
	o := &atomic.KeyedOptions{Options: atomic.Options{Retry: b}}
	stored, replayed, err := atomic.DoKeyed(ctx, r.client.db, r.key, fn, o)
	return string(stored), replayed, err
}

// effect counts up and leaves a row. No two requests have the same result.
func (r *faultRequest) effect(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
	speech, id := &r.client.f.Speech, r.client.id
	on := r.client.f.on(tx)
	err := atomic.ExecOne(ctx, on, speech.sql(`UPDATE fault_counters SET n = n + 1 WHERE client = ?`), id)
	if err != nil {
		return nil, err
	}
	n, err := atomic.QueryOne(ctx, tx, func(row atomic.Row) (n int64, err error) {
		return n, row.Scan(&n)
	}, speech.sql(`SELECT n FROM fault_counters WHERE client = ?`), id)
	if err != nil {
		return nil, err
	}
	insert, args := speech.sql(`INSERT INTO fault_effects VALUES (?, ?)`), []any{id, r.key}
	if r.bare {
		insert, args = fmt.Sprintf(`INSERT INTO fault_effects VALUES (%d, '%s')`, id, r.key), nil
	}
	if err := atomic.ExecOne(ctx, on, insert, args...); err != nil {
		return nil, err
	}
	if r.client.point.waits {
		select {
		case <-r.trap.Done():
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return fmt.Appendf(nil, "%s: %d", r.key, n), nil
}

// check compares the outcome with the answer, after the fault.
func (r *faultRequest) check(ctx context.Context, row *faultRow) {
	r.client.f.Helper()
	n := r.client.count() // Before anybody looks for the row.
	if r.client.keyed {
		row.rounds++
		r.checkKeyed(ctx, row)
		n = r.client.count()
	} else {
		r.checkPlain(ctx, row)
	}
	r.client.rows += r.outcome()
	if n != r.client.rows {
		r.violation(row, "the counter is %d, of %d rows", n, r.client.rows)
	}
}

// outcome is how many rows the request has left.
func (r *faultRequest) outcome() int64 {
	r.client.f.Helper()
	return r.client.f.number(`SELECT count(*) FROM fault_effects WHERE name = ?`, r.key)
}

func (r *faultRequest) violation(row *faultRow, format string, args ...any) {
	r.client.f.Helper()
	row.violations++
	what := fmt.Sprintf(format, args...)
	r.client.f.Errorf("%s, %s: %s; the answer was %v", r.client.point.name, r.key, what, r.answer)
}

// checkPlain wants the row once if Do has answered that it is committed, and not at all if Do has answered with any
// error but unknown.
func (r *faultRequest) checkPlain(ctx context.Context, row *faultRow) {
	r.client.f.Helper()
	outcome, point := r.outcome(), &r.client.point
	low, high := int64(0), int64(0)
	switch {
	case r.answer == nil:
		low, high = 1, 1
		row.done++
		row.retried += min(r.client.retries, 1)
	case errors.Is(r.answer, atomic.ErrOutcomeUnknown):
		low, high = point.fewest, point.most
		row.there += int(min(outcome, 1))
		row.absent += int(1 - min(outcome, 1))
	default:
		row.failed++
	}
	switch {
	case outcome < low || outcome > high:
		r.violation(row, "%d rows, want %d to %d", outcome, low, high)
	case !errors.Is(r.answer, point.answer):
		r.violation(row, "want %v", point.answer)
	case point.answer == nil && point.answerOnce != nil && r.client.retries == 0:
		r.violation(row, "there was no fault")
	}
	if err := atomic.Do(ctx, r.client.db, func(context.Context, *atomic.Tx) error { return nil }, nil); err != nil {
		r.violation(row, "the next block: %v", err)
	}
}

// checkKeyed sends the request again if the client has given up. Then it wants the row exactly once, and the same
// result from another call.
func (r *faultRequest) checkKeyed(ctx context.Context, row *faultRow) {
	r.client.f.Helper()
	var want error
	if r.givesUp {
		want = r.client.point.answerOnce
	}
	outcome := r.outcome()
	unknown := errors.Is(r.answer, atomic.ErrOutcomeUnknown)
	switch {
	case !errors.Is(r.answer, want) || unknown != errors.Is(want, atomic.ErrOutcomeUnknown):
		r.violation(row, "want %v", want)
	case r.answer != nil && !unknown && outcome != 0:
		r.violation(row, "%d rows of what has failed", outcome)
	case r.answer == nil && r.client.point.answerOnce != nil && r.client.resolved+r.client.retries == 0:
		r.violation(row, "there was no fault")
	}
	if r.client.resolved > 0 {
		row.resolved++
	}
	if r.answer != nil {
		row.again++
		result, replayed, err := r.doKeyed(ctx, patient, r.effect)
		if err != nil || replayed != (outcome == 1) {
			r.violation(row, "sent again: replayed: %t, of %d rows, %v", replayed, outcome, err)
		}
		r.result = result
	}
	result, replayed, err := r.doKeyed(ctx, patient, func(context.Context, *atomic.Tx) ([]byte, error) {
		return nil, errors.New("the block runs again")
	})
	if err != nil || !replayed || result != r.result || result == "" {
		r.violation(row, "%q was %q before, replayed: %t, %v", result, r.result, replayed, err)
	}
	if outcome := r.outcome(); outcome == 1 {
		row.once++
	} else {
		r.violation(row, "%d rows", outcome)
	}
}
