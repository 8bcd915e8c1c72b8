package ledger

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// Balance is the account's balance now, or as of a point. A position or a ledger time that is past gives the same
// answer for ever. An effective time gives it as long as nothing more is dated back; Version and Held are then those
// at the same ledger time.
//
// A point that the journal has not reached is [bursar.ErrAsOfAhead]. A time that is past by the ledger's clock is
// reached, also in a quiet ledger: everything committed is sealed, and the head's time is moved to it, so that every
// later entry is later. That writes; inside a caller's database transaction, and where one may only read, such a time
// stays ahead.
func (v *view) Balance(ctx context.Context, path string, asOf bursar.AsOf) (bursar.Balance, error) {
	balances, err := v.Balances(ctx, []string{path}, asOf)
	if err != nil {
		return bursar.Balance{}, err
	}
	return balances[0], nil
}

// Balances are the balances of many accounts, at most [bursar.PageMax], in the order asked: all of one snapshot, and
// each as Balance gives it. [bursar.ErrAccountNotFound] names the first path without an account. Now takes one look
// into the database for all of them; a point in the past takes two more for each.
func (v *view) Balances(
	ctx context.Context, paths []string, asOf bursar.AsOf,
) (balances []bursar.Balance, err error) {
	if len(paths) > bursar.PageMax {
		return nil, bursar.Errorf(bursar.CodeTooLarge,
			"%d accounts are more than %d; ask in parts", len(paths), bursar.PageMax)
	}
	if err := checkPoint(asOf); err != nil {
		return nil, err
	}
	err = v.asOf(ctx, func(ctx context.Context, r driver.Reader) error {
		balances, err = v.balances(ctx, r, paths, asOf)
		return err
	})
	return balances, err
}

// balances finds the point before the accounts. Inside a caller's database transaction these may be two snapshots, and
// all that a point covers must be there when the accounts are read.
func (v *view) balances(
	ctx context.Context, r driver.Reader, paths []string, asOf bursar.AsOf,
) ([]bursar.Balance, error) {
	point, err := v.point(ctx, r, asOf)
	if err != nil {
		return nil, err
	}
	accounts, err := v.accounts(ctx, r, paths)
	if err != nil {
		return nil, err
	}
	balances := make([]bursar.Balance, len(accounts))
	for i, account := range accounts {
		after, err := point.of(ctx, r, &account.AccountRow)
		if err != nil {
			return nil, err
		}
		if balances[i], err = balanceOf(account.Path, after, point.seq); err != nil {
			return nil, err
		}
	}
	return balances, nil
}

// aheadError says that the journal has not reached a time.
type aheadError struct {
	at   bursar.Instant
	head bursar.Head
}

func (e *aheadError) Error() string {
	return fmt.Sprintf("%v is later than the journal's head, which is %d at %v", e.at, e.head.Seq, e.head.At)
}

// asOf reads as read does, and once more after the head's time was moved, if it was behind what is asked for.
func (v *view) asOf(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
	err := v.read(ctx, fn)
	var ahead *aheadError
	if !errors.As(err, &ahead) || v.reach == nil {
		return err
	}
	if cause := v.reach(ctx, ahead.at); cause != nil {
		switch bursar.CodeOf(cause) {
		case bursar.CodeUnavailable, bursar.CodeReadOnly, bursar.CodeInTransaction:
			return err // one may only read here
		}
		return cause
	}
	return v.read(ctx, fn)
}

// point is where balances are asked for.
type point struct {
	head      bursar.Head
	seq       int64 // the journal position that an answer covers
	now       bool  // what is not sealed counts, too, and nothing below does
	past      int64 // the last journal position that counts
	dated     bool  // later entries count, too, when they are dated back to effective or earlier
	effective bursar.Instant
}

// point finds the place that asOf names.
func (v *view) point(ctx context.Context, r driver.Reader, asOf bursar.AsOf) (*point, error) {
	head, err := r.Head(ctx, v.book.Number)
	if err != nil {
		return nil, err
	}
	p := &point{head: head, seq: head.Seq}
	switch {
	case asOf.Seq != 0:
		if asOf.Seq < 0 || asOf.Seq > head.Seq {
			return nil, bursar.Errorf(bursar.CodeAsOfAhead,
				"position %d is not in the journal, whose head is %d", asOf.Seq, head.Seq)
		}
		p.past, p.seq = asOf.Seq, asOf.Seq
	case !asOf.At.IsZero():
		p.past, err = v.position(ctx, r, head, asOf.At)
		p.seq = p.past
	case !asOf.Effective.IsZero():
		p.dated = true
		if p.past, err = v.position(ctx, r, head, asOf.Effective); err == nil {
			p.effective, err = bursar.InstantOf(asOf.Effective)
		}
	default: // not ==: a zero time in some zone is zero too
		p.now = true
	}
	return p, err
}

// of is an account at the point.
func (p *point) of(ctx context.Context, r driver.Reader, account *driver.AccountRow) (bursar.After, error) {
	if p.now {
		return present(account), nil
	}
	after, _, err := last(ctx, r, account, p.past)
	if err == nil && p.dated {
		after.Balance, err = p.backdate(ctx, r, account, after.Balance)
	}
	return after, err
}

