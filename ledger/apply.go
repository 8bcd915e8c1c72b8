package ledger

import (
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// apply decides one request: it is the only place where a balance changes.
//
// It is pure. accounts are the accounts as they are now, by path; now is the time of the decision; key is the row
// key of the first entry that the request would make. The answer is the accounts that change, as they are after,
// and the entries that say so; or an error that says why nothing may happen. accounts is not modified.
//
// The rules, in the order they are checked: the accounts exist; they are open; the currencies agree; the transfer is
// in time; the conditions hold; and then leg by leg, no balance leaves its limits.
func apply(
	accounts map[string]*driver.AccountRow, r *request, now bursar.Instant, key int64,
) ([]driver.AccountRow, []driver.EntryRow, error) {
	d := draft{accounts: accounts, request: r, now: now, key: key}
	if r.opening != nil {
		return d.open()
	}
	t := r.transfer
	d.rows = make([]driver.AccountRow, 0, 2*len(t.Legs))
	d.entries = make([]driver.EntryRow, 0, len(t.Legs))
	if err := d.admit(); err != nil {
		return nil, nil, err
	}
	for i := range t.Conditions {
		if err := d.check(&t.Conditions[i]); err != nil {
			return nil, nil, coded.At(err, fmt.Sprintf("conditions[%d]", i))
		}
	}
	for i := range t.Legs {
		if err := d.move(i); err != nil {
			return nil, nil, coded.At(err, fmt.Sprintf("legs[%d]", i))
		}
	}
	return d.rows, d.entries, nil
}

// draft is a request half decided: copies of the accounts that it touches, and the entries so far.
type draft struct {
	accounts map[string]*driver.AccountRow
	request  *request
	now      bursar.Instant
	key      int64
	rows     []driver.AccountRow // capacity is fixed, so pointers into it stay valid
	entries  []driver.EntryRow
}

// row is the draft's own copy of an account that apply has already seen to exist.
func (d *draft) row(path string) *driver.AccountRow {
	for i := range d.rows {
		if d.rows[i].Path == path {
			return &d.rows[i]
		}
	}
	d.rows = append(d.rows, *d.accounts[path])
	return &d.rows[len(d.rows)-1]
}

// admit checks what the transfer needs before any leg, in order of precedence.
func (d *draft) admit() error {
	t := d.request.transfer
	for i := range t.Legs {
		for _, side := range [2]struct{ field, path string }{{"from", t.Legs[i].From}, {"to", t.Legs[i].To}} {
			if d.accounts[side.path] == nil {
				return &bursar.Error{Code: bursar.CodeAccountNotFound, Field: fmt.Sprintf("legs[%d].%s", i, side.field),
					Message: fmt.Sprintf("no account %s", side.path)}
			}
		}
	}
	for i := range t.Conditions {
		if path := t.Conditions[i].Path; d.accounts[path] == nil {
			return &bursar.Error{
				Code:    bursar.CodeAccountNotFound,
				Field:   fmt.Sprintf("conditions[%d].path", i),
				Message: fmt.Sprintf("no account %s", path),
			}
		}
	}
	for i := range t.Legs {
		for _, path := range [2]string{t.Legs[i].From, t.Legs[i].To} {
			if err := usable(d.accounts[path]); err != nil {
				return coded.At(err, fmt.Sprintf("legs[%d]", i))
			}
		}
	}
	for i := range t.Legs {
		for _, path := range [2]string{t.Legs[i].From, t.Legs[i].To} {
			if account := d.accounts[path]; account.Currency != t.Legs[i].Amount.Currency() {
				return &bursar.Error{Code: bursar.CodeCurrencyMismatch, Field: fmt.Sprintf("legs[%d].amount", i),
					Message: fmt.Sprintf("%v is not in %v, the currency of %s", t.Legs[i].Amount, account.Currency, path)}
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

// check holds one condition against the account as it was before the first leg.
func (d *draft) check(c *bursar.Condition) error {
	account := d.accounts[c.Path]
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
	leg := &d.request.transfer.Legs[i]
	from, to := d.row(leg.From), d.row(leg.To)
	e := d.entry(bursar.EntryLeg, i)
	e.From, e.To, e.Amount = leg.From, leg.To, leg.Amount
	e.FromAccount, e.ToAccount = from.Number, to.Number
	e.FromPrev, e.ToPrev = from.LastEntry, to.LastEntry
	var err error
	if from.Balance, err = from.Balance.Sub(leg.Amount); err != nil {
		return outOfRange(err, from)
	}
	if err := d.aboveMin(from); err != nil {
		return err
	}
	if to.Balance, err = to.Balance.Add(leg.Amount); err != nil {
		return outOfRange(err, to)
	}
	if err := d.belowMax(to); err != nil {
		return err
	}
	e.FromAfter = d.touch(from, e.Key)
	e.ToAfter = d.touch(to, e.Key)
	d.entries = append(d.entries, e)
	return nil
}

// open makes an account out of nothing: its row and its first entry.
func (d *draft) open() ([]driver.AccountRow, []driver.EntryRow, error) {
	o := d.request.opening
	if d.accounts[o.Path] != nil {
		return nil, nil, &bursar.Error{
			Code:    bursar.CodeAccountExists,
			Field:   "path",
			Message: fmt.Sprintf("there is an account %s already", o.Path),
		}
	}
	zero := money.Zero(o.Currency)
	row := driver.AccountRow{Path: o.Path, Currency: o.Currency, Balance: zero, Held: zero}
	if o.Min != nil {
		row.Min = driver.Limit{Set: true, Amount: *o.Min}
	}
	if o.Max != nil {
		row.Max = driver.Limit{Set: true, Amount: *o.Max}
	}
	e := d.entry(bursar.EntryOpen, 0)
	e.To, e.Amount = o.Path, zero
	e.ToAfter = d.touch(&row, e.Key)
	return []driver.AccountRow{row}, []driver.EntryRow{e}, nil
}

// entry is the next entry with what does not depend on the kind.
func (d *draft) entry(kind bursar.EntryKind, leg int) driver.EntryRow {
	e := driver.EntryRow{Key: d.key + int64(len(d.entries))}
	e.Kind, e.Transfer, e.Leg = kind, d.request.id, leg
	e.RequestHash, e.Decided = d.request.hash, d.now
	if t := d.request.transfer; t != nil && !t.Effective.IsZero() {
		e.Effective, e.Backdated = d.request.effective, true
	}
	return e
}

// touch records on the account that entry key has changed it, and answers what the entry says of it.
func (d *draft) touch(account *driver.AccountRow, key int64) bursar.After {
	account.Version++
	account.LastEntry = key
	account.Decided = max(account.Decided, d.now)
	return bursar.After{Version: account.Version, Balance: account.Balance, Held: account.Held}
}

// aboveMin says whether the account, with a leg already taken, is within its minimum.
func (d *draft) aboveMin(a *driver.AccountRow) error {
	available, err := a.Available()
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
		before, _ := d.accounts[a.Path].Available()
		needed := d.peak(a.Path, func(l *bursar.Leg) (plus, minus string) { return l.From, l.To })
		return refuse(bursar.CodeInsufficientFunds, a, before, needed, &a.Min.Amount,
			"%s has %v available and a minimum of %v: %v is too much", a.Path, before, a.Min.Amount, needed)
	}
	return nil
}

// belowMax says whether the account, with a leg already added, is within its maximum.
func (d *draft) belowMax(a *driver.AccountRow) error {
	if !a.Max.Set {
		return nil
	}
	order, err := a.Balance.Cmp(a.Max.Amount)
	if err != nil {
		return bursar.Errorf(bursar.CodeCorrupt, "the maximum of %s is not in its currency: %w", a.Path, err)
	}
	if order > 0 {
		before := d.accounts[a.Path]
		free, _ := before.Available()
		needed := d.peak(a.Path, func(l *bursar.Leg) (plus, minus string) { return l.To, l.From })
		return refuse(bursar.CodeLimitExceeded, a, free, needed, &a.Max.Amount,
			"%s has %v and a maximum of %v: %v more is too much", a.Path, before.Balance, a.Max.Amount, needed)
	}
	return nil
}

// peak is the most that the whole transfer asks of an account at any moment, leg by leg. So a refusal says what would
// have been enough, and not what was left in the middle of a transfer that did not happen.
func (d *draft) peak(path string, sides func(*bursar.Leg) (plus, minus string)) money.Amount {
	sum := money.Zero(d.accounts[path].Currency)
	most := sum
	for i := range d.request.transfer.Legs {
		leg := &d.request.transfer.Legs[i]
		var err error
		switch plus, minus := sides(leg); path {
		case plus:
			sum, err = sum.Add(leg.Amount)
		case minus:
			sum, err = sum.Sub(leg.Amount)
		}
		if err != nil {
			return most
		}
		if order, _ := sum.Cmp(most); order > 0 {
			most = sum
		}
	}
	return most
}

// refuse is a refusal for want of money or room, with what a program wants to know of it. limit may be nil.
func refuse(
	code bursar.Code, a *driver.AccountRow, available, needed money.Amount, limit *money.Amount, format string,
	args ...any,
) error {
	e := bursar.Errorf(code, format, args...)
	e.Account, e.Available, e.Needed = a.Path, &available, &needed
	if limit != nil {
		bound := *limit
		e.Limit = &bound
	}
	return e
}

// outOfRange names the account whose balance left the range of amounts.
func outOfRange(err error, account *driver.AccountRow) error {
	if errors.Is(err, money.ErrRange) {
		return bursar.Errorf(bursar.CodeBalanceOutOfRange, "the balance of %s would need more than 36 digits", account.Path)
	}
	return bursar.Errorf(bursar.CodeCorrupt, "the balance of %s is not in its currency: %w", account.Path, err)
}
