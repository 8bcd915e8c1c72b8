package ledger

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// Statement lists an account's sealed entries from the latest to the first, with the running balance.
func (v *view) Statement(
	ctx context.Context, path string, q bursar.StatementQuery,
) (lines []bursar.StatementLine, err error) {
	if q.Limit, err = pageLimit(q.Limit); err != nil {
		return nil, err
	}
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		account, err := v.account(ctx, r, path)
		if err != nil {
			return err
		}
		lines, err = v.lines(ctx, r, account, q)
		return err
	})
	return lines, err
}

func (v *view) lines(
	ctx context.Context, r driver.Reader, account *driver.AccountRecord, q bursar.StatementQuery,
) ([]bursar.StatementLine, error) {
	key := account.LastEntry
	if q.Before > 0 && q.Before <= account.Version {
		e, err := entryBefore(ctx, r, &account.AccountRow, driver.MarkVersion, q.Before)
		if err != nil || e == nil {
			return nil, err
		}
		key = e.Key
	}
	var lines []bursar.StatementLine
	for key != 0 && len(lines) < q.Limit {
		entries, err := r.Back(ctx, account.Number, key, q.Limit-len(lines))
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			return nil, brokenHistory(&account.AccountRow, key)
		}
		for i := range entries {
			if entries[i].Seq > 0 {
				lines = append(lines, lineOf(&entries[i], account.Number))
			}
			_, key = side(&entries[i], account.Number)
		}
	}
	return lines, nil
}

func lineOf(e *driver.EntryRow, account int64) bursar.StatementLine {
	l := bursar.StatementLine{Seq: e.Seq, At: e.At, Effective: e.At, Kind: e.Kind, Transfer: e.Transfer,
		Other: e.From, Amount: e.Amount, Balance: e.ToAfter.Balance, Version: e.ToAfter.Version}
	if e.FromAccount == account {
		l.Other, l.Amount = e.To, e.Amount.Neg()
		l.Balance, l.Version = e.FromAfter.Balance, e.FromAfter.Version
	}
	if e.Backdated {
		l.Effective = e.Effective
	}
	return l
}

// TrialBalance sums the balances of all accounts by currency, in one snapshot, and calls each, unless it is nil,
// with every account in order of path. A sum that leaves the range of amounts is [bursar.ErrBalanceOutOfRange].
func (v *view) TrialBalance(
	ctx context.Context, each func(bursar.Account) error,
) (totals []bursar.CurrencyTotal, head bursar.Head, err error) {
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		if head, err = r.Head(ctx, v.book.Number); err != nil {
			return err
		}
		totals, err = v.total(ctx, r, each)
		return err
	})
	return totals, head, err
}

func (v *view) total(
	ctx context.Context, r driver.Reader, each func(bursar.Account) error,
) ([]bursar.CurrencyTotal, error) {
	var totals []bursar.CurrencyTotal
	for after := ""; ; {
		records, err := r.Accounts(ctx, v.book.Number, "", after, bursar.PageMax)
		if err != nil {
			return nil, err
		}
		for i := range records {
			account, err := accountOf(&records[i])
			if err != nil {
				return nil, err
			}
			if totals, err = addTotal(totals, &account); err != nil {
				return nil, err
			}
			if each != nil {
				if err := each(account); err != nil {
					return nil, err
				}
			}
			after = account.Path
		}
		if len(records) < bursar.PageMax {
			return totals, nil
		}
	}
}

func addTotal(totals []bursar.CurrencyTotal, account *bursar.Account) ([]bursar.CurrencyTotal, error) {
	i := 0
	for i < len(totals) && totals[i].Currency != account.Currency {
		i++
	}
	if i == len(totals) {
		zero := money.Zero(account.Currency)
		totals = append(totals, bursar.CurrencyTotal{Currency: account.Currency, Positive: zero, Negative: zero, Sum: zero})
	}
	t := &totals[i]
	side := &t.Positive
	if account.Balance.Sign() < 0 {
		side = &t.Negative
	}
	t.Accounts++
	for _, sum := range [2]*money.Amount{side, &t.Sum} {
		next, err := sum.Add(account.Balance)
		if err != nil {
			return nil, bursar.Errorf(bursar.CodeBalanceOutOfRange, "the sum of the balances in %v: %w", account.Currency, err)
		}
		*sum = next
	}
	return totals, nil
}
