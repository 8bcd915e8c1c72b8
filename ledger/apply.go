package ledger

import (
	"fmt"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// apply decides one request: it is the only place where a balance changes.
//
// It is pure. accounts are those that the request names, as they are now, in the order of request.paths; one that does
// not exist is nil. They are only read. now is the time of the decision; key is the row key of the first entry that the
// request would make. What comes of it is in the draft: the accounts that change, as they are after, and the entries
// that say so, after those that were there. With an error, which says why nothing may happen, neither is there.
//
// The rules, in the order they are checked: the accounts exist; they are open; the currencies agree; the transfer is
// in time; the conditions hold; and then leg by leg, no balance leaves its limits.
func apply(d *draft, accounts []*driver.AccountRow, r *request, now bursar.Instant, key int64) error {
	before := len(d.entries)
	d.accounts, d.request, d.now, d.key = accounts, r, now, key
	d.changes = slices.Grow(d.changes[:0], len(accounts))
	d.entries = slices.Grow(d.entries, r.entries())
	d.opened = nil
	err := d.decide()
	if err != nil {
		d.changes, d.entries = d.changes[:0], d.entries[:before]
	}
	return err
}

// draft is what a request makes of the ledger. It is used for one request after the other.
type draft struct {
	changes []change
	opened  *driver.AccountRow // a new account, as it is before its first entry; it has no number
	entries []driver.EntryRow  // of all requests so far

	accounts []*driver.AccountRow
	request  *request
	now      bursar.Instant
	key      int64 // of the next entry
}

// change is an account with what becomes of it.
type change struct {
	account   *driver.AccountRow // as it was
	balance   money.Amount
	version   int64
	lastEntry int64
	decided   bursar.Instant
}

// keep makes the account what has become of it.
func (c *change) keep() {
	a := c.account
	a.Balance, a.Version, a.LastEntry, a.Decided = c.balance, c.version, c.lastEntry, c.decided
}

// available is the balance that the change leaves, minus what is held.
func (c *change) available() (money.Amount, error) { return c.balance.Sub(c.account.Held) }

func (d *draft) decide() error {
	if d.request.opening != nil {
		return d.open()
	}
	t := d.request.transfer
	if err := d.admit(); err != nil {
		return err
	}
	for i := range t.Conditions {
		if err := d.check(i); err != nil {
			return coded.At(err, fmt.Sprintf("conditions[%d]", i))
		}
	}
	for i := range t.Legs {
		if err := d.move(i); err != nil {
			return coded.At(err, fmt.Sprintf("legs[%d]", i))
		}
	}
	return nil
}

// change is the draft's change of an account. There is room for all, so pointers stay valid.
func (d *draft) change(account *driver.AccountRow) *change {
	for i := range d.changes {
		if d.changes[i].account == account {
			return &d.changes[i]
		}
	}
	d.changes = append(d.changes, change{account: account, balance: account.Balance, version: account.Version,
		lastEntry: account.LastEntry, decided: account.Decided})
	return &d.changes[len(d.changes)-1]
}

// sides are the accounts of a leg: from and to.
func (d *draft) sides(leg int) []*driver.AccountRow { return d.accounts[2*leg : 2*leg+2] }

// admit checks what the transfer needs before any leg, in order of precedence.
func (d *draft) admit() error {
	t := d.request.transfer
	for i, account := range d.accounts {
		if account == nil {
			return d.missing(i)
		}
	}
	for i := range t.Legs {
		for _, account := range d.sides(i) {
			if err := usable(account); err != nil {
				return coded.At(err, fmt.Sprintf("legs[%d]", i))
			}
		}
	}
	for i := range t.Legs {
		for _, account := range d.sides(i) {
			if account.Currency != t.Legs[i].Amount.Currency() {
				return &bursar.Error{Code: bursar.CodeCurrencyMismatch, Field: fmt.Sprintf("legs[%d].amount", i),
					Message: fmt.Sprintf("%v is not in %v, the currency of %s",
						t.Legs[i].Amount, account.Currency, account.Path)}
			}
		}
	}
	return d.inTime()
}

func (d *draft) inTime() error {
	t := d.request.transfer
	if !t.Effective.IsZero() && d.request.effective > d.now {
		return &bursar.Error{
			Code:    bursar.CodeEffectiveInFuture,
			Field:   "effective",
			Message: fmt.Sprintf("%v is later than %v, the time of the decision", d.request.effective, d.now),
		}
	}
	if !t.NotAfter.IsZero() && d.now > d.request.notAfter {
		return &bursar.Error{
			Code:    bursar.CodeTooLate,
			Field:   "not_after",
			Message: fmt.Sprintf("it was decided at %v, after %v", d.now, d.request.notAfter),
		}
	}
	return nil
}

func usable(account *driver.AccountRow) error {
	switch account.State {
	case bursar.AccountFrozen:
		return bursar.Errorf(bursar.CodeAccountFrozen, "%s is frozen", account.Path)
	case bursar.AccountClosed:
		return bursar.Errorf(bursar.CodeAccountClosed, "%s is closed", account.Path)
	default:
		return nil
	}
}

// check holds the nth condition against the account as it was before the first leg.
func (d *draft) check(n int) error {
	t := d.request.transfer
	c, account := &t.Conditions[n], d.accounts[2*len(t.Legs)+n]
	if c.Version != nil {
		if account.Version != *c.Version {
			return bursar.Errorf(bursar.CodeVersionChanged,
				"%s has version %d, not %d", account.Path, account.Version, *c.Version)
		}
		return nil
	}
	available, err := account.Available()
	if err != nil {
		return outOfRange(err, account)
	}
	order, err := available.Cmp(*c.AtLeast)
	if err != nil {
		return bursar.Errorf(bursar.CodeCurrencyMismatch,
			"%v is not in %v, the currency of %s", *c.AtLeast, account.Currency, account.Path)
	}
	if order < 0 {
		return refuse(bursar.CodeConditionFailed, account, available, *c.AtLeast, nil,
			"%s has %v available, not at least %v", account.Path, available, *c.AtLeast)
	}
	return nil
}

// move applies one leg to the draft.
func (d *draft) move(i int) error {
	leg, sides := &d.request.transfer.Legs[i], d.sides(i)
	from, to := d.change(sides[0]), d.change(sides[1])
	var err error
	if from.balance, err = from.balance.Sub(leg.Amount); err != nil {
		return outOfRange(err, from.account)
	}
	if err := d.aboveMin(from); err != nil {
		return err
	}
	if to.balance, err = to.balance.Add(leg.Amount); err != nil {
		return outOfRange(err, to.account)
	}
	if err := d.belowMax(to); err != nil {
		return err
	}
	e := d.entry(bursar.EntryLeg, i)
	e.From, e.To, e.Amount = leg.From, leg.To, leg.Amount
	e.FromAccount, e.ToAccount = from.account.Number, to.account.Number
	e.FromPrev, e.FromAfter = d.touch(from, e.Key)
	e.ToPrev, e.ToAfter = d.touch(to, e.Key)
	return nil
}

// open makes an account out of nothing: its row and its first entry.
func (d *draft) open() error {
	o := d.request.opening
	if d.accounts[0] != nil {
		return &bursar.Error{
			Code:    bursar.CodeAccountExists,
			Field:   "path",
			Message: fmt.Sprintf("there is an account %s already", o.Path),
		}
	}
	zero := money.Zero(o.Currency)
	d.opened = &driver.AccountRow{Path: o.Path, Currency: o.Currency, Balance: zero, Held: zero}
	if o.Min != nil {
		d.opened.Min = driver.Limit{Set: true, Amount: *o.Min}
	}
	if o.Max != nil {
		d.opened.Max = driver.Limit{Set: true, Amount: *o.Max}
	}
	e := d.entry(bursar.EntryOpen, 0)
	e.To, e.Amount = o.Path, zero
	e.ToPrev, e.ToAfter = d.touch(d.change(d.opened), e.Key)
	return nil
}

// entry is the next entry, with what does not depend on the kind. It lies in its place, for which there is room.
func (d *draft) entry(kind bursar.EntryKind, leg int) *driver.EntryRow {
	n := len(d.entries)
	d.entries = d.entries[:n+1]
	e := &d.entries[n]
	*e = driver.EntryRow{}
	e.Key = d.key
	d.key++
	e.Kind, e.Transfer, e.Leg = kind, d.request.id, leg
	e.RequestHash, e.Decided = d.request.hash, d.now
	if t := d.request.transfer; t != nil && !t.Effective.IsZero() {
		e.Effective, e.Backdated = d.request.effective, true
	}
	return e
}

// touch records that the entry with this key changes the account. It returns the key of the entry before, and what this
// one says of the account.
func (d *draft) touch(c *change, key int64) (prev int64, after bursar.After) {
	prev = c.lastEntry
	c.version++
	c.lastEntry = key
	c.decided = max(c.decided, d.now)
	return prev, bursar.After{Version: c.version, Balance: c.balance, Held: c.account.Held}
}

// aboveMin says whether the account, with a leg already taken, is within its minimum.
func (d *draft) aboveMin(c *change) error {
	a := c.account
	available, err := c.available()
	if err != nil {
		return outOfRange(err, a)
	}
	if !a.Min.Set {
		return nil
	}
	order, err := available.Cmp(a.Min.Amount)
	if err != nil {
		return bursar.Errorf(bursar.CodeCorrupt, "the minimum of %s is not in its currency: %w", a.Path, err)
	}
	if order < 0 {
		before, _ := a.Available()
		needed := d.peak(a, func(l *bursar.Leg) (plus, minus string) { return l.From, l.To })
		return refuse(bursar.CodeInsufficientFunds, a, before, needed, &a.Min.Amount,
			"%s has %v available and a minimum of %v: %v is too much", a.Path, before, a.Min.Amount, needed)
	}
	return nil
}

// belowMax says whether the account, with a leg already added, is within its maximum.
func (d *draft) belowMax(c *change) error {
	a := c.account
	if !a.Max.Set {
		return nil
	}
	order, err := c.balance.Cmp(a.Max.Amount)
	if err != nil {
		return bursar.Errorf(bursar.CodeCorrupt, "the maximum of %s is not in its currency: %w", a.Path, err)
	}
	if order > 0 {
		free, _ := a.Available()
		needed := d.peak(a, func(l *bursar.Leg) (plus, minus string) { return l.To, l.From })
		return refuse(bursar.CodeLimitExceeded, a, free, needed, &a.Max.Amount,
			"%s has %v and a maximum of %v: %v more is too much", a.Path, a.Balance, a.Max.Amount, needed)
	}
	return nil
}
