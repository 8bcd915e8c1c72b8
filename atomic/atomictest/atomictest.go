// Package atomictest is the contract of package atomic over any engine, as numbered behaviours.
//
// An engine's own tests call [Run] with a [Harness] and keep only what is special about the engine:
//
//	func TestSuite(t *testing.T) { atomictest.Run(t, atomictest.Postgres(postgres.Dialect{}, open)) }
//
// There is one file for each subject, and each behaviour is named by what it pins down. [Capabilities] declares
// what an engine cannot do. The same behaviour then tests that the engine refuses it: nothing is skipped.
// docs/atomic.md tells the pitfalls behind the numbers.
//
// Beside the numbered suite, [Contend] puts load on a few rows, [Faults] cuts connections and kills servers,
// [ContendForLease] freezes processes, and [Overhead] measures what Do costs. The package brings no driver and
// starts no server; its callers do.
package atomictest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// Harness is an engine under test.
type Harness struct {
	// Name is the engine's name in the matrix that ends a run.
	Name string
	// Dialect is the dialect under test.
	Dialect atomic.Dialect
	// Open makes an empty database, or an empty schema, and returns two independent pools on it. It closes them when
	// the test ends. The second pool is for other sessions. The suite may bound the connections of both.
	Open func(t *testing.T) (pool, other *sql.DB)
	// Native, if not nil, shows a block as the transaction of the engine's driver. The behaviours' own statements go
	// through it, those of package atomic do not. It returns nil for a block that the driver has no transaction for.
	Native func(tx *atomic.Tx) Statements
	// Savepoint, if not nil, runs fn in a savepoint of the driver's inside a block, where behaviours nest a Do.
	// It needs Native.
	Savepoint func(ctx context.Context, tx *atomic.Tx, fn func(tx *atomic.Tx) error) error
	// Discard is [atomic.OpenOptions.Discard].
	Discard func(driverConn any)
	// Connections, if not nil, counts those of a pool, where database/sql does not keep them.
	Connections func(pool *sql.DB) int
	// Can is what the engine is declared to do.
	Can Capabilities
	// Speech is the engine's SQL where engines differ.
	Speech Speech
}

// Capabilities are the differences between engines that callers meet. Each is tested in both directions.
type Capabilities struct {
	// BreaksOnError: the engine itself takes nothing more after an error. So an error that the Tx cannot see is found
	// too.
	BreaksOnError bool
	// DDLCommits: statements that define tables commit what went before, so they are refused inside a block.
	DDLCommits bool
	// DeadlockEndsAll: a deadlock rolls back everything, savepoints included.
	DeadlockEndsAll bool
	// SerializableDefault: a block that asks for no level is serializable.
	SerializableDefault bool
	// NoSerializable: SERIALIZABLE is refused.
	NoSerializable bool
	// OneWriter: while a block that may write is open, every other writer of the database waits.
	OneWriter bool
	// Snapshots: at READ COMMITTED each statement sees what others have committed in the meantime.
	Snapshots bool
	// UpdateConflicts: at REPEATABLE READ an update of a row that changed since the snapshot fails as a conflict.
	UpdateConflicts bool
	// Deferred: constraints can be checked as late as COMMIT.
	Deferred bool
	// Share, NoKey, NoWait, SkipLocked and Of are the clauses of row locks.
	Share, NoKey, NoWait, SkipLocked, Of bool
	// Kill: one session can end another one's connection.
	Kill bool
	// Named: the driver tells the name of a violated constraint.
	Named bool
}

// Speech is SQL that differs between engines.
type Speech struct {
	// Dollar: parameters are written $1 instead of ?.
	Dollar bool
	// SessionID reads the number of its own session; empty where sessions have none.
	SessionID string
	// Blocked is more than zero while the session with a given number waits for a lock.
	Blocked string
	// Waits, if not nil, is asked instead of Blocked.
	Waits func(ctx context.Context, db *sql.DB, id int64) (bool, error)
	// Kill ends the connection of a session; %d stands for its number.
	Kill string
	// Alive is more than zero while there is a session with a given number.
	Alive string
	// Slow is a query that takes long, unless it is cut short.
	Slow string
	// ForUpdate ends a SELECT that locks its rows; empty where blocks that may write keep each other out anyway.
	ForUpdate string
}

// behaviour is one line of the contract. Numbers are for ever: documents refer to them.
type behaviour struct {
	number int
	name   string
	run    func(*fixture)
}

type subject struct {
	name       string
	behaviours []behaviour
}

// Result is what an engine showed of the contract.
type Result struct {
	// Shown, Lacking and Failed count behaviours. An engine that lacks one as declared has shown that it refuses it.
	Shown, Lacking, Failed int
	// Lacks are the names of those that are lacking, by their numbers.
	Lacks map[int]string
	// Whole says that every behaviour ran.
	Whole bool
}

