package atomictest

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// Breakable is a server that a test may kill, with a proxy before it that cuts connections.
type Breakable struct {
	// Harness is the engine. Its Open is not used.
	Harness
	// Direct is a pool on an empty database of the server, past the proxy.
	Direct *sql.DB
	// Through opens another pool on that database, through the proxy, and closes it when the test ends.
	Through func(t *testing.T) *sql.DB
	// Trap waits for the next statement that matches, on any connection through the proxy.
	Trap func(p Point, match func(statement string) bool) Trap
	// Kill ends the server with SIGKILL and returns when it is gone.
	Kill func() error
	// Restart starts it again with its data and returns when it takes connections.
	Restart func(ctx context.Context) error
}

// A Point is where a trap holds a connection, in the life of the statement that it waits for. The numbers are those of
// package sqltest.
type Point uint8

const (
	// BeforeSend is when the client has sent the statement and the server has not got it.
	BeforeSend Point = iota + 1
	// AfterSend is when the server has got it, and may or may not have executed it.
	AfterSend
	// BeforeAnswer is when the server has answered and the client has got nothing of the answer.
	BeforeAnswer
	// AfterAnswer is when the client has the answer.
	AfterAnswer
)

// A Trap holds one connection when a statement reaches a point.
type Trap interface {
	// Caught is closed when a connection stands at the point.
	Caught() <-chan struct{}
	// Done is closed when the trap has had its effect.
	Done() <-chan struct{}
	// Cut closes the connection, as soon as it is caught.
	Cut()
}

// Faults loses the connections of blocks at every point around COMMIT, and kills the server there. The blocks count up
// and leave a row. Those with a key must have done so exactly once and give the same result for ever. Of those without,
// what Do calls committed must be there once, what it calls a failure must not be there at all, and whatever nobody can
// know must be called unknown. It prints what it has counted. Then it does the same the way that the errors of a driver
// suggest, which must go wrong: so the test can see the bug.
//
// A round is one block with a key and one without at each point. A cut takes one connection at a time. A kill takes the
// server from under all of them at once: connections stand at every point when it comes. In every other pair of rounds
// the caller with a key gives up at the first error and calls again when all is over.
func Faults(t *testing.T, b Breakable, rounds int) {
	t.Helper()
	f := newFaults(t, b)
	defer func() { t.Log(f.table.String()) }()
	for round := range rounds {
		f.cutRound(round)
	}
	for round := range rounds {
		f.killRound(round)
	}
	f.wantSums()
	f.naive(rounds)
}

// roundLimit ends a round that hangs.
const roundLimit = 2 * time.Minute

// faults is one run of Faults.
type faults struct {
	*testing.T
	Breakable
	clock *outageClock
	lanes []*lane
	table faultTable
}

// A standing is where a block is when the fault comes, and what it promises there.
type standing struct {
	name  string
	point Point
	match func(statement string) bool
	// idle means that the block goes on only when the fault has come.
	idle bool
	// says is what Do must return. If that is ErrOutcomeUnknown, fewest and most are the rows that it may have left.
	says         error
	fewest, most int64
	// quits is what DoKeyed must return to a caller who gives up.
	quits error
}

// standings are in the order in which the lanes of a kill reach them. The last one is a race between the server, which
// is at the commit, and the kill.
func standings() []standing {
	unknown, spent := atomic.ErrOutcomeUnknown, atomic.ErrBudget
	return []standing{
		{name: "in the block, answer lost", point: BeforeAnswer, match: isEffect, quits: spent},
		{name: "before COMMIT leaves", point: AfterAnswer, match: isEffect, idle: true, says: unknown, quits: spent},
		{name: "before COMMIT arrives", point: BeforeSend, match: isCommit, says: unknown, quits: unknown},
		{name: "COMMIT done, answer lost", point: BeforeAnswer, match: isCommit, says: unknown, fewest: 1, most: 1, quits: unknown},
		{name: "COMMIT answered", point: AfterAnswer, match: isCommit},
		{name: "COMMIT arrived", point: AfterSend, match: isCommit, says: unknown, most: 1, quits: unknown},
	}
}

// isCommit matches the message that commits, which may hold another statement before it.
func isCommit(statement string) bool {
	return strings.HasSuffix(strings.ToUpper(strings.TrimSpace(statement)), "COMMIT")
}

func isEffect(statement string) bool { return strings.Contains(statement, "INTO fault_effects") }

func isNaive(statement string) bool { return strings.Contains(statement, "INTO fault_naive") }

