package sqlstore_test

import (
	"context"
	sqldriver "database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// step is a statement on its way, and what others cannot lock any more since it ran.
type step struct {
	name     string
	locks    []string // where several were sent together, all that they have locked is the last one's
	trips    int      // round trips of the work before it
	together bool     // it was sent together with the one before it
}

// trace is what a piece of work does to the database.
type trace struct {
	steps      []step
	roundTrips int // 0 where there is no wire
}

// locks maps a kind of lock to how many rows are locked so.
type locks map[string]int

// toCommit is the part of a trace up to its first COMMIT.
func (tr *trace) toCommit() *trace {
	for i, s := range tr.steps[:len(tr.steps)-1] {
		if strings.Contains(s.name, "COMMIT`") {
			return &trace{tr.steps[:i+1], tr.steps[i+1].trips}
		}
	}
	return tr
}

// probe says what is locked now, as another connection finds out by trying.
type probe func(t *testing.T) locks

// tape records traces, one at a time.
type tape struct {
	names  []named
	probe  probe
	record func(t *testing.T, on *recording, work func() error) (roundTrips int, err error)
}

// recording takes down statements and what they lock.
type recording struct {
	tape   *tape
	trace  trace
	locked locks
}

// take records what work does. Every statement is held up while another connection looks at what is locked. What a
// caller had locked before is not counted.
func (p *tape) take(t *testing.T, work func() error) *trace {
	t.Helper()
	r := &recording{tape: p, locked: p.probe(t)}
	var err error
	if r.trace.roundTrips, err = p.record(t, r, work); err != nil {
		t.Fatal(err)
	}
	r.settle(t, "")
	return &r.trace
}

// next takes down a statement that is about to run.
func (r *recording) next(t *testing.T, text string, trips int) {
	t.Helper()
	// The server takes what was sent together at its own pace, so nobody can say which of it has locked what.
	together := len(r.trace.steps) > 0 && trips > 0 && trips == r.trace.steps[len(r.trace.steps)-1].trips
	if !together {
		r.settle(t, text)
	}
	name, err := nameOf(r.tape.names, text)
	if err != nil {
		t.Error(err)
	}
	r.trace.steps = append(r.trace.steps, step{name: name, trips: trips, together: together})
}

// settle finds out what the statement before the next one has locked. A lock that is gone while the database
// transaction goes on would be a defect.
func (r *recording) settle(t *testing.T, next string) {
	t.Helper()
	now := r.tape.probe(t)
	if len(r.trace.steps) == 0 {
		return
	}
	last := &r.trace.steps[len(r.trace.steps)-1]
	ended := strings.Contains(last.name, "COMMIT") || last.name == "`ROLLBACK`"
	for _, kind := range slices.Sorted(maps.Keys(now)) {
		if more := now[kind] - r.locked[kind]; more > 0 {
			last.locks = append(last.locks, fmt.Sprintf("%d %s", more, kind))
		}
	}
	before, after := r.locked.tables(), now.tables()
	for table, rows := range before {
		if after[table] < rows && !ended {
			t.Errorf("after %s, before %q, %d rows of %s are locked and not %d any more",
				last.name, next, after[table], table, rows)
		}
	}
	r.locked = now
}

// tables counts the locked rows of each table, however they are locked.
func (l locks) tables() locks {
	sums := locks{}
	for kind, rows := range l {
		table, _, _ := strings.Cut(kind, " ")
		sums[table] += rows
	}
	return sums
}

// ping is what pgx asks of a connection that was idle for more than a second, which depends on the machine.
const ping = "-- ping"

// overWire records what goes through a proxy.
func overWire(proxy *sqltest.Proxy) func(*testing.T, *recording, func() error) (int, error) {
	return func(t *testing.T, on *recording, work func() error) (int, error) {
		t.Helper()
		before, pings := proxy.Counts().RoundTrips, 0
		finished := make(chan error, 1)
		caught := newCatch(proxy)
		go func() { finished <- work() }()
		for {
			select {
			case <-caught.trap.Caught():
				text, trap := caught.text, caught.trap
				if text == ping {
					pings++
				} else {
					on.next(t, text, proxy.Counts().RoundTrips-before-pings)
				}
				caught = newCatch(proxy)
				trap.Release()
			case err := <-finished:
				caught.disarm()
				return proxy.Counts().RoundTrips - before - pings, err
			}
		}
	}
}

// catch holds up one statement, whatever it is, unless it is disarmed before.
type catch struct {
	trap *sqltest.Trap
	text string // to be read when it is caught

	mu  sync.Mutex
	off bool
}

func newCatch(proxy *sqltest.Proxy) *catch {
	c := &catch{}
	c.trap = proxy.Trap(sqltest.BeforeSend, func(statement string) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.text = statement
		return !c.off
	})
	return c
}

func (c *catch) disarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
}

// inDriver records what a driver is asked to do, where there is no wire.
type inDriver struct {
	sqldriver.Connector
	next func(text string) // nil while nothing is recorded
}

func (d *inDriver) record(t *testing.T, on *recording, work func() error) (int, error) {
	d.next = func(text string) { on.next(t, text, 0) }
	defer func() { d.next = nil }()
	return 0, work()
}

func (d *inDriver) Connect(ctx context.Context) (sqldriver.Conn, error) {
	opened, err := d.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &driverConn{opened.(recordable), d}, nil
}

// recordable is what database/sql asks of a connection while it is recorded.
type recordable interface {
	sqldriver.Conn
	sqldriver.ConnBeginTx
	sqldriver.ConnPrepareContext
	sqldriver.ExecerContext
	sqldriver.QueryerContext
	sqldriver.SessionResetter
	sqldriver.Validator
}

type driverConn struct {
	recordable
	to *inDriver
}

func (c *driverConn) note(text string) {
	if c.to.next != nil {
		c.to.next(text)
	}
}

func (c *driverConn) ExecContext(
	ctx context.Context, query string, args []sqldriver.NamedValue,
) (sqldriver.Result, error) {
	c.note(query)
	return c.recordable.ExecContext(ctx, query, args)
}

func (c *driverConn) QueryContext(
	ctx context.Context, query string, args []sqldriver.NamedValue,
) (sqldriver.Rows, error) {
	c.note(query)
	return c.recordable.QueryContext(ctx, query, args)
}