// Run holds an engine against the contract, prints how many behaviours it showed, and returns that. Behaviours run in
// parallel.
func Run(t *testing.T, h Harness) Result {
	t.Helper()
	m := &matrix{engine: h.Name, cells: map[string]*cell{}, lacks: map[int]string{}}
	checkNumbers(t)
	t.Run("suite", func(t *testing.T) {
		for _, s := range subjects() {
			for _, b := range s.behaviours {
				t.Run(fmt.Sprintf("%03d %s", b.number, b.name), func(t *testing.T) {
					t.Parallel()
					f := newFixture(t, h)
					t.Cleanup(func() { m.note(s.name, &b, t.Failed(), f.absent) })
					b.run(f)
					f.wantIdle()
				})
			}
		}
	})
	t.Log(m.String())
	return m.result()
}

// timeLimit ends a behaviour that hangs, long before the test binary would.
const timeLimit = 30 * time.Second

func checkNumbers(t *testing.T) {
	t.Helper()
	names, previous := map[string]int{}, 0
	for _, s := range subjects() {
		for _, b := range s.behaviours {
			if b.number != previous+1 {
				t.Fatalf("%s: behaviour %03d %q follows %03d", s.name, b.number, b.name, previous)
			}
			if other, taken := names[b.name]; taken {
				t.Fatalf("behaviours %03d and %03d are both named %q", other, b.number, b.name)
			}
			previous, names[b.name] = b.number, b.number
		}
	}
}

// A matrix counts the behaviours of one engine by subject.
type matrix struct {
	engine string
	mu     sync.Mutex
	cells  map[string]*cell
	lacks  map[int]string
}

type cell struct{ shown, failed, absent int }

func (m *matrix) note(subject string, b *behaviour, failed, absent bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.cells[subject]
	if c == nil {
		c = &cell{}
		m.cells[subject] = c
	}
	switch {
	case failed:
		c.failed++
	case absent:
		c.absent++
		m.lacks[b.number] = b.name
	default:
		c.shown++
	}
}

func (m *matrix) result() Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := Result{Lacks: m.lacks}
	for _, c := range m.cells {
		r.Shown, r.Lacking, r.Failed = r.Shown+c.shown, r.Lacking+c.absent, r.Failed+c.failed
	}
	all := 0
	for _, s := range subjects() {
		all += len(s.behaviours)
	}
	r.Whole = r.Shown+r.Lacking+r.Failed == all
	return r
}

// String is a table with a line for each subject: how many behaviours were shown, how many the engine lacks as
// declared, and how many failed.
func (m *matrix) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	var sum cell
	fmt.Fprintf(&b, "%s\n%-24s %6s %17s %6s\n", m.engine, "subject", "shown", "lacks as declared", "failed")
	line := func(name string, c cell) { fmt.Fprintf(&b, "%-24s %6d %17d %6d\n", name, c.shown, c.absent, c.failed) }
	for _, s := range subjects() {
		if c := m.cells[s.name]; c != nil {
			line(s.name, *c)
			sum = cell{sum.shown + c.shown, sum.failed + c.failed, sum.absent + c.absent}
		}
	}
	line("= sum", sum)
	return b.String()
}

// subjects are the files of the suite, in the order of their numbers.
func subjects() []subject {
	all := []subject{
		{"beginning and ending", endingBehaviours},
		{"nesting", nestingBehaviours},
		{"joining", joiningBehaviours},
		{"intents", intentBehaviours},
		{"broken state", brokenBehaviours},
		{"hooks", hookBehaviours},
		{"contexts", contextBehaviours},
		{"panics and Goexit", unwindingBehaviours},
		{"rows left open", rowsBehaviours},
		{"late and concurrent use", misuseBehaviours},
		{"retry", retryBehaviours},
		{"modes", modeBehaviours},
		{"doubt", doubtBehaviours},
		{"conflicts", conflictBehaviours},
		{"required", requiredBehaviours},
		{"control statements", controlBehaviours},
		{"row locks", rowLockBehaviours},
		{"advisory locks, guards", advisoryBehaviours},
		{"leases", leaseBehaviours},
		{"swap and hybrid", swapBehaviours},
		{"keyed", keyedBehaviours},
		{"adopted", adoptBehaviours},
		{"one row, all rows", queryBehaviours},
		{"observed", observeBehaviours},
		{"out of sight", unseenBehaviours},
		{"causes", causeBehaviours},
		{"plain mistakes", mistakeBehaviours},
		{"recorded", recordBehaviours},
		{"by themselves", aloneBehaviours},
		{"codes", codeBehaviours},
	}
	return slices.Clip(all)
}