func newFaults(t *testing.T, b Breakable) *faults {
	t.Helper()
	f := &faults{T: t, Breakable: b, clock: newOutageClock(), table: faultTable{engine: b.Name}}
	for _, s := range standings() {
		f.lanes = append(f.lanes, newLane(f, len(f.lanes), s, true), newLane(f, len(f.lanes)+1, s, false))
	}
	if err := atomic.Setup(t.Context(), atomic.Open(b.Direct, b.Dialect, nil)); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`CREATE TABLE fault_counters (lane BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)`,
		`CREATE TABLE fault_effects (lane BIGINT NOT NULL, name VARCHAR(100) NOT NULL)`,
		`CREATE INDEX fault_effects_name ON fault_effects (name)`,
		`CREATE TABLE fault_naive (name VARCHAR(100) NOT NULL)`,
	} {
		f.exec(statement)
	}
	for _, l := range f.lanes {
		f.exec(`INSERT INTO fault_counters VALUES (?, 0)`, l.id)
	}
	return f
}

func (f *faults) exec(query string, args ...any) {
	f.Helper()
	if _, err := f.Direct.ExecContext(f.Context(), f.Speech.sql(query), args...); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
}

func (f *faults) number(query string, args ...any) (n int64) {
	f.Helper()
	if err := f.Direct.QueryRowContext(f.Context(), f.Speech.sql(query), args...).Scan(&n); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
	return n
}

// await ends the test if something does not happen.
func (f *faults) await(ctx context.Context, what string, happened <-chan struct{}) {
	f.Helper()
	select {
	case <-happened:
	case <-ctx.Done():
		f.Fatalf("%s: %v", what, context.Cause(ctx))
	}
}

// cutRound cuts the connections of all lanes, one after the other.
func (f *faults) cutRound(round int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), roundLimit)
	defer cancel()
	for _, l := range f.lanes {
		trap := f.Trap(l.at.point, l.at.match)
		trap.Cut()
		c := l.begin("cut", round, trap)
		c.run(ctx)
		f.await(ctx, "a cut "+l.at.name, trap.Done())
		c.settle(ctx, f.table.row("cut", l.at.name))
	}
}

// killRound kills the server while there is a connection at every point.
func (f *faults) killRound(round int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), roundLimit)
	defer cancel()
	var calls []*call
	var running sync.WaitGroup
	for _, l := range f.raced(round) {
		c := l.begin("kill", round, f.Trap(l.at.point, l.at.match))
		calls = append(calls, c)
		running.Go(func() { c.run(ctx) })
		f.await(ctx, "nobody stands "+l.at.name, c.trap.Caught())
	}
	f.clock.stop()
	f.Direct.SetMaxIdleConns(-1) // Or one of them would be found dead later.
	if err := f.Kill(); err != nil {
		f.Fatal(err)
	}
	for _, c := range calls {
		c.trap.Cut()
	}
	if err := f.Restart(ctx); err != nil {
		f.Fatal(err)
	}
	f.Direct.SetMaxIdleConns(1)
	f.clock.start()
	running.Wait()
	for _, c := range calls {
		c.settle(ctx, f.table.row("kill -9", c.at.name))
	}
}

// raced is the lanes in the order in which they begin: the last one races with the kill, with a key and without by
// turns.
func (f *faults) raced(round int) []*lane {
	lanes := slices.Clone(f.lanes)
	if n := len(lanes); round%2 == 0 {
		lanes[n-2], lanes[n-1] = lanes[n-1], lanes[n-2]
	}
	return lanes
}

// wantSums holds the counters against the rows, when all is over.
func (f *faults) wantSums() {
	f.Helper()
	for _, l := range f.lanes {
		n, rows := l.count(), f.number(`SELECT count(*) FROM fault_effects WHERE lane = ?`, l.id)
		if n != rows {
			f.Errorf("lane %d, %s: the counter is %d, of %d rows", l.id, l.at.name, n, rows)
		}
	}
}

// An outageClock lets those who wait go on at once, but not while the server is down. It is safe for concurrent use.
type outageClock struct {
	*clock.Fake
	mu sync.Mutex
	up chan struct{} // closed while the server runs
}

func newOutageClock() *outageClock {
	c := &outageClock{Fake: clock.NewFake(dawn)}
	c.stop()
	c.start()
	return c
}

// stop makes whoever waits from now on wait for start.
func (c *outageClock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = make(chan struct{})
}

func (c *outageClock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.up)
}

// Sleep returns when the server runs.
func (c *outageClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	up := c.up
	c.mu.Unlock()
	select {
	case <-up:
		return c.Fake.Sleep(ctx, d)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
