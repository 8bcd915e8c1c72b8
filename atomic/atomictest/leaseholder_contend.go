package atomictest

import (
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// ContendForLease runs two processes that want one lease. Their clocks are an hour apart. In each round the holder
// is frozen with SIGSTOP until the other process has the lease and has written. Then it is resumed, and its next
// write must be refused. There are five rounds, and a hundred when BURSAR_TORTURE is set. In the end no write may
// stand behind one with a greater token. Then the same is done without a fence. The stale write must get through,
// or the test could not see the bug.
//
// open gives an empty database as a driver and its data source name. The processes are this test binary. Its
// TestMain must call [HoldLease] and end when [HelperVariable] is [LeaseHelper]. The test is skipped where
// processes cannot be frozen.
func ContendForLease(t *testing.T, h Harness, open func(t *testing.T) (driver, dsn string)) {
	t.Helper()
	if !canFreeze {
		t.Skip("this system cannot freeze a process and resume it")
	}
	rounds := 5
	if os.Getenv("BURSAR_TORTURE") != "" {
		rounds = 100
	}
	t.Run("fenced", func(t *testing.T) {
		f := newLeaseContention(t, h, open, false)
		for range rounds {
			f.round("refused")
		}
		lines := f.end()
		if n := staleWrites(lines); n != 0 {
			t.Errorf("%d of %d writes have a smaller token than one before them, want none", n, len(lines))
		}
		f.wantOneHolderEach(lines)
		t.Logf("%s: the lease passed from a frozen process to the other %d times, %d stale writes were refused;"+
			" %d writes, none out of order", h.Name, rounds, f.refused, len(lines))
	})
	t.Run("naive", func(t *testing.T) {
		f := newLeaseContention(t, h, open, true)
		f.round("lost")
		if staleWrites(f.end()) == 0 {
			t.Error("no stale write got through without a fence: the test does not show the bug that the fence prevents")
		}
	})
}

// staleWrites counts the writes that stand behind one with a greater token.
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

type leaseContention struct {
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

func newLeaseContention(
	t *testing.T, h Harness, open func(t *testing.T) (driver, dsn string), unfenced bool,
) *leaseContention {
	t.Helper()
	driver, dsn := open(t)
	f := &leaseContention{T: t, h: h}
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
		`CREATE TABLE counter (n BIGINT NOT NULL PRIMARY KEY)`,
		`INSERT INTO counter VALUES (0)`,
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

// freezesMax is how often a process may have lost the lease by the time it is frozen.
const freezesMax = 50

// round freezes the holder, waits until the other process has taken over, and resumes the holder. The holder must
// then find out by event: "refused" is the write that it was about to do, "lost" the renewal after that, which is
// too late.
func (f *leaseContention) round(event string) {
	f.Helper()
	stale, other, token := f.freezeHolder()
	newer := other.await("wrote", token+1)
	stale.resume()
	if got := stale.awaitEither("refused", "lost", token); got != event {
		f.Fatalf("token %d was frozen, token %d wrote, and %d was %s, want %s", token, newer, token, got, event)
	}
	f.refused++
	f.Logf("token %d was frozen, token %d wrote, and %d was %s", token, newer, token, event)
}

// freezeHolder freezes the process that has the lease, and returns its token. On a slow machine that process may
// have lost the lease before. Then it is resumed, and the other one is tried.
func (f *leaseContention) freezeHolder() (stale, other *holderProcess, token int64) {
	f.Helper()
	for range freezesMax {
		stale, other = f.processes[0], f.processes[1]
		if other.last("wrote") > stale.last("wrote") {
			stale, other = other, stale
		}
		if token, held := stale.freeze(); held {
			return stale, other, token
		}
		stale.resume()
	}
	f.Fatalf("in %d attempts no process has held the lease for %d writes", freezesMax, leaseWrites)
	return nil, nil, 0
}

// end ends the processes and returns what they wrote, in the order of the commits.
func (f *leaseContention) end() []writeLine {
	f.Helper()
	for _, p := range f.processes {
		p.finish()
	}
	lines, err := atomic.QueryAll(f.Context(), f.pool, func(row atomic.Row) (line writeLine, err error) {
		return line, row.Scan(&line.token, &line.holder)
	}, `SELECT token, holder FROM writes ORDER BY n`)
	if err != nil {
		f.Fatal(err)
	}
	return lines
}

func (f *leaseContention) wantOneHolderEach(lines []writeLine) {
	f.Helper()
	holders := map[int64]string{}
	for _, line := range lines {
		if was, known := holders[line.token]; known && was != line.holder {
			f.Errorf("%q and %q both wrote under token %d", was, line.holder, line.token)
		}
		holders[line.token] = line.holder
	}
}
