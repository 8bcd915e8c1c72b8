package exchange

import (
	"cmp"
	"context"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Mismatch is an expected balance that did not come out. An account that is off stays off by the same amount from then
// on, so only a row at which the difference changes is one.
type Mismatch struct {
	Line     int          `json:"line"`
	ID       bursar.ID    `json:"id"`
	Account  string       `json:"account"`
	Expected money.Amount `json:"expected"` // by the file
	Actual   money.Amount `json:"actual"`   // in the ledger, right after the leg
	Off      money.Amount `json:"off"`      // by how much expected minus actual has changed
}

// balances compares what rows expect with what the journal says.
type balances struct {
	ledger Ledger
	off    map[string]money.Amount // expected minus actual at the account's last row; absent: zero
	count  int64
	net    []money.Amount // one for each currency
	report func(Mismatch)
}

// compare looks at the outcomes in order. Refused transfers have left no balance to compare.
func (b *balances) compare(ctx context.Context, outcomes []outcome) error {
	var asked []outcome
	for i := range outcomes {
		if outcomes[i].seq > 0 && outcomes[i].item.expects() {
			asked = append(asked, outcomes[i])
		}
	}
	entries, err := b.entries(ctx, asked)
	if err != nil {
		return err
	}
	for _, o := range asked {
		for i := range o.item.rows {
			row := &o.item.rows[i]
			e, ok := entries[o.first()+int64(i)]
			if !ok || e.Transfer != o.item.transfer.ID || e.Leg != i {
				return bursar.Errorf(bursar.CodeCorrupt, "position %d is not leg %d of %v: run bursar verify",
					o.first()+int64(i), i, o.item.transfer.ID)
			}
			if err := b.side(row, &e, row.From, row.FromBalance, e.FromAfter.Balance); err != nil {
				return err
			}
			if err := b.side(row, &e, row.To, row.ToBalance, e.ToAfter.Balance); err != nil {
				return err
			}
		}
	}
	return nil
}

func (it *item) expects() bool {
	return slices.ContainsFunc(it.rows, func(r Row) bool { return r.FromBalance != nil || r.ToBalance != nil })
}

// first is the position of the transfer's first leg.
func (o *outcome) first() int64 { return o.seq - int64(len(o.item.rows)) + 1 }

func (b *balances) side(row *Row, e *bursar.Entry, account string, expected *money.Amount, actual money.Amount) error {
	if expected == nil {
		return nil
	}
	off, err := expected.Sub(actual)
	if err != nil {
		return outOfRange(account, err)
	}
	before, known := b.off[account]
	if !known {
		before = money.Zero(off.Currency())
	}
	if off == before {
		return nil
	}
	b.off[account] = off
	change, err := off.Sub(before)
	if err != nil {
		return outOfRange(account, err)
	}
	b.count++
	if b.report != nil {
		b.report(Mismatch{
			Line: row.Line, ID: e.Transfer, Account: account, Expected: *expected, Actual: actual, Off: change,
		})
	}
	return b.add(account, change)
}

func (b *balances) add(account string, change money.Amount) error {
	i := slices.IndexFunc(b.net, func(a money.Amount) bool { return a.Currency() == change.Currency() })
	if i < 0 {
		b.net = append(b.net, change)
		return nil
	}
	sum, err := b.net[i].Add(change)
	if err != nil {
		return outOfRange(account, err)
	}
	b.net[i] = sum
	return nil
}

func outOfRange(account string, err error) error {
	return bursar.Errorf(bursar.CodeAmountOutOfRange, "the expected balance of %s cannot be compared: %w", account, err)
}

// entries reads the legs of transfers from the journal, in runs of neighbouring positions, by position.
func (b *balances) entries(ctx context.Context, asked []outcome) (map[int64]bursar.Entry, error) {
	sorted := slices.SortedFunc(slices.Values(asked), func(x, y outcome) int { return cmp.Compare(x.seq, y.seq) })
	found := make(map[int64]bursar.Entry, len(asked))
	for len(sorted) > 0 {
		after := sorted[0].first() - 1
		n := 1
		for n < len(sorted) && sorted[n].seq-after <= bursar.PageMax {
			n++
		}
		entries, err := b.ledger.Journal(ctx, after, int(sorted[n-1].seq-after))
		if err != nil {
			return nil, err
		}
		for i := range entries {
			found[entries[i].Seq] = entries[i]
		}
		sorted = sorted[n:]
	}
	return found, nil
}
