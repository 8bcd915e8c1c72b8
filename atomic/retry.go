package atomic

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	attemptsDefault = 20
	timeDefault     = time.Minute
	delayMin        = 2 * time.Millisecond
	delayMax        = 200 * time.Millisecond
)

// conflict reports whether a failed attempt may be repeated from the start, and the code of the error that allows
// it.
func (db *DB) conflict(err error, o *Options) (code string, ok bool) {
	if final(err) {
		return "", false
	}
	var lost *lostError
	if errors.As(err, &lost) {
		return lost.code, true
	}
	if o.RetryStale && errors.Is(err, ErrStale) {
		return "stale", true
	}
	class := db.dialect.Classify(err)
	return class.Code, class.Kind == KindRetry
}

// lostError marks the loss of a connection before COMMIT was sent. Nothing can have been committed.
type lostError struct {
	err  error
	code string
}

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// isLost reports whether err says that its connection has ended.
func (db *DB) isLost(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || db.dialect.Classify(err).Kind == KindLost
}

// Disconnected reports whether err is what drivers and networks report for a connection that has ended. It is for
// [Dialect.Classify], which must rule out errors with a number of the engine before.
func Disconnected(err error) bool {
	var network *net.OpError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

// A retrier spends the budget of one Do.
type retrier struct {
	db       *DB
	o        *Options
	budget   Budget
	start    time.Time
	attempts int
	lost     int // attempts that failed because the database is away
	runs     int
	last     error // why the last attempt failed
	scratch  scratch
}

func newRetrier(db *DB, o *Options) *retrier {
	r := &retrier{db: db, o: o, budget: o.Retry, start: db.clock.Now()}
	if r.budget.Attempts <= 0 {
		r.budget.Attempts = attemptsDefault
	}
	if r.budget.Lost <= 0 {
		r.budget.Lost = r.budget.Attempts
	}
	if r.budget.Time <= 0 {
		r.budget.Time = timeDefault
	}
	return r
}

// wait waits before the attempt that follows the conflict err. If the budget is spent or ctx is done, it returns an
// error that wraps err.
func (r *retrier) wait(ctx context.Context, code string, err error) error {
	r.last = err
	r.attempts++
	spentOn := r.db.spentOn(err)
	if spentOn == codeUnavailable {
		r.lost++
	}
	delay := r.delay()
	elapsed := r.db.clock.Now().Sub(r.start)
	if r.attempts >= r.budget.Attempts || r.lost >= r.budget.Lost || elapsed+delay > r.budget.Time {
		spent := fmt.Errorf("%s%w after %d attempts in %v: %w", r.o.label(), ErrBudget, r.attempts, elapsed, err)
		return &codedError{spent, spentOn}
	}
	r.db.noteRetried(ctx, r.o.Name, code, r.attempts)
	if sleepErr := r.db.clock.Sleep(ctx, delay); sleepErr != nil {
		return fmt.Errorf("atomic: %snot tried again: %w: %w", r.o.label(), cmp.Or(contextError(ctx), sleepErr), err)
	}
	return nil
}

// ended adds to err, with which the end of a context has cut an attempt short, why the attempt before it failed: a
// server that is away is then told as such.
func (r *retrier) ended(err error) error {
	if r.last == nil || final(err) {
		return err
	}
	return fmt.Errorf("%w; attempt %d before it: %w", err, r.attempts, r.last)
}

// spentOn is the code of a budget that was spent on err: the database was away, or contended.
func (db *DB) spentOn(err error) string {
	var lost *lostError
	kind := db.dialect.Classify(err).Kind
	if errors.As(err, &lost) || errors.Is(err, ErrNoConnection) || kind == KindLost || kind == KindReadOnly {
		return codeUnavailable
	}
	return codeConflict
}

// delay is random between nothing and a bound that doubles with each attempt. The whole range is used: clients that
// have collided would collide again if they waited for the same time.
func (r *retrier) delay() time.Duration {
	bound := delayMax
	if doublings := r.attempts - 1; doublings < 7 {
		bound = min(delayMin<<doublings, delayMax)
	}
	return time.Duration(r.db.rand(int64(bound) + 1))
}

// left is the rest of the budget, for a Do inside a loop that spends r.
func (r *retrier) left() Budget {
	left := r.budget.Time - r.db.clock.Now().Sub(r.start)
	return Budget{Attempts: r.budget.Attempts, Lost: r.budget.Lost, Time: max(left, 1)}
}

// isStale reports whether err is a stale read and nothing was committed.
func isStale(err error) bool { return errors.Is(err, ErrStale) && !final(err) }
