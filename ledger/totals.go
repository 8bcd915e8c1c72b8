package ledger

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// TrialBalance sums the balances of all accounts by currency, in one snapshot, and calls each, unless it is nil,
// with every account in order of path. A sum that leaves the range of amounts is [bursar.ErrBalanceOutOfRange].
func (v *view) TrialBalance(
	ctx context.Context, each func(bursar.Account) error,
) (totals []bursar.CurrencyTotal, head bursar.Head, err error) {
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		totals, head, err = v.sum(ctx, r, "", bursar.AsOf{}, each)
		return err
	})
	return totals, head, err
}

// Sum sums the balances of the accounts whose path begins with prefix by currency, now or as of a point, in one
// snapshot. An account that was not open at that point is not counted, and a currency without an account is not there.
// head is the journal's head as it was at that point.
//
// "users:1" begins users:10, too: what is below users:1 begins with "users:1:". Now reads a page of accounts at a
// time; a point in the past takes two more looks into the database for each account.
//
// Errors: those of Balance; a sum that leaves the range of amounts is [bursar.ErrBalanceOutOfRange].
func (v *view) Sum(
	ctx context.Context, prefix string, asOf bursar.AsOf,
) (totals []bursar.CurrencyTotal, head bursar.Head, err error) {
	if err := checkPoint(asOf); err != nil {
		return nil, head, err
	}
	err = v.asOf(ctx, func(ctx context.Context, r driver.Reader) error {
		totals, head, err = v.sum(ctx, r, prefix, asOf, nil)
		return err
	})
	return totals, head, err
}

func (v *view) sum(
	ctx context.Context, r driver.Reader, prefix string, asOf bursar.AsOf, each func(bursar.Account) error,
) (totals []bursar.CurrencyTotal, head bursar.Head, err error) {
	point, err := v.point(ctx, r, asOf)
	if err != nil {
		return nil, head, err
	}
	for path := ""; ; {
		records, err := r.Accounts(ctx, v.book.Number, prefix, path, bursar.PageMax)
		if err != nil {
			return nil, head, err
		}
		for i := range records {
			if totals, err = addAccount(ctx, r, totals, point, &records[i], each); err != nil {
				return nil, head, err
			}
			path = records[i].Path
		}
		if len(records) < bursar.PageMax {
			head, err = v.headAt(ctx, r, point)
			return totals, head, err
		}
	}
}

func addAccount(
	ctx context.Context, r driver.Reader, totals []bursar.CurrencyTotal, point *point, record *driver.AccountRecord,
	each func(bursar.Account) error,
) ([]bursar.CurrencyTotal, error) {
	account, err := accountOf(record)
	if err != nil {
		return nil, err
	}
	after, err := point.of(ctx, r, &record.AccountRow)
	if err != nil {
		return nil, err
	}
	if after.Version == 0 && after.Balance.IsZero() { // a balance without a version was dated back
		return totals, nil
	}
	if totals, err = addTotal(totals, account.Currency, after.Balance); err != nil || each == nil {
		return totals, err
	}
	return totals, each(account)
}

// headAt is the journal's head as it was at a point.
func (v *view) headAt(ctx context.Context, r driver.Reader, point *point) (bursar.Head, error) {
	head := point.head
	if point.seq == head.Seq {
		return head, nil
	}
	if head.Seq = point.seq; head.Seq == 0 {
		head.At, head.Hash = 0, v.book.Genesis
		return head, nil
	}
	e, err := v.entryAfter(ctx, r, head.Seq-1)
	if err == nil {
		head.At, head.Hash = e.At, e.Hash
	}
	return head, err
}

func addTotal(
	totals []bursar.CurrencyTotal, currency money.Currency, balance money.Amount,
) ([]bursar.CurrencyTotal, error) {
	i := 0
	for i < len(totals) && totals[i].Currency != currency {
		i++
	}
	if i == len(totals) {
		zero := money.Zero(currency)
		totals = append(totals, bursar.CurrencyTotal{Currency: currency, Positive: zero, Negative: zero, Sum: zero})
	}
	t := &totals[i]
	side := &t.Positive
	if balance.Sign() < 0 {
		side = &t.Negative
	}
	t.Accounts++
	for _, sum := range [2]*money.Amount{side, &t.Sum} {
		next, err := sum.Add(balance)
		if err != nil {
			return nil, bursar.Errorf(bursar.CodeBalanceOutOfRange, "the sum of the balances in %v: %w", currency, err)
		}
		*sum = next
	}
	return totals, nil
}
