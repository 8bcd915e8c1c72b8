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

// Breakable is a server that a test may kill, behind a proxy that cuts connections.
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

// A Point is a place in the life of a statement, where a trap holds its connection. The numbers are those of package
// sqltest.
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

// Faults cuts the connections of clients at every point around COMMIT, and kills the server there. Each request
// counts up and leaves a row. A request with a key must have done so exactly once, and its answer must be the same
// for ever. For a request without a key the outcome must agree with the answer of Do: the row of a commit is there
// once, the row of a failure is not there, and if nobody can know, the answer must be unknown. Faults prints what
// it has counted. Then it does the same without Do, as the errors of a driver suggest. That must go wrong, or the
// test could not see the bug.
//
// A round is one request with a key and one without at each point. A cut hits one connection at a time. A kill hits all
// of them at once, when there is a connection at every point. In every other pair of rounds the client with a key
// gives up at the first error and asks again after the fault.
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
	clock   *outageClock
	clients []*faultClient
	table   faultTable
}

// A faultPoint is a point in a request where a fault strikes, with the answers and outcomes that are allowed there.
type faultPoint struct {
	name string
	// at is the point in the life of the statement that matches.
	at    Point
	match func(statement string) bool
	// waits means that the block goes on only after the fault.
	waits bool
	// answer is what Do must return. If that is ErrOutcomeUnknown, the outcome is fewest to most rows.
	answer       error
	fewest, most int64
	// answerOnce is what DoKeyed must return to a client that makes one attempt only.
	answerOnce error
}

// faultPoints are in the order in which the clients of a kill reach them. At the last one the server is committing
// when the kill comes, and either may win.
func faultPoints() []faultPoint {
	unknown, spent := atomic.ErrOutcomeUnknown, atomic.ErrBudget
	return []faultPoint{
		{name: "in the block, answer lost", at: BeforeAnswer, match: isEffect, answerOnce: spent},
		{name: "before COMMIT leaves", at: AfterAnswer, match: isEffect, waits: true, answer: unknown, answerOnce: spent},
		{name: "before COMMIT arrives", at: BeforeSend, match: isCommit, answer: unknown, answerOnce: unknown},
		{
			name: "COMMIT done, answer lost", at: BeforeAnswer, match: isCommit,
			answer: unknown, fewest: 1, most: 1, answerOnce: unknown,
		},
		{name: "COMMIT answered", at: AfterAnswer, match: isCommit},
		{name: "COMMIT arrived", at: AfterSend, match: isCommit, answer: unknown, most: 1, answerOnce: unknown},
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
	for _, p := range faultPoints() {
		id := len(f.clients)
		f.clients = append(f.clients, newFaultClient(f, id, p, true), newFaultClient(f, id+1, p, false))
	}
	if err := atomic.Setup(t.Context(), atomic.Open(b.Direct, b.Dialect, nil)); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`CREATE TABLE fault_counters (client BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)`,
		`CREATE TABLE fault_effects (client BIGINT NOT NULL, name VARCHAR(100) NOT NULL)`,
		`CREATE INDEX fault_effects_name ON fault_effects (name)`,
		`CREATE TABLE fault_naive (name VARCHAR(100) NOT NULL)`,
	} {
		f.exec(statement)
	}
	for _, c := range f.clients {
		f.exec(`INSERT INTO fault_counters VALUES (?, 0)`, c.id)
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

// cutRound cuts the connections of all clients, one after the other.
func (f *faults) cutRound(round int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), roundLimit)
	defer cancel()
	for _, c := range f.clients {
		trap := f.Trap(c.point.at, c.point.match)
		trap.Cut()
		r := c.request("cut", round, trap)
		r.run(ctx)
		f.await(ctx, "a cut "+c.point.name, trap.Done())
		r.check(ctx, f.table.row("cut", c.point.name))
	}
}

// killRound kills the server while there is a connection at every point.
func (f *faults) killRound(round int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), roundLimit)
	defer cancel()
	var requests []*faultRequest
	var running sync.WaitGroup
	for _, c := range f.inOrder(round) {
		r := c.request("kill", round, f.Trap(c.point.at, c.point.match))
		requests = append(requests, r)
		running.Go(func() { r.run(ctx) })
		f.await(ctx, "no connection is "+c.point.name, r.trap.Caught())
	}
	f.clock.stop()
	f.Direct.SetMaxIdleConns(-1) // Or one of them would be found dead later.
	if err := f.Kill(); err != nil {
		f.Fatal(err)
	}
	for _, r := range requests {
		r.trap.Cut()
	}
	if err := f.Restart(ctx); err != nil {
		f.Fatal(err)
	}
	f.Direct.SetMaxIdleConns(1)
	f.clock.start()
	running.Wait()
	for _, r := range requests {
		r.check(ctx, f.table.row("kill -9", r.client.point.name))
	}
}

// inOrder returns the clients in the order in which they begin. The last one races with the kill. It has a key in every
// other round.
func (f *faults) inOrder(round int) []*faultClient {
	clients := slices.Clone(f.clients)
	if n := len(clients); round%2 == 0 {
		clients[n-2], clients[n-1] = clients[n-1], clients[n-2]
	}
	return clients
}

// wantSums compares the counters with the rows, when all is over.
func (f *faults) wantSums() {
	f.Helper()
	for _, c := range f.clients {
		n, rows := c.count(), f.number(`SELECT count(*) FROM fault_effects WHERE client = ?`, c.id)
		if n != rows {
			f.Errorf("client %d, %s: the counter is %d, of %d rows", c.id, c.point.name, n, rows)
		}
	}
}

// An outageClock ends every Sleep at once, but not while the server is down. It is safe for concurrent use.
type outageClock struct {
	*clock.Fake
	mu sync.Mutex
	up chan struct{} // closed while the server runs
}

func newOutageClock() *outageClock {
	c := &outageClock{Fake: clock.NewFake(startTime)}
	c.stop()
	c.start()
	return c
}

// stop makes every Sleep from now on wait for start.
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
