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
func (v *view) Balance(ctx context.Context, path string, asOf bursar.AsOf) (balance bursar.Balance, err error) {
	err = v.asOf(ctx, func(ctx context.Context, r driver.Reader) error {
		balance, err = v.balance(ctx, r, path, asOf)
		return err
	})
	return balance, err
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

func (v *view) balance(ctx context.Context, r driver.Reader, path string, asOf bursar.AsOf) (bursar.Balance, error) {
	account, err := v.account(ctx, r, path)
	if err != nil {
		return bursar.Balance{}, err
	}
	head, err := r.Head(ctx, v.book.Number)
	if err != nil {
		return bursar.Balance{}, err
	}
	if err := checkPoint(asOf); err != nil {
		return bursar.Balance{}, err
	}
	now := bursar.After{Version: account.Version, Balance: account.Balance, Held: account.Held}
	if asOf.Seq == 0 && asOf.At.IsZero() && asOf.Effective.IsZero() { // not ==: a zero time in some zone is zero too
		return balanceOf(path, now, head.Seq)
	}
	seq, err := v.position(ctx, r, head, asOf)
	if err != nil {
		return bursar.Balance{}, err
	}
	after, err := before(ctx, r, &account.AccountRow, seq+1)
	if err != nil {
		return bursar.Balance{}, err
	}
	if !asOf.Effective.IsZero() {
		if after.Balance, err = v.backdate(ctx, r, account, after.Balance, asOf.Effective, seq); err != nil {
			return bursar.Balance{}, err
		}
		seq = head.Seq
	}
	return balanceOf(path, after, seq)
}

// position is the last journal position that asOf covers.
func (v *view) position(ctx context.Context, r driver.Reader, head bursar.Head, asOf bursar.AsOf) (int64, error) {
	t := asOf.At
	if t.IsZero() {
		t = asOf.Effective
	}
	if t.IsZero() {
		if asOf.Seq < 0 || asOf.Seq > head.Seq {
			return 0, bursar.Errorf(bursar.CodeAsOfAhead,
				"position %d is not in the journal, whose head is %d", asOf.Seq, head.Seq)
		}
		return asOf.Seq, nil
	}
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
		entries, err := r.Journal(ctx, v.book.Number, int64(i), 1)
		if err != nil || len(entries) == 0 {
			fault = err
			return true
		}
		return entries[0].At > at
	})
	return int64(after), fault
}

// before is the account right before position seq.
func before(ctx context.Context, r driver.Reader, account *driver.AccountRow, seq int64) (bursar.After, error) {
	e, err := entryBefore(ctx, r, account, driver.MarkSeq, seq)
	if err != nil || e == nil {
		zero := money.Zero(account.Currency)
		return bursar.After{Balance: zero, Held: zero}, err
	}
	after, _ := side(e, account.Number)
	return after, nil
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

// backdate adds to a balance as of seq what was posted later with an effective time of at most t.
func (v *view) backdate(
	ctx context.Context, r driver.Reader, account *driver.AccountRecord, balance money.Amount, t time.Time, seq int64,
) (money.Amount, error) {
	effective, err := bursar.InstantOf(t)
	if err != nil {
		return balance, err
	}
	entries, err := r.Backdated(ctx, account.Number, effective, seq)
	if err != nil {
		return balance, err
	}
	for i := range entries {
		amount := entries[i].Amount
		if entries[i].FromAccount == account.Number {
			amount = amount.Neg()
		}
		if balance, err = balance.Add(amount); err != nil {
			return balance, outOfRange(err, &account.AccountRow)
		}
	}
	return balance, nil
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
