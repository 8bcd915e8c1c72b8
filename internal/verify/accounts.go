package verify

import (
	"context"
	"math"
	"math/big"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// checkAccounts compares the rows of accounts and balances with the replay.
func (a *audit) checkAccounts(ctx context.Context) error {
	sums := make(map[money.Currency]*big.Int)
	for number := int64(math.MinInt64); ; {
		page, err := a.source.AuditAccounts(ctx, a.book.Number, number, pageSize)
		if err != nil {
			return err
		}
		for i := range page {
			row := &page[i]
			number = row.Number
			a.report.Accounts++
			if a.checkAccount(row); row.Fault == nil {
				sum := sums[row.Currency]
				if sum == nil {
					sum = new(big.Int)
					sums[row.Currency] = sum
				}
				sum.Add(sum, row.Balance.Big())
			}
		}
		if len(page) < pageSize {
			break
		}
	}
	for currency, sum := range sums {
		if sum.Sign() != 0 {
			a.find(a.last.seq, Conserved, "the balances in %v sum to %v smallest units", currency, sum)
		}
	}
	a.checkUnseen()
	return nil
}

// checkUnseen reports accounts of the journal without a row.
func (a *audit) checkUnseen() {
	var unseen []*account
	for _, acc := range a.accounts {
		if !acc.seen {
			unseen = append(unseen, acc)
		}
	}
	slices.SortFunc(unseen, func(x, y *account) int { return x.first.compare(y.first) })
	for _, acc := range unseen {
		a.findAt(acc.first, Accounts, "%s is not among the accounts of the book", acc.path)
	}
}

func (a *audit) checkAccount(row *driver.AuditedAccount) {
	acc := a.accounts[row.Number]
	if acc != nil {
		acc.seen = true
	}
	switch {
	case row.Fault != nil && acc != nil:
		a.findAt(acc.last, Readable, "the rows of %s: %v", acc.path, row.Fault)
		return
	case row.Fault != nil:
		a.find(0, Readable, "the rows of account %d: %v", row.Number, row.Fault)
		return
	case acc == nil:
		a.find(a.firstBad, Accounts, "no entry opens account %d %s", row.Number, row.Path)
		return
	}
	if row.Path != acc.path || row.Currency != acc.currency || row.Opened != acc.opened || row.Metadata != acc.metadata {
		a.findAt(acc.first, Accounts, "the path, currency, metadata or time of opening of %s is not that of its opening",
			acc.path)
	}
	if fault := compareBalance(row, acc); fault != "" {
		at := acc.last
		if row.Version != acc.after.Version && a.firstBad > at.seq {
			// The replay lacks an entry of the account, because the journal does.
			at = spot{seq: a.firstBad}
		}
		a.findAt(at, BalanceRows, "%s of %s is not what the journal comes to", fault, acc.path)
	}
}

// compareBalance names the first column of a balance that differs from the replay.
func compareBalance(row *driver.AuditedAccount, acc *account) string {
	available, err := acc.after.Balance.Sub(acc.after.Held)
	switch {
	case row.State != bursar.AccountOpen:
		return "the state"
	case row.Version != acc.after.Version:
		return "the version"
	case row.Balance != acc.after.Balance:
		return "the balance"
	case row.Held != acc.after.Held:
		return "what is held"
	case err != nil || row.Stored != available:
		return "what is available"
	case row.Min != acc.min:
		return "the minimum"
	case row.Max != acc.max:
		return "the maximum"
	case row.Decided != acc.decided:
		return "the last time of a decision"
	case row.LastEntry != acc.key:
		return "the last entry"
	default:
		return ""
	}
}
