package ledger

import (
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// missing says that the nth account that the transfer names does not exist.
func (d *draft) missing(n int) error {
	t := d.request.transfer
	var field, path string
	switch leg := n / 2; {
	case leg >= len(t.Legs):
		condition := n - 2*len(t.Legs)
		field, path = fmt.Sprintf("conditions[%d].path", condition), t.Conditions[condition].Path
	case n%2 == 0:
		field, path = fmt.Sprintf("legs[%d].from", leg), t.Legs[leg].From
	default:
		field, path = fmt.Sprintf("legs[%d].to", leg), t.Legs[leg].To
	}
	return &bursar.Error{Code: bursar.CodeAccountNotFound, Field: field, Message: "no account " + path}
}

// peak is the most that the whole transfer asks of an account at any moment, leg by leg. So a refusal says what would
// have been enough, and not what was left in the middle of a transfer that did not happen.
func (d *draft) peak(a *driver.AccountRow, sides func(*bursar.Leg) (plus, minus string)) money.Amount {
	sum := money.Zero(a.Currency)
	most := sum
	for i := range d.request.transfer.Legs {
		leg := &d.request.transfer.Legs[i]
		var err error
		switch plus, minus := sides(leg); a.Path {
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
