package atomictest

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/clock"
)

const (
	// HelperVariable names the environment variable that makes a test binary a helper of a test instead of running tests.
	HelperVariable = "BURSAR_TEST_HELPER"
	// LeaseHelper is its value for a process that runs [HoldLease].
	LeaseHelper = "lease"

	holdingVariable = "BURSAR_TEST_LEASE"

	leaseName = "writer"
	leaseTTL  = 300 * time.Millisecond
	// leasePoll is how long a holder rests after a write, and a process without the lease between two attempts to get it.
	leasePoll = 5 * time.Millisecond
	// leaseWrites is how many writes a holder makes before it lets itself be stopped.
	leaseWrites = 10
)

// A holding is what [FightForLease] tells a process that it starts.
type holding struct {
	Driver, DSN string
	Holder      string
	Offset      time.Duration // of its clock
	Unfenced    bool          // write without asking whether the lease is still there
}

// HoldLease is the body of a process that [FightForLease] has started: it acquires the lease, writes under its fence and
// renews it until it is fenced off, and begins again. It says on out, its standard output, what it did, a word and a
// number on each line:
//
//	clock SECONDS    what time it is by its clock
//	wrote TOKEN      a write was committed
//	refused TOKEN    a write was refused, because the lease had passed on
//	lost TOKEN       a renewal was refused for the same reason
//	stopping TOKEN   it stops itself with its next write under TOKEN ahead of it
//	waiting COUNT    it stops itself for the COUNTth time without the lease
//
// The first line on in, its standard input, stops it, the second lets it go on once it has been continued, and so forth; it ends
// with the input and returns nil. h needs no Open.
func HoldLease(h Harness, in io.Reader, out io.Writer) error {
	var who holding
	if err := json.Unmarshal([]byte(os.Getenv(holdingVariable)), &who); err != nil {
		return fmt.Errorf("%s: %w", holdingVariable, err)
	}
	pool, err := sql.Open(who.Driver, who.DSN)
	if err != nil {
		return err
	}
	defer pool.Close()
	own := shiftedClock{clock.System(), who.Offset}
	l := &leaseholder{
		holding: who, speech: h.Speech, clock: own, out: out, orders: make(chan struct{}),
		db: atomic.Open(pool, h.Dialect, &atomic.OpenOptions{Clock: own}),
	}
	go l.listen(in)
	err = l.run(context.Background())
	if errors.Is(err, errDismissed) {
		return nil
	}
	return err
}

// errDismissed ends a leaseholder whose input has ended.
var errDismissed = errors.New("dismissed")

// A shiftedClock is wrong by an offset.
type shiftedClock struct {
	clock.Clock
	by time.Duration
}

func (c shiftedClock) Now() time.Time { return c.Clock.Now().Add(c.by) }

type leaseholder struct {
	holding
	speech Speech
	clock  clock.Clock
	db     *atomic.DB
	out    io.Writer
	orders chan struct{} // one for each line of input, closed with it
	waited int64
}

func (l *leaseholder) listen(in io.Reader) {
	defer close(l.orders)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		l.orders <- struct{}{}
	}
}

func (l *leaseholder) say(event string, n int64) { fmt.Fprintln(l.out, event, n) }

func (l *leaseholder) run(ctx context.Context) error {
	l.say("clock", l.clock.Now().Unix())
	for {
		lease, err := l.acquire(ctx)
		if err != nil {
			return err
		}
		if err := l.hold(ctx, lease); err != nil {
			return err
		}
	}
}

func (l *leaseholder) acquire(ctx context.Context) (atomic.Lease, error) {
	for {
		if err := l.obey("waiting", l.waited+1); err != nil {
			return atomic.Lease{}, err
		}
		lease, err := atomic.Acquire(ctx, l.db, leaseName, l.Holder, leaseTTL)
		if !errors.Is(err, atomic.ErrHeld) && !errors.Is(err, atomic.ErrBudget) {
			return lease, err
		}
		if err := l.clock.Sleep(ctx, leasePoll); err != nil {
			return atomic.Lease{}, err
		}
	}
}

// hold writes and renews until the lease has passed on.
func (l *leaseholder) hold(ctx context.Context, lease atomic.Lease) error {
	for writes := 0; ; {
		if writes >= leaseWrites {
			if err := l.obey("stopping", lease.Token); err != nil {
				return err
			}
		}
		err := l.write(ctx, lease)
		switch {
		case errors.Is(err, atomic.ErrFenced):
			l.say("refused", lease.Token)
			return nil
		case errors.Is(err, atomic.ErrBudget):
			continue
		case err != nil:
			return err
		}
		writes++
		l.say("wrote", lease.Token)
		err = atomic.Renew(ctx, l.db, lease)
		switch {
		case errors.Is(err, atomic.ErrFenced):
			l.say("lost", lease.Token)
			return nil
		case err != nil && !errors.Is(err, atomic.ErrBudget):
			return err
		}
		if err := l.clock.Sleep(ctx, leasePoll); err != nil {
			return err
		}
	}
}

// write adds a line to the table of writes. The number of the line comes from the row of the table pen, which is locked until
// the commit: so the numbers are the order of the commits, fence or no fence.
func (l *leaseholder) write(ctx context.Context, lease atomic.Lease) error {
	return atomic.Do(ctx, l.db, func(ctx context.Context, tx *atomic.Tx) error {
		if !l.Unfenced {
			if err := atomic.Fence(ctx, tx, lease); err != nil {
				return err
			}
		}
		if err := atomic.ExecOne(ctx, tx, `UPDATE pen SET n = n + 1`); err != nil {
			return err
		}
		n, err := atomic.QueryOne(ctx, tx, atomic.Value[int64], `SELECT n FROM pen`)
		if err != nil {
			return err
		}
		query := l.speech.sql(`INSERT INTO writes (n, token, holder) VALUES (?, ?, ?)`)
		return atomic.ExecOne(ctx, tx, query, n, lease.Token, l.Holder)
	}, nil)
}

// obey stops the process if it has been told to. It is called where no database transaction is open: a process that is
// stopped inside of one keeps its locks, and nobody can take the lease from it.
//
// The second order is what makes that certain. SIGSTOP, even raised by the process itself, stops its threads one by one, so that the
// raising goroutine goes on for a while and would begin its next database transaction.
func (l *leaseholder) obey(event string, n int64) error {
	select {
	case _, ok := <-l.orders:
		if !ok {
			return errDismissed
		}
	default:
		return nil
	}
	if event == "waiting" {
		l.waited = n
	}
	l.say(event, n)
	if err := stopSelf(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if _, ok := <-l.orders; !ok {
		return errDismissed
	}
	return nil
}