// present is an account as it is now.
func present(account *driver.AccountRow) bursar.After {
	return bursar.After{Version: account.Version, Balance: account.Balance, Held: account.Held}
}

// position is the last journal position with a time of at most t, less the first legs of a transfer whose last leg is
// later.
func (v *view) position(ctx context.Context, r driver.Reader, head bursar.Head, t time.Time) (int64, error) {
	at, err := bursar.InstantOf(t)
	if err != nil {
		return 0, err
	}
	if at > head.At {
		return 0, &bursar.Error{Code: bursar.CodeAsOfAhead, Err: &aheadError{at, head},
			Message: "ask outside of the database transaction, where the ledger may move the head's time"}
	}
	var fault error
	after := sort.Search(int(head.Seq), func(i int) bool { // the first position that is later than at, less one
		entry, err := v.entryAfter(ctx, r, int64(i))
		if err != nil {
			fault = err
			return true
		}
		return entry.At > at
	})
	if fault != nil || int64(after) == head.Seq {
		return int64(after), fault
	}
	next, err := v.entryAfter(ctx, r, int64(after))
	if err != nil {
		return 0, err
	}
	return int64(after - next.Leg), nil
}

// entryAfter is the journal's entry after a position.
func (v *view) entryAfter(ctx context.Context, r driver.Reader, seq int64) (*driver.EntryRow, error) {
	entries, err := r.Journal(ctx, v.book.Number, seq, 1)
	if err == nil && len(entries) == 0 {
		err = bursar.Errorf(bursar.CodeCorrupt, "the journal has no entry after %d: run bursar verify", seq)
	}
	if err != nil {
		return nil, err
	}
	return &entries[0], nil
}

// last is the account after its last entry up to position seq, and the row key of that, 0 when there is none.
func last(
	ctx context.Context, r driver.Reader, account *driver.AccountRow, seq int64,
) (after bursar.After, key int64, err error) {
	e, err := entryBefore(ctx, r, account, driver.MarkSeq, seq+1)
	if err != nil || e == nil {
		return unopened(account), 0, err
	}
	after, _ = side(e, account.Number)
	return after, e.Key, nil
}

// entryBefore is the account's last entry whose position, or version, is below n; nil when there is none.
func entryBefore(
	ctx context.Context, r driver.Reader, account *driver.AccountRow, by driver.MarkBy, n int64,
) (*driver.EntryRow, error) {
	key, err := r.Mark(ctx, account.Number, by, n)
	if err != nil {
		return nil, err
	}
	if key == 0 {
		key = account.LastEntry
	}
	for key != 0 {
		entries, err := r.Back(ctx, account.Number, key, driver.CheckpointEvery)
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			return nil, brokenHistory(account, key)
		}
		for i := range entries {
			after, prev := side(&entries[i], account.Number)
			if by == driver.MarkSeq && entries[i].Seq > 0 && entries[i].Seq < n ||
				by == driver.MarkVersion && after.Version < n {
				return &entries[i], nil
			}
			key = prev
		}
	}
	return nil, nil
}

func brokenHistory(account *driver.AccountRow, key int64) error {
	return bursar.Errorf(bursar.CodeCorrupt,
		"the history of %s breaks off at entry %d: run bursar verify", account.Path, key)
}

// side is what the entry says of one of its accounts, and the key of that account's entry before.
func side(e *driver.EntryRow, account int64) (after bursar.After, prev int64) {
	if e.FromAccount == account {
		return e.FromAfter, e.FromPrev
	}
	return e.ToAfter, e.ToPrev
}

// backdate adds to a balance what was posted later with an effective time of at most the point's.
func (p *point) backdate(
	ctx context.Context, r driver.Reader, account *driver.AccountRow, balance money.Amount,
) (money.Amount, error) {
	entries, err := r.Backdated(ctx, account.Number, p.effective, p.past)
	if err != nil {
		return balance, err
	}
	for i := range entries {
		if balance, err = balance.Add(amountOn(&entries[i], account.Number)); err != nil {
			return balance, outOfRange(err, account)
		}
	}
	return balance, nil
}

// amountOn is what the entry changes on one of its accounts.
func amountOn(e *driver.EntryRow, account int64) money.Amount {
	if e.FromAccount == account {
		return e.Amount.Neg()
	}
	return e.Amount
}

func balanceOf(path string, after bursar.After, seq int64) (bursar.Balance, error) {
	available, err := after.Balance.Sub(after.Held)
	if err != nil {
		return bursar.Balance{}, bursar.Errorf(bursar.CodeCorrupt,
			"the balance and what is held of %s do not subtract: %w", path, err)
	}
	return bursar.Balance{
		Path:      path,
		Version:   after.Version,
		Balance:   after.Balance,
		Held:      after.Held,
		Available: available,
		Seq:       seq,
	}, nil
}

// checkPoint refuses more than one point.
func checkPoint(a bursar.AsOf) error {
	named := 0
	for _, given := range []bool{a.Seq != 0, !a.At.IsZero(), !a.Effective.IsZero()} {
		if given {
			named++
		}
	}
	if named > 1 {
		return bursar.Errorf(bursar.CodeMalformed,
			"as of a position, a ledger time or an effective time: one of them, not %d", named)
	}
	return nil
}
