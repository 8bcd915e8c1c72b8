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
	// leaseWrites is how many writes a holder makes before it lets itself be frozen.
	leaseWrites = 10
)

// A holding is what [ContendForLease] tells a process that it starts.
type holding struct {
	Driver, DSN string
	Holder      string
	Offset      time.Duration // of its clock
	Unfenced    bool          // write without asking whether the lease is still there
}

// HoldLease is the body of a process that [ContendForLease] has started. It acquires the lease, writes under its
// fence and renews it until it is fenced off. Then it begins again. It reports on out, its standard output, with a
// word and a number on each line:
//
//	clock SECONDS    what time it is by its clock
//	wrote TOKEN      a write was committed
//	refused TOKEN    a write was refused, because the lease had passed on
//	lost TOKEN       a renewal was refused for the same reason
//	freezing TOKEN   it freezes itself before its next write under TOKEN
//	waiting COUNT    it freezes itself for the COUNTth time without the lease
//
// The first line on in, its standard input, makes it freeze itself. Once it is resumed, the second line lets it go
// on, and so forth. It ends with the input and returns nil. h needs no Open.
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
	if errors.Is(err, errInputEnded) {
		return nil
	}
	return err
}

// errInputEnded ends a leaseholder whose input has ended.
var errInputEnded = errors.New("the input has ended")

// A shiftedClock is wrong by a fixed time.
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
			if err := l.obey("freezing", lease.Token); err != nil {
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

// write adds a line to the table of writes. The number of the line comes from the row of the table counter, which
// stays locked until the commit. So the numbers are the order of the commits, with a fence or without.
func (l *leaseholder) write(ctx context.Context, lease atomic.Lease) error {
	return atomic.Do(ctx, l.db, func(ctx context.Context, tx *atomic.Tx) error {
		if !l.Unfenced {
			if err := atomic.Fence(ctx, tx, lease); err != nil {
				return err
			}
		}
		if err := atomic.ExecOne(ctx, tx, `UPDATE counter SET n = n + 1`); err != nil {
			return err
		}
		n, err := atomic.QueryOne(ctx, tx, atomic.Value[int64], `SELECT n FROM counter`)
		if err != nil {
			return err
		}
		query := l.speech.sql(`INSERT INTO writes (n, token, holder) VALUES (?, ?, ?)`)
		return atomic.ExecOne(ctx, tx, query, n, lease.Token, l.Holder)
	}, nil)
}

// obey freezes the process if it has been told to. It is called where no database transaction is open: a process
// that is frozen inside one keeps its locks, and nobody can take the lease from it.
//
// It then waits for a second line. SIGSTOP stops the threads of a process one by one, even if the process raises it
// itself. So this goroutine goes on for a while, and would begin its next database transaction.
func (l *leaseholder) obey(event string, n int64) error {
	select {
	case _, ok := <-l.orders:
		if !ok {
			return errInputEnded
		}
	default:
		return nil
	}
	if event == "waiting" {
		l.waited = n
	}
	l.say(event, n)
	if err := freezeSelf(); err != nil {
		return fmt.Errorf("freeze: %w", err)
	}
	if _, ok := <-l.orders; !ok {
		return errInputEnded
	}
	return nil
}
