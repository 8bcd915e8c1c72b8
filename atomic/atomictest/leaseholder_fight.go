package atomictest

import (
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// FightForLease runs two processes that want one lease, their clocks an hour apart. Time and again the holder is stopped with
// SIGSTOP until the other one has the lease and has written, and is then continued: its next write must be refused. There are five such
// rounds, and a hundred when BURSAR_TORTURE is set. No write may stand behind one with a greater token. Then the same
// is done without a fence, and the stale write must get through: so the test can see the bug.
//
// open gives an empty database as a driver and its data source name. The processes are this test binary: its TestMain must call
// [HoldLease] and end when [HelperVariable] is [LeaseHelper]. It skips where processes cannot be stopped.
func FightForLease(t *testing.T, h Harness, open func(t *testing.T) (driver, dsn string)) {
	t.Helper()
	if !canStop {
		t.Skip("this system cannot stop a process and continue it")
	}
	rounds := 5
	if os.Getenv("BURSAR_TORTURE") != "" {
		rounds = 100
	}
	t.Run("fenced", func(t *testing.T) {
		f := newFight(t, h, open, false)
		for range rounds {
			f.round("refused")
		}
		lines := f.end()
		if n := staleWrites(lines); n != 0 {
			t.Errorf("%d of %d writes have a smaller token than one before them, want none", n, len(lines))
		}
		f.wantOneHolderEach(lines)
		t.Logf("%s: the lease passed from a stopped process to the other %d times, %d stale writes were refused; %d writes, none out of order",
			h.Name, rounds, f.refused, len(lines))
	})
	t.Run("naive", func(t *testing.T) {
		f := newFight(t, h, open, true)
		f.round("lost")
		if staleWrites(f.end()) == 0 {
			t.Error("no stale write got through without a fence: the test does not show the bug that the fence prevents")
		}
	})
}

// staleWrites counts the writes of which one before has a greater token.
func staleWrites(lines []writeLine) (n int) {
	var newest int64
	for _, line := range lines {
		if line.token < newest {
			n++
		}
		newest = max(newest, line.token)
	}
	return n
}

type fight struct {
	*testing.T
	h         Harness
	pool      *sql.DB
	processes [2]*holderProcess
	refused   int
}

// A writeLine is one write, as it was committed.
type writeLine struct {
	token  int64
	holder string
}

func newFight(t *testing.T, h Harness, open func(t *testing.T) (driver, dsn string), unfenced bool) *fight {
	t.Helper()
	driver, dsn := open(t)
	f := &fight{T: t, h: h}
	var err error
	if f.pool, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.pool.Close() })
	if err := atomic.Setup(t.Context(), atomic.Open(f.pool, h.Dialect, nil)); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`CREATE TABLE writes (n BIGINT NOT NULL PRIMARY KEY, token BIGINT NOT NULL, holder VARCHAR(20) NOT NULL)`,
		`CREATE TABLE pen (n BIGINT NOT NULL PRIMARY KEY)`,
		`INSERT INTO pen VALUES (0)`,
	} {
		if _, err := f.pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	who := holding{Driver: driver, DSN: dsn, Holder: "ahead", Offset: time.Hour, Unfenced: unfenced}
	f.processes[0] = startHolder(t, who, "TZ=Etc/GMT-1")
	f.processes[0].await("wrote", 1)
	who.Holder, who.Offset = "right", 0
	f.processes[1] = startHolder(t, who, "TZ=UTC")
	apart := f.processes[0].await("clock", 1) - f.processes[1].await("clock", 1)
	if minutes := apart / 60; minutes < 59 || minutes > 60 {
		t.Fatalf("the clocks are %d s apart, want an hour", apart)
	}
	return f
}

// stopsMax is how often a process may have lost the lease by the time it has stopped.
const stopsMax = 50

// round stops the holder, waits until the other one has taken over, continues it, and wants it to find that out in the way of
// event: "refused" is the write that it was about to do, "lost" the renewal after that, which is too late.
func (f *fight) round(event string) {
	f.Helper()
	stale, other, token := f.stopHolder()
	newer := other.await("wrote", token+1)
	stale.proceed()
	if got := stale.awaitEither("refused", "lost", token); got != event {
		f.Fatalf("token %d was stopped, token %d wrote, and %d was %s, want %s", token, newer, token, got, event)
	}
	f.refused++
	f.Logf("token %d was stopped, token %d wrote, and %d was %s", token, newer, token, event)
}

// stopHolder stops the process that has the lease, and returns its token. One that has lost the lease without being stopped, because the
// machine was slow, is let go on, and the other one is tried.
func (f *fight) stopHolder() (stale, other *holderProcess, token int64) {
	f.Helper()
	for range stopsMax {
		stale, other = f.processes[0], f.processes[1]
		if other.last("wrote") > stale.last("wrote") {
			stale, other = other, stale
		}
		if token, held := stale.stop(); held {
			return stale, other, token
		}
		stale.proceed()
	}
	f.Fatalf("in %d attempts no process has held the lease for %d writes", stopsMax, leaseWrites)
	return nil, nil, 0
}

// end ends the processes and returns what they wrote, in the order of the commits.
func (f *fight) end() []writeLine {
	f.Helper()
	for _, p := range f.processes {
		p.dismiss()
	}
	lines, err := atomic.QueryAll(f.Context(), f.pool, func(row atomic.Row) (line writeLine, err error) {
		return line, row.Scan(&line.token, &line.holder)
	}, `SELECT token, holder FROM writes ORDER BY n`)
	if err != nil {
		f.Fatal(err)
	}
	return lines
}

func (f *fight) wantOneHolderEach(lines []writeLine) {
	f.Helper()
	holders := map[int64]string{}
	for _, line := range lines {
		if was, known := holders[line.token]; known && was != line.holder {
			f.Errorf("%q and %q both wrote under token %d", was, line.holder, line.token)
		}
		holders[line.token] = line.holder
	}
}
